"""Local checks for threads: the copy is fed by a thread in the background."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType

import grpc

from segmentd.client.arguments import named
from segmentd.client.calling import Caller
from segmentd.client.calls import Blocking
from segmentd.client.errors import CallFailed, ClientClosed
from segmentd.client.local.replica import CLOSED, DEFAULT_STALENESS, LOOK_TIMEOUT, Replica
from segmentd.client.pending import Pending
from segmentd.client.pool import Lane
from segmentd.client.questions import is_member_call
from segmentd.client.silence import Attended
from segmentd.v1 import membership_service_pb2 as questions


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
        self._looking = Caller(caller.pool, min(caller.timeout, LOOK_TIMEOUT), bridged=0)
        self._lane: Lane[grpc.Channel] = caller.pool.lane()
        self._call: Attended | None = None
        self._look: Pending[questions.CheckMembershipsResponse] | None = None
        self._closed = threading.Event()
        self._told = threading.Condition()
        self._thread = threading.Thread(target=self._feed, name="segmentd-local", daemon=True)
        self._thread.start()

    def is_member(self, user_id: str, segment_id: str, min_revision: int = 0) -> bool:
        """Whether a user is in a segment, by a revision that a write returned or later.

        Raises CallFailed, where the server is asked, and ClientClosed after `close`.
        """
        # As in `known`: a call more would take as long as the look-up.
        if min_revision <= self.revision and self._clock() < self._fresh_until:
            answering, led = self._copy
            members = answering.get(segment_id)
            if members is not None:
                if user_id in members or (user_id in led and led[user_id] in members):
                    return True
                if user_id and isinstance(user_id, str):  # what is no id gets the error of a call
                    return False
        return self._ask(user_id, segment_id, min_revision)

    def wait_until_ready(self, timeout: float | None = None, *, min_revision: int = 0) -> bool:
        """Whether the copy could answer, by that revision, within so many seconds; None waits for ever.

        Segments that do not exist are not waited for: they are `missing`. Raises ClientClosed once it is closed.
        """
        with self._told:
            waited = self._told.wait_for(lambda: self._closed.is_set() or self._settled(min_revision), timeout)
        if self._closed.is_set():
            raise ClientClosed(CLOSED)
        return waited

    def close(self) -> None:
        """End the stream and its thread; it answers nothing any more. Closing the client does the same."""
        self._shut()
        self._end_watch()
        self._end_look()
        if threading.current_thread() is not self._thread:
            self._thread.join()
        self._fresh_until = float("-inf")  # the thread may have taken a checkpoint meanwhile

    def __enter__(self) -> LocalMemberships:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _shut(self) -> None:
        """From now on it answers nothing, and nobody waits for it."""
        self._closed.set()
        self._fresh_until = float("-inf")
        self._tell()

    def _ask(self, user_id: str, segment_id: str, min_revision: int) -> bool:
        if self._closed.is_set():
            raise ClientClosed(CLOSED)
        call = is_member_call(user_id, segment_id, min_revision)
        self.asked += 1
        return self._caller.call_anywhere(call)

    def _feed(self) -> None:
        while not self._closed.is_set():
            self._lane = self._caller.pool.lane()
            try:
                self._look_at_server()
                self._watch()
                delay = self._end()
            except CallFailed as error:
                if not error.reason:  # no segmentd answered
                    self._caller.pool.doubt(self._lane)
                delay = self._lose(error)
            except grpc.RpcError as error:
                delay = self._lose(CallFailed.of(error))
            except ValueError as error:  # the client was closed
                delay = self._lose(CallFailed(grpc.StatusCode.CANCELLED, "", str(error)))
                if isinstance(error, ClientClosed):  # for good
                    self._shut()
            finally:
                self._end_watch()
            self._closed.wait(delay)

    def _watch(self) -> None:
        """Open the watch where the look was answered, and take what it tells; returns where there is nothing to watch,
        or no longer.
        """
        watch = self._next_watch()
        if watch is None:
            self._tell()
            return
        self._call = Attended(self._caller.open(watch, lane=self._lane), self._patience)
        if not self._closed.is_set():  # meanwhile, by another thread
            self._follow(self._call)

    def _follow(self, messages: Attended) -> None:
        for message in messages:
            self._hear(message)
            self._tell()
            if self._fresh.wants_instant():
                self._look_at_server()
                if self._appeared:
                    return

    def _look_at_server(self) -> None:
        sent = self._clock()
        self._look = self._looking.start(self._look_question(), self._lane)
        if self._closed.is_set():  # meanwhile, by another thread
            self._end_look()
        self._see(sent, self._look.result())

    def _tell(self) -> None:
        with self._told:
            self._told.notify_all()

    def _end_watch(self) -> None:
        call = self._call
        if call is not None:
            call.cancel()

    def _end_look(self) -> None:
        look = self._look
        if look is not None:
            look.cancel()


class Locals(Blocking):
    """Local mode of the blocking client."""

    @named
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
