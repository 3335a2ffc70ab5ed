"""Watching transitions: one iterator over as many connections as it takes."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from types import TracebackType

import grpc

from segmentd.client.arguments import named
from segmentd.client.calling import Caller
from segmentd.client.calls import Blocking
from segmentd.client.errors import CallFailed
from segmentd.client.pool import Lane
from segmentd.client.silence import Attended, longest_silence
from segmentd.client.watch_course import RECONNECT_FOR, WatchCourse, watch_request
from segmentd.v1 import membership_service_pb2 as questions
from segmentd.v1 import transition_pb2


class Watch(Iterator[questions.WatchTransitionsResponse]):
    """The messages of a watch, without an end; `position` is where the last one that was given out stands.

    Where the server goes away or cuts it off, or says nothing though checkpoints were asked for, the watch goes on
    after that position by itself, once it had a first message. A snapshot that was not complete is taken anew; the
    other `revision` of its members says so.
    To be closed, which another thread may do; a closed watch ends.
    """

    def __init__(self, caller: Caller, course: WatchCourse, patience: float | None = None) -> None:
        """`patience` is the longest silence in seconds."""
        self._caller = caller
        self._course = course
        self._patience = patience
        self._closed = threading.Event()
        self._lane: Lane[grpc.Channel] = caller.pool.lane()
        self._call: Attended | None = None

    @property
    def position(self) -> str:
        """Where another watch would go on."""
        return self._course.position

    def __next__(self) -> questions.WatchTransitionsResponse:
        """Waits for the next message. Raises CallFailed."""
        while not self._closed.is_set():
            lost: CallFailed | None = None
            try:
                message = next(self._connected())
            except grpc.RpcError as error:
                lost = CallFailed.of(error)
            except CallFailed as failed:
                lost = failed
                self._caller.pool.doubt(self._lane)
            except StopIteration:
                pass
            else:
                self._caller.pool.reached = True
                self._course.hear(message)
                return message
            self._call = None
            if self._closed.is_set():
                break
            if lost is not None and self._caller.pool.closed:
                raise lost from None
            self._closed.wait(self._course.delay_after(lost))
        raise StopIteration

    def transitions(self) -> Iterator[transition_pb2.Transition]:
        """The transitions one by one; `position` goes with them. Snapshots and checkpoints are passed over."""
        for message in self:
            yield from self._course.moves_in(message)

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

    def _connected(self) -> Attended:
        """The call under way, or a new one after the last position."""
        if self._call is None:
            self._lane = self._caller.pool.lane()
            call = self._caller.open(self._course.next_call(), lane=self._lane)
            self._call = Attended(call, self._patience)
            if self._closed.is_set():  # meanwhile, by another thread
                self._call.cancel()
        return self._call


class Watches(Blocking):
    """WatchTransitions of MembershipService."""

    @named
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

        It begins now, or as `start` or the `position` of an earlier watch says. `reconnect_for` is in seconds; 0 never
        connects again.
        """
        request = watch_request(segment_ids, user_ids, start, position, checkpoint_seconds, min_revision)
        patience = None if checkpoint_seconds is None else longest_silence(checkpoint_seconds)
        return Watch(self.caller, WatchCourse(request, reconnect_for), patience)
