"""`segmentd include` and `segmentd exclude`: single users of any segment, whatever its rule says."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

from segmentd.cli.connection import connect
from segmentd.cli.faults import CommandFailed
from segmentd.cli.message_json import message_json
from segmentd.cli.options import DEFAULT_SERVER, AuthorOption, JsonOption, NoteOption, SegmentArgument, ServerOption
from segmentd.cli.output import show, show_json
from segmentd.v1 import segment_pb2

UsersArgument: TypeAlias = Annotated[list[str], typer.Argument(metavar="USER...", help="The ids of users.")]
UndoOption: TypeAlias = Annotated[bool, typer.Option("--undo", help="No longer; the rule decides again.")]


def include(
    segment: SegmentArgument,
    users: UsersArgument,
    undo: UndoOption = False,
    author: AuthorOption = "",
    note: NoteOption = "",
    as_json: JsonOption = False,
    server: ServerOption = DEFAULT_SERVER,
) -> None:
    """Make users members of a segment, whatever its rule says; users nobody has written about are created."""
    _change("include_user_ids", segment_pb2.Segment(id=segment, author=author, note=note), users, undo, as_json, server)


def exclude(
    segment: SegmentArgument,
    users: UsersArgument,
    undo: UndoOption = False,
    author: AuthorOption = "",
    note: NoteOption = "",
    as_json: JsonOption = False,
    server: ServerOption = DEFAULT_SERVER,
) -> None:
    """Keep users out of a segment, whatever its rule says and whether they are included."""
    _change("exclude_user_ids", segment_pb2.Segment(id=segment, author=author, note=note), users, undo, as_json, server)


def _change(field: str, segment: segment_pb2.Segment, users: list[str], undo: bool, as_json: bool, server: str) -> None:
    """Name users in a field of the segment, or no longer. Raises CommandFailed where somebody to undo is not named."""
    word = "included" if field == "include_user_ids" else "excluded"
    with connect(server, 600.0) as client:
        before = client.get_segment(segment.id).segment
        there = list(getattr(before, field))
        absent = [each for each in dict.fromkeys(users) if each not in there] if undo else []
        if absent:
            words = f"{', '.join(absent)} {'is' if len(absent) == 1 else 'are'} not {word} by name"
            raise CommandFailed(f"segment {segment.id}: {words}; nothing is changed")
        named = [each for each in there if each not in set(users)] + ([] if undo else users)
        # With the etag, so that what somebody else names in between is not lost.
        segment.etag = before.etag
        getattr(segment, field).extend(dict.fromkeys(named))
        answer = client.update_segment(segment, [field])
    if as_json:
        show_json(message_json(answer.segment))
    else:
        show(f"segment {segment.id}: {word} by name: {len(getattr(answer.segment, field)):,}")
