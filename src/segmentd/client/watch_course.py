"""How a watch goes on over as many connections as it takes; without the connections."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import grpc
from google.protobuf import duration_pb2

from segmentd.client.arguments import length
from segmentd.client.calls import Call
from segmentd.client.errors import CallFailed
from segmentd.client.outage import PASSING
from segmentd.client.pauses import pause_after
from segmentd.v1 import membership_service_pb2 as questions
from segmentd.v1 import transition_pb2
from segmentd.v1.membership_service_pb2_grpc import MembershipServiceStub

RECONNECT_FOR: Final = 60.0
"""Seconds for which a watch that lost its server looks for it."""
_MICROS: Final = 1_000_000
_RESUMABLE: Final = frozenset({"WATCH_TOO_SLOW", "SHUTTING_DOWN"})


class WatchCourse:
    """`position` is where the last message that was given out stands; a call that is lost is followed by another."""

    def __init__(
        self,
        request: questions.WatchTransitionsRequest,
        reconnect_for: float = RECONNECT_FOR,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`reconnect_for` is in seconds; 0 never connects again. Raises ValueError where it is below."""
        if not reconnect_for >= 0:
            raise ValueError(f"reconnect_for: {reconnect_for} is no time; write seconds, 0 or more")
        self.position = request.position
        self._request = request
        self._reconnect_for = reconnect_for
        self._clock = clock
        self._heard = False
        self._lost_at = 0.0
        self._tries = 0

    def next_call(self) -> Call[questions.WatchTransitionsResponse]:
        """The call that begins after the last position."""
        request = questions.WatchTransitionsRequest()
        request.CopyFrom(self._request)
        if self.position:
            request.position = self.position
            request.ClearField("start")
        return Call(MembershipServiceStub, "WatchTransitions", request)

    def hear(self, message: questions.WatchTransitionsResponse) -> None:
        """Note where a message stands."""
        self._heard, self._tries = True, 0
        self.position = position_of(message) or self.position

    def delay_after(self, failed: CallFailed | None) -> float:
        """The seconds until the next call; None stands for a stream that ended without a status.

        Raises CallFailed where another call is of no use or has been of none for too long.
        """
        # A server ends no watch without a status; whoever did stands between.
        failed = failed or CallFailed(grpc.StatusCode.UNAVAILABLE, "", "the stream ended without a status")
        lost = failed.code in PASSING or failed.reason in _RESUMABLE
        now = self._clock()
        self._lost_at = self._lost_at if self._tries else now
        if not lost or not self._heard or now >= self._lost_at + self._reconnect_for:
            raise failed from None
        self._tries += 1
        return max(pause_after(self._tries - 1), failed.retry_after or 0.0)

    def moves_in(self, message: questions.WatchTransitionsResponse) -> Iterator[transition_pb2.Transition]:
        """The transitions of the last message one by one; `position` goes with them."""
        end = self.position
        for transition in message.transitions.transitions:
            self.position = transition.position
            yield transition
        self.position = end


def watch_request(
    segment_ids: Sequence[str],
    user_ids: Sequence[str],
    start: questions.WatchStart.ValueType,
    position: str,
    checkpoint_seconds: float | None,
    min_revision: int,
) -> questions.WatchTransitionsRequest:
    """What a watch asks for. Raises TypeError and ValueError for what cannot be sent."""
    interval = None
    if checkpoint_seconds is not None:
        interval = duration_pb2.Duration()
        interval.FromMicroseconds(round(length(checkpoint_seconds, "checkpoint_seconds") * _MICROS))
    return questions.WatchTransitionsRequest(
        segment_ids=segment_ids,
        user_ids=user_ids,
        start=start,
        position=position,
        checkpoint_interval=interval,
        min_revision=min_revision,
    )


def position_of(message: questions.WatchTransitionsResponse) -> str:
    """Where a watch goes on after a message; empty amid a snapshot."""
    part = message.WhichOneof("part")
    if part == "transitions":
        return message.transitions.transitions[-1].position
    return "" if part in (None, "members", "merged_ids") else str(getattr(message, part).position)
