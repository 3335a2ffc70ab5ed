"""Local checks for threads: the copy is fed by a thread in the background."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

import grpc

from segmentd.client.calling import Caller
from segmentd.client.calls import Blocking, Call
from segmentd.client.errors import CallFailed
from segmentd.client.instants import as_instant
from segmentd.client.local.replica import DEFAULT_STALENESS, LOOK_TIMEOUT, Replica
from segmentd.v1 import membership_pb2
from segmentd.v1 import membership_service_pb2 as questions
from segmentd.v1.membership_service_pb2_grpc import MembershipServiceStub


class LocalMemberships(Replica):
    """Answers checks of chosen segments in this process; close it, or use it as a context manager.

    An answer was right at some instant of the last `max_staleness` seconds. Where the copy cannot prove that (it is not
    there yet, the stream is behind or lost), and for other segments and those that answer nothing, the server is asked.
    """

    def __init__(
        self,
        caller: Caller,
        segment_ids: Sequence[str],
        max_staleness: float = DEFAULT_STALENESS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(segment_ids, max_staleness, clock)
        self.asked = 0
        """How many checks the server answered."""
        self._caller = caller
        self._looking = Caller(caller.pool, min(caller.timeout, LOOK_TIMEOUT))
        self._call: Any = None
        self._closed = threading.Event()
        self._was_ready = threading.Event()
        self._thread = threading.Thread(target=self._feed, name="segmentd-local", daemon=True)
        self._thread.start()

    def check(self, user_id: str, segment_id: str) -> bool:
        """Whether a user is in a segment. Raises CallFailed, where the server is asked."""
        # As in `known`: a call more would take as long as the look-up.
        if self._clock() < self._fresh_until:
            members = self._answering.get(segment_id)
            if members is not None:
                led = self._led
                return user_id in members or (user_id in led and led[user_id] in members)
        return self._ask(user_id, segment_id)

    def wait_until_ready(self, timeout: float | None = None) -> bool:
        """Whether the copy was there within so many seconds; None waits for ever."""
        return self._was_ready.wait(timeout)

    def close(self) -> None:
        """End the stream and its thread."""
        self._closed.set()
        self._end_watch()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def __enter__(self) -> LocalMemberships:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, user_id: str, segment_id: str) -> bool:
        self.asked += 1
        if self._over:
            self._end_watch()
        request = questions.CheckMembershipRequest(user_id=user_id, segment_id=segment_id)
        call: Call[questions.CheckMembershipResponse] = Call(MembershipServiceStub, "CheckMembership", request)
        return self._caller.call(call).membership == membership_pb2.MEMBERSHIP_MEMBER

    def _feed(self) -> None:
        while not self._closed.is_set():
            try:
                self._look_at_clock()
                self._call = self._caller.open(self._next_watch())
                if self._closed.is_set():  # meanwhile, by another thread
                    return
                self._follow(self._call)
                failed = CallFailed(grpc.StatusCode.UNAVAILABLE, "", "the stream ended")
            except CallFailed as error:
                failed = error
            except grpc.RpcError as error:
                failed = CallFailed.of(error)
            except ValueError as error:  # the client was closed
                failed = CallFailed(grpc.StatusCode.CANCELLED, "", str(error))
            self._end_watch()
            self._closed.wait(self._lose(failed))

    def _follow(self, messages: Any) -> None:
        for message in messages:
            self._hear(message)
            if self.ready:
                self._was_ready.set()
            if self._over:
                return
            if self._fresh.wants_instant():
                self._look_at_clock()

    def _look_at_clock(self) -> None:
        sent = self._clock()
        self._fresh.compare(sent, as_instant(self._looking.call(self._clock_question()).evaluate_time))

    def _end_watch(self) -> None:
        call = self._call
        if call is not None:
            call.cancel()


class Locals(Blocking):
    """Local mode of the blocking client."""

    def local(
        self,
        segment_ids: Sequence[str],
        *,
        max_staleness: float = DEFAULT_STALENESS,
        clock: Callable[[], float] = time.monotonic,
    ) -> LocalMemberships:
        """Checks of these segments in this process, at most `max_staleness` seconds out of date; to be closed.

        `clock` gives seconds that never go back.
        """
        return LocalMemberships(self.caller, segment_ids, max_staleness, clock)
