"""Watching transitions in asyncio: one iterator over as many connections as it takes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from types import TracebackType

import grpc
import grpc.aio

from segmentd.client.arguments import named
from segmentd.client.async_calling import AsyncCaller, failed_by
from segmentd.client.calls import Awaiting
from segmentd.client.errors import CallFailed
from segmentd.client.pool import Lane
from segmentd.client.silence import AsyncAttended, longest_silence
from segmentd.client.watch_course import RECONNECT_FOR, WatchCourse, watch_request
from segmentd.v1 import membership_service_pb2 as questions
from segmentd.v1 import transition_pb2


class AsyncWatch(AsyncIterator[questions.WatchTransitionsResponse]):
    """The messages of a watch, without an end; `position` is where the last one that was given out stands.

    Where the server goes away or cuts it off, or says nothing though checkpoints were asked for, the watch goes on
    after that position by itself, once it had a first message. A snapshot that was not complete is taken anew; the
    other `revision` of its members says so.
    To be closed, which another task may do; a closed watch ends.
    """

    def __init__(self, caller: AsyncCaller, course: WatchCourse, patience: float | None = None) -> None:
        """`patience` is the longest silence in seconds."""
        self._caller = caller
        self._course = course
        self._patience = patience
        self._closed = asyncio.Event()
        self._lane: Lane[grpc.aio.Channel] = caller.pool.lane()
        self._call: AsyncAttended | None = None

    @property
    def position(self) -> str:
        """Where another watch would go on."""
        return self._course.position

    async def __anext__(self) -> questions.WatchTransitionsResponse:
        """Waits for the next message. Raises CallFailed."""
        while not self._closed.is_set():
            if self._call is None:
                self._lane = self._caller.pool.lane()
                call = self._caller.open(self._course.next_call(), lane=self._lane)
                self._call = AsyncAttended(call, self._patience)
            lost: CallFailed | None = None
            try:
                message = await self._call.read()
            except grpc.RpcError as error:
                lost = CallFailed.of(error)
            except CallFailed as failed:
                lost = failed
                self._caller.pool.doubt(self._lane)
            except asyncio.CancelledError as error:
                self._call.cancel()
                lost = failed_by(error)
            else:
                if message is not None:
                    self._caller.pool.reached = True
                    self._course.hear(message)
                    return message
            self._call = None
            if self._closed.is_set():
                break
            if lost is not None and self._caller.pool.closed:
                raise lost from None
            await self._rest(self._course.delay_after(lost))
        raise StopAsyncIteration

    async def transitions(self) -> AsyncIterator[transition_pb2.Transition]:
        """The transitions one by one; `position` goes with them. Snapshots and checkpoints are passed over."""
        async for message in self:
            for transition in self._course.moves_in(message):
                yield transition

    async def close(self) -> None:
        """End the watch."""
        self._closed.set()
        if self._call is not None:
            self._call.cancel()

    async def __aenter__(self) -> AsyncWatch:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _rest(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._closed.wait(), seconds)
        except TimeoutError:
            return


class AsyncWatches(Awaiting):
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
    ) -> AsyncWatch:
        """The transitions of these segments and users (none: of all), live; an asynchronous context manager.

        It begins now, or as `start` or the `position` of an earlier watch says. `reconnect_for` is in seconds; 0 never
        connects again.
        """
        request = watch_request(segment_ids, user_ids, start, position, checkpoint_seconds, min_revision)
        patience = None if checkpoint_seconds is None else longest_silence(checkpoint_seconds)
        return AsyncWatch(self.caller, WatchCourse(request, reconnect_for), patience)
