"""Watching transitions in asyncio: one iterator over as many connections as it takes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Any

import grpc
import grpc.aio

from segmentd.client.arguments import named
from segmentd.client.async_calling import AsyncCaller
from segmentd.client.calls import Awaiting
from segmentd.client.watch_course import RECONNECT_FOR, WatchCourse, watch_request
from segmentd.v1 import membership_service_pb2 as questions
from segmentd.v1 import transition_pb2


class AsyncWatch(AsyncIterator[questions.WatchTransitionsResponse]):
    """The messages of a watch, without an end; `position` is where the last one that was given out stands.

    Where the server goes away or cuts it off, the watch goes on after that position by itself, once it had a first
    message. A snapshot that was not complete is taken anew; the other `revision` of its members says so.
    To be closed, which another task may do; a closed watch ends.
    """

    def __init__(self, caller: AsyncCaller, course: WatchCourse) -> None:
        self._caller = caller
        self._course = course
        self._closed = asyncio.Event()
        self._call: Any = None

    @property
    def position(self) -> str:
        """Where another watch would go on."""
        return self._course.position

    async def __anext__(self) -> questions.WatchTransitionsResponse:
        """Waits for the next message. Raises CallFailed."""
        while not self._closed.is_set():
            if self._call is None:
                self._call = self._caller.open(self._course.next_call())
            lost: grpc.RpcError | None = None
            try:
                message: Any = await self._call.read()
            except grpc.RpcError as error:
                lost = error
            except asyncio.CancelledError:
                self._call.cancel()
                if not self._closed.is_set():
                    raise
                break
            else:
                if message is not grpc.aio.EOF:
                    heard: questions.WatchTransitionsResponse = message
                    self._course.hear(heard)
                    return heard
            self._call = None
            if not self._closed.is_set():
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
        return AsyncWatch(self.caller, WatchCourse(request, reconnect_for))
