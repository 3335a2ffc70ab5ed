"""`segmentd include` and `segmentd exclude`: single users of any segment, whatever its rule says."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

from segmentd.cli.connection import connect
from segmentd.cli.message_json import message_json
from segmentd.cli.options import DEFAULT_SERVER, JsonOption, SegmentArgument, ServerOption
from segmentd.cli.output import show, show_json
from segmentd.v1 import segment_pb2

UsersArgument: TypeAlias = Annotated[list[str], typer.Argument(metavar="USER...", help="The ids of users.")]
UndoOption: TypeAlias = Annotated[bool, typer.Option("--undo", help="No longer; the rule decides again.")]


def include(
    segment: SegmentArgument,
    users: UsersArgument,
    undo: UndoOption = False,
    as_json: JsonOption = False,
    server: ServerOption = DEFAULT_SERVER,
) -> None:
    """Make users members of a segment, whatever its rule says; users nobody has written about are created."""
    _change("include_user_ids", segment, users, undo=undo, as_json=as_json, server=server)


def exclude(
    segment: SegmentArgument,
    users: UsersArgument,
    undo: UndoOption = False,
    as_json: JsonOption = False,
    server: ServerOption = DEFAULT_SERVER,
) -> None:
    """Keep users out of a segment, whatever its rule says and whether they are included."""
    _change("exclude_user_ids", segment, users, undo=undo, as_json=as_json, server=server)


def _change(field: str, segment_id: str, users: list[str], *, undo: bool, as_json: bool, server: str) -> None:
    with connect(server, 600.0) as client:
        before = client.get_segment(segment_id).segment
        named = [each for each in getattr(before, field) if each not in set(users)] + ([] if undo else users)
        # With the etag, so that what somebody else names in between is not lost.
        segment = segment_pb2.Segment(id=segment_id, etag=before.etag)
        getattr(segment, field).extend(dict.fromkeys(named))
        answer = client.update_segment(segment, [field])
    if as_json:
        show_json(message_json(answer.segment))
    else:
        word = "included" if field == "include_user_ids" else "excluded"
        show(f"segment {segment_id}: {word} by name: {len(getattr(answer.segment, field)):,}")
