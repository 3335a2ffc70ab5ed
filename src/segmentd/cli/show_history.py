"""Transitions and memberships of the past, for people."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table

from segmentd.cli.instants import instant_text
from segmentd.cli.message_json import enum_name
from segmentd.cli.show_answers import add_row, grid
from segmentd.v1 import history_service_pb2, membership_pb2, transition_pb2


def transitions_table(transitions: Iterable[transition_pb2.Transition]) -> Table:
    """One transition a row."""
    table = grid("effective", "user", "move", "segment", "version", "cause", "message id")
    for each in transitions:
        add_row(
            table,
            instant_text(each.effective_time),
            each.user_id or f"(erased, key {each.user_key})",
            (enum_name(transition_pb2.Move.DESCRIPTOR, each.move) or "").lower(),
            each.segment_id,
            str(each.segment_version),
            (enum_name(transition_pb2.TransitionCause.DESCRIPTOR, each.cause) or "").lower(),
            each.message_id,
        )
    return table


def was_line(user: str, segment: str, at: str, answer: history_service_pb2.CheckMembershipAtResponse) -> str:
    """One sentence."""
    is_member = answer.membership == membership_pb2.MEMBERSHIP_MEMBER
    verdict = f"{user} {'was' if is_member else 'was not'} a member of {segment} at {at}"
    if not answer.segment_version:
        return f"{verdict}: there was no such segment yet"
    if not answer.user_known:
        return f"{verdict}: nothing was known about this user yet"
    since = f", since {instant_text(answer.since_time)}" if answer.HasField("since_time") else ""
    until = f", until {instant_text(answer.until_time)}" if answer.HasField("until_time") else ", and is as yet"
    if not is_member and not answer.HasField("until_time"):
        until = ", and has not been since"
    return f"{verdict}{since}{until} (version {answer.segment_version})"
