"""Watching transitions: one iterator over as many connections as it takes."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Final

import grpc
from google.protobuf import duration_pb2

from segmentd.client.errors import CallFailed
from segmentd.client.part import Part
from segmentd.v1 import membership_service_pb2 as questions
from segmentd.v1 import transition_pb2
from segmentd.v1.membership_service_pb2_grpc import MembershipServiceStub

RECONNECT_FOR: Final = 60.0
"""Seconds for which a watch that lost its server looks for it."""
_FIRST_DELAY: Final = 0.1
_LONGEST_DELAY: Final = 5.0
_RESUMABLE: Final = frozenset({"WATCH_TOO_SLOW", "SHUTTING_DOWN"})


class Watch(Iterator[questions.WatchTransitionsResponse]):
    """The messages of a watch, without an end; `position` is where the last one that was given out stands.

    Where the server goes away or cuts it off, the watch goes on after that position by itself, once it had a first
    message. A snapshot that was not complete is taken anew; the other `revision` of its members says so.
    To be closed, which another thread may do; a closed watch ends.
    """

    def __init__(
        self,
        method: Callable[..., Any],
        request: questions.WatchTransitionsRequest,
        reconnect_for: float = RECONNECT_FOR,
    ) -> None:
        """`reconnect_for` is in seconds; 0 never connects again."""
        self.position = request.position
        self._method = method
        self._request = request
        self._reconnect_for = reconnect_for
        self._closed = threading.Event()
        self._call: Any = None
        self._heard = False
        self._lost_at = 0.0
        self._tries = 0

    def __next__(self) -> questions.WatchTransitionsResponse:
        """Waits for the next message. Raises CallFailed."""
        while not self._closed.is_set():
            try:
                message: questions.WatchTransitionsResponse = next(self._connected())
            except (grpc.RpcError, StopIteration) as error:
                self._call = None
                self._wait_or_fail(error)
                continue
            self._heard, self._tries = True, 0
            self.position = position_of(message) or self.position
            return message
        raise StopIteration

    def transitions(self) -> Iterator[transition_pb2.Transition]:
        """The transitions one by one; `position` goes with them. Snapshots and checkpoints are passed over."""
        for message in self:
            end = self.position
            for transition in message.transitions.transitions:
                self.position = transition.position
                yield transition
            self.position = end

    def close(self) -> None:
        """End the watch."""
        self._closed.set()
        call = self._call
        if call is not None:
            call.cancel()

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _connected(self) -> Any:
        """The call under way, or a new one after the last position."""
        if self._call is None:
            request = questions.WatchTransitionsRequest()
            request.CopyFrom(self._request)
            if self.position:
                request.position = self.position
                request.ClearField("start")
            self._call = self._method(request)
            if self._closed.is_set():  # meanwhile, by another thread
                self._call.cancel()
        return self._call

    def _wait_or_fail(self, error: grpc.RpcError | StopIteration) -> None:
        """Returns when it is time to connect again. Raises CallFailed where that is of no use or takes too long."""
        if self._closed.is_set():
            return
        # A server ends no watch without a status; whoever did stands between.
        unknown = CallFailed(grpc.StatusCode.UNAVAILABLE, "", "the stream ended without a status")
        failed = CallFailed.of(error) if isinstance(error, grpc.RpcError) else unknown
        lost = failed.code is grpc.StatusCode.UNAVAILABLE or failed.reason in _RESUMABLE
        now = time.monotonic()
        self._lost_at = self._lost_at if self._tries else now
        if not lost or not self._heard or now >= self._lost_at + self._reconnect_for:
            raise failed from None
        delay = min(_FIRST_DELAY * 2**self._tries, _LONGEST_DELAY) * random.uniform(0.5, 1.0)  # noqa: S311  (no secret)
        self._tries += 1
        self._closed.wait(max(delay, failed.retry_after or 0.0))


class Watches(Part):
    """WatchTransitions of MembershipService."""

    def _connect(self, channel: grpc.Channel) -> None:
        super()._connect(channel)
        self._watched = MembershipServiceStub(channel)

    def watch(
        self,
        segment_ids: Sequence[str] = (),
        user_ids: Sequence[str] = (),
        *,
        start: questions.WatchStart.ValueType = questions.WATCH_START_UNSPECIFIED,
        position: str = "",
        checkpoint_seconds: float | None = None,
        min_revision: int = 0,
        reconnect_for: float = RECONNECT_FOR,
    ) -> Watch:
        """The transitions of these segments and users (none: of all), live; close it, or use it as a context manager.

        It begins now, or as `start` or the `position` of an earlier watch says.
        """
        interval = None if checkpoint_seconds is None else duration_pb2.Duration()
        if interval is not None and checkpoint_seconds is not None:
            interval.FromMicroseconds(round(checkpoint_seconds * 1_000_000))
        request = questions.WatchTransitionsRequest(
            segment_ids=segment_ids,
            user_ids=user_ids,
            start=start,
            position=position,
            checkpoint_interval=interval,
            min_revision=min_revision,
        )
        return Watch(self._watched.WatchTransitions, request, reconnect_for)


def position_of(message: questions.WatchTransitionsResponse) -> str:
    """Where a watch goes on after a message; empty amid a snapshot."""
    part = message.WhichOneof("part")
    if part == "transitions":
        return message.transitions.transitions[-1].position
    return "" if part in (None, "members") else str(getattr(message, part).position)
