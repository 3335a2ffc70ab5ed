"""`segmentd segment`, `restore`, `archive`, `delete`: one segment, its versions, and what becomes of it."""

from __future__ import annotations

from typing import Annotated

import typer

from segmentd.cli import show_segment
from segmentd.cli.connection import connect
from segmentd.cli.message_json import message_json
from segmentd.cli.options import (
    DEFAULT_SERVER,
    AuthorOption,
    EtagOption,
    JsonOption,
    NoteOption,
    SegmentArgument,
    ServerOption,
)
from segmentd.cli.output import show, show_json, show_json_lines
from segmentd.cli.show_answers import state_name

# An edit is acknowledged when every user is judged by it.
_TIMEOUT = 600.0


def segment(
    segment: SegmentArgument,
    versions: Annotated[bool, typer.Option("--versions", help="Its versions, the latest first.")] = False,
    models: Annotated[bool, typer.Option("--models", help="The fits of its models, the latest first.")] = False,
    as_json: JsonOption = False,
    server: ServerOption = DEFAULT_SERVER,
) -> None:
    """Show one segment as it stands; with --versions or --models, what it was."""
    with connect(server) as client:
        found = None if versions or models else client.get_segment(segment, with_size=True).segment
        made = list(client.segment_versions(segment)) if versions else []
        fitted = list(client.segment_models(segment)) if models else []
    if as_json and found is not None:
        show_json(message_json(found))
    elif as_json:
        show_json_lines(message_json(each) for each in (*made, *fitted))
    else:
        show(*([show_segment.segment_table(found)] if found is not None else []))
        show(*([show_segment.versions_table(made)] if made else []))
        show(*([show_segment.models_table(fitted) if fitted else "no models"] if models else []))


def restore(  # noqa: PLR0913  (options, given by name)
    segment: SegmentArgument,
    version: Annotated[int, typer.Argument(metavar="VERSION", help="The version to restore.", min=1)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
    author: AuthorOption = "",
    note: NoteOption = "",
    etag: EtagOption = "",
    as_json: JsonOption = False,
    server: ServerOption = DEFAULT_SERVER,
) -> None:
    """Define a segment as it was in an old version, as a new one; an archived segment is back with it."""
    with connect(server, _TIMEOUT) as client:
        answer = client.restore_segment_version(segment, version, etag, author=author, note=note, validate_only=dry_run)
    if as_json:
        show_json(message_json(answer))
    elif dry_run:
        show(f"version {version} of {segment} would be version {answer.segment.version}")
        show(*show_segment.preview_lines(answer.preview))
    else:
        show(f"version {version} of {segment} is version {answer.segment.version}, {state_name(answer.segment)}")


def archive(
    segment: SegmentArgument,
    author: AuthorOption = "",
    note: NoteOption = "",
    etag: EtagOption = "",
    as_json: JsonOption = False,
    server: ServerOption = DEFAULT_SERVER,
) -> None:
    """Archive a segment: all members leave; its versions and its history remain."""
    with connect(server, _TIMEOUT) as client:
        answer = client.archive_segment(segment, etag, author=author, note=note)
    if as_json:
        show_json(message_json(answer))
    else:
        show(f"{segment} is archived")


def delete(
    segment: SegmentArgument,
    etag: EtagOption = "",
    as_json: JsonOption = False,
    server: ServerOption = DEFAULT_SERVER,
) -> None:
    """Delete a segment for good: all members leave, and its id is free."""
    with connect(server, _TIMEOUT) as client:
        answer = client.delete_segment(segment, etag)
    if as_json:
        show_json(message_json(answer))
    else:
        show(f"{segment} is deleted")
