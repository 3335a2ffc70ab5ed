"""Messages of a watch, as a server writes them to a replica."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from segmentd.client import as_timestamp
from segmentd.v1 import membership_service_pb2 as pb
from segmentd.v1 import transition_pb2

T0 = 1_767_225_600_000_000
"""The server's clock, in microseconds, when that of the process shows 0."""
SECOND = 1_000_000


class Hand:
    """A clock moved by hand, in seconds."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def members(segment_id: str, users: Mapping[str, int], revision: int = 1) -> pb.WatchTransitionsResponse:
    part = pb.SnapshotMembers(segment_id=segment_id, revision=revision, user_ids=users, user_keys=users.values())
    return pb.WatchTransitionsResponse(members=part)


def snapshot_end(revision: int = 1) -> pb.WatchTransitionsResponse:
    return pb.WatchTransitionsResponse(snapshot_end=pb.SnapshotEnd(position=f"end-{revision}", revision=revision))


def moves(
    *changes: tuple[str, str, str, int], position: str = "p", revision: int = 1, merge: bool = False
) -> pb.WatchTransitionsResponse:
    """Each ("+" or "-", segment, user, key)."""
    cause = transition_pb2.TRANSITION_CAUSE_MERGE if merge else transition_pb2.TRANSITION_CAUSE_ATTRIBUTE
    made = [
        transition_pb2.Transition(
            position=position,
            revision=revision,
            cause=cause,
            segment_id=segment_id,
            user_id=user_id,
            user_key=key,
            move=transition_pb2.MOVE_ENTERED if sign == "+" else transition_pb2.MOVE_LEFT,
        )
        for sign, segment_id, user_id, key in changes
    ]
    return pb.WatchTransitionsResponse(transitions=pb.TransitionBatch(transitions=made))


def checkpoint(seconds: float, revision: int = 1, unanswered: Sequence[str] = ()) -> pb.WatchTransitionsResponse:
    """Complete up to so many seconds after T0."""
    part = pb.Checkpoint(
        position=f"check-{revision}",
        revision=revision,
        complete_time=as_timestamp(T0 + round(seconds * SECOND)),
        unanswered_segment_ids=unanswered,
    )
    return pb.WatchTransitionsResponse(checkpoint=part)


def merged(pairs: Mapping[str, str], *, first: bool = False) -> pb.WatchTransitionsResponse:
    part = pb.MergedIds(first=first, user_ids=pairs, survivor_ids=pairs.values())
    return pb.WatchTransitionsResponse(merged_ids=part)
