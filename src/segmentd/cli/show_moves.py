"""The parts of a watch: lines for people, and one JSON document each for scripts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from rich.text import Text

from segmentd.cli.instants import instant_text
from segmentd.cli.message_json import enum_name, message_json
from segmentd.v1 import membership_service_pb2 as questions
from segmentd.v1 import transition_pb2

_MARKS: Final = {
    transition_pb2.MOVE_ENTERED: ("+ entered", "green"),
    transition_pb2.MOVE_LEFT: ("- left   ", "red"),
}
_USER_WIDTH: Final = 12
_SEGMENT_WIDTH: Final = 20
"""Columns stand below one another while ids are no longer than this."""


def move_line(transition: transition_pb2.Transition) -> Text:
    """`10:02:11  + entered  u17  vip  at 2026-11-21T10:02:10.123456Z  by event m1`: recorded at 10:02:11."""
    words, colour = _MARKS[transition.move]
    line = Text(f"{_time_of_day(transition)}  ", style="dim")
    line.append(words, style=f"not dim {colour}")
    line.append(f"  {_user(transition):<{_USER_WIDTH}}  {transition.segment_id:<{_SEGMENT_WIDTH}}", style="not dim")
    line.append(f"  at {instant_text(transition.effective_time)}  by {_cause(transition)}")
    return line


def lines(message: questions.WatchTransitionsResponse) -> Iterator[Text]:
    """A message for people; checkpoints say nothing to them."""
    part = message.WhichOneof("part")
    if part == "members":
        for user_id in message.members.user_ids:
            yield Text.assemble(
                ("          = member   ", "dim"), f"{user_id:<{_USER_WIDTH}}  ", message.members.segment_id
            )
    elif part == "snapshot_end":
        end = message.snapshot_end
        yield Text(f"these were the members at {instant_text(end.evaluate_time)}, revision {end.revision}", style="dim")
    for transition in message.transitions.transitions:
        yield move_line(transition)


def documents(message: questions.WatchTransitionsResponse) -> Iterator[dict[str, Any]]:
    """A message as JSON: one document for each member and transition; `part` says which kind it is."""
    part = message.WhichOneof("part") or ""
    if part == "transitions":
        for transition in message.transitions.transitions:
            yield {"part": "transition", **message_json(transition)}
    elif part == "members":
        members = message.members
        for user_id, user_key in zip(members.user_ids, members.user_keys, strict=True):
            named = {"segment_id": members.segment_id, "user_id": user_id, "user_key": user_key}
            yield {"part": "member", **named, "revision": members.revision}
    else:
        yield {"part": part, **message_json(getattr(message, part))}


def _time_of_day(transition: transition_pb2.Transition) -> str:
    return instant_text(transition.recorded_time)[11:19]


def _user(transition: transition_pb2.Transition) -> str:
    return transition.user_id or f"erased #{transition.user_key}"


def _cause(transition: transition_pb2.Transition) -> str:
    name = (enum_name(transition_pb2.TransitionCause.DESCRIPTOR, transition.cause) or "").lower()
    return f"{name} {transition.message_id}" if transition.message_id else name
