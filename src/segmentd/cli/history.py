"""Commands that ask about the past."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Annotated, Final

import typer

from segmentd.cli import migration_image, show_history, show_migration
from segmentd.cli.connection import connect
from segmentd.cli.faults import CommandFailed
from segmentd.cli.instants import typed_instant
from segmentd.cli.message_json import message_json
from segmentd.cli.options import DEFAULT_SERVER, MOST, JsonOption, SegmentArgument, ServerOption, UserArgument
from segmentd.cli.output import show, show_json, show_json_lines
from segmentd.times import Micros, format_instant

_MATRIX_TIMEOUT: Final = 600.0
"""Seconds. The log of all segments is read twice, and other matrices may be before this one."""


def history(  # noqa: PLR0913  (options, given by name)
    user: Annotated[str, typer.Option("--user", metavar="USER", help="Only this user.")] = "",
    segment: Annotated[str, typer.Option("--segment", metavar="SEGMENT", help="Only this segment.")] = "",
    start: Annotated[
        str | None, typer.Option("--from", metavar="INSTANT", help="From then on, as 2026-11-21T10:00:00Z.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="INSTANT", help="Before then.")] = None,
    newest: Annotated[bool, typer.Option("--newest", help="The newest first.")] = False,
    limit: Annotated[int | None, typer.Option("--limit", min=1, max=MOST, help="At most so many.")] = None,
    as_json: JsonOption = False,
    server: ServerOption = DEFAULT_SERVER,
) -> None:
    """List how a user moved, who moved into and out of a segment, or both."""
    if not user and not segment:
        raise CommandFailed("give --user, --segment or both", exit_code=2)
    first, last = _optional("--from", start), _optional("--to", end)
    size = min(limit or 1_000, 1_000)
    with connect(server) as client:
        pages = client.membership_history(
            user_id=user, segment_id=segment, start=first, end=last, newest_first=newest, page_size=size
        )
        found = islice((each for page in pages for each in page.transitions), limit)
        if as_json:
            show_json_lines(message_json(each) for each in found)
            return
        shown = 0
        while rows := list(islice(found, 1_000)):
            show(show_history.transitions_table(rows))
            shown += len(rows)
        if not shown:
            show("nobody moved")


def was(
    user: UserArgument,
    segment: SegmentArgument,
    at: Annotated[str, typer.Option("--at", metavar="INSTANT", help="When, as 2026-11-21T10:00:00Z.")],
    as_json: JsonOption = False,
    server: ServerOption = DEFAULT_SERVER,
) -> None:
    """Say whether a user was in a segment at an instant, and since and until when. Exit code 0 either way."""
    instant = typed_instant("--at", at)
    with connect(server) as client:
        answer = client.check_at(user, segment, instant)
    if as_json:
        show_json({"segment_id": segment, "at_time": format_instant(instant), **message_json(answer)})
    else:
        show(show_history.was_line(user, segment, format_instant(instant), answer))


def migration(
    segments: Annotated[list[str], typer.Argument(metavar="SEGMENT...", help="The ids of segments, in their order.")],
    start: Annotated[str, typer.Option("--from", metavar="INSTANT", help="When the users were in the rows.")],
    end: Annotated[str, typer.Option("--to", metavar="INSTANT", help="When they were in the columns.")],
    image: Annotated[
        Path | None, typer.Option("--image", metavar="FILE", help="Draw it too, as .png, .svg or .pdf.")
    ] = None,
    as_json: JsonOption = False,
    server: ServerOption = DEFAULT_SERVER,
) -> None:
    """Show how many users moved from each segment to each other between two instants."""
    first, last = typed_instant("--from", start), typed_instant("--to", end)
    if image is not None:
        migration_image.check_image(image)
    with connect(server, _MATRIX_TIMEOUT) as client:
        matrix = client.migration_matrix(segments, first, last)
    title = f"Users by segment, {format_instant(first)} to {format_instant(last)}"
    if as_json:
        show_json(message_json(matrix))
    else:
        show(title, show_migration.matrix_table(matrix), *show_migration.matrix_lines(matrix))
    if image is not None:
        migration_image.write_image(matrix, title, image)


def _optional(option: str, text: str | None) -> Micros | None:
    return None if text is None else typed_instant(option, text)
