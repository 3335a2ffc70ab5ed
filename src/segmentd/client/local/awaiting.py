"""Local checks for asyncio: the copy is fed by a task of the event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from types import TracebackType

import grpc
import grpc.aio

from segmentd.client.arguments import named
from segmentd.client.async_calling import AsyncCaller, failed_by
from segmentd.client.calls import Awaiting
from segmentd.client.errors import CallFailed, ClientClosed
from segmentd.client.local.replica import CLOSED, DEFAULT_STALENESS, LOOK_TIMEOUT, Replica
from segmentd.client.pool import Lane
from segmentd.client.questions import is_member_call
from segmentd.client.silence import AsyncAttended


class AsyncLocalMemberships(Replica):
    """Answers checks of chosen segments in this process; an asynchronous context manager.

    An answer was right at some instant of the last `max_staleness` seconds. Where the copy cannot prove that (it is not
    there yet, the stream is behind or lost), and for other segments and those that answer nothing, the server is asked.
    """

    def __init__(
        self,
        caller: AsyncCaller,
        segment_ids: Sequence[str],
        max_staleness: float = DEFAULT_STALENESS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(segment_ids, max_staleness, clock)
        self.asked = 0
        """How many checks the server answered."""
        self._caller = caller
        self._looking = AsyncCaller(caller.pool, min(caller.timeout, LOOK_TIMEOUT), bridged=0)
        self._lane: Lane[grpc.aio.Channel] = caller.pool.lane()
        self._call: AsyncAttended | None = None
        self._told = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    async def is_member(self, user_id: str, segment_id: str, min_revision: int = 0) -> bool:
        """Whether a user is in a segment, by a revision that a write returned or later.

        Raises CallFailed, where the server is asked, and ClientClosed after `close`.
        """
        known = self.known(user_id, segment_id, min_revision)
        return await self._ask(user_id, segment_id, min_revision) if known is None else known

    async def wait_until_ready(
        self,
        timeout: float | None = None,  # noqa: ASYNC109  (as the blocking one has it)
        *,
        min_revision: int = 0,
    ) -> bool:
        """Whether the copy could answer, by that revision, within so many seconds; None waits for ever.

        Segments that do not exist are not waited for: they are `missing`. Raises ClientClosed once it is closed.
        """
        try:
            async with asyncio.timeout(timeout), self._told:
                await self._told.wait_for(lambda: self._closed or self._settled(min_revision))
        except TimeoutError:
            return False
        if self._closed:
            raise ClientClosed(CLOSED)
        return True

    async def close(self) -> None:
        """End the stream and its task; it answers nothing any more. Closing the client does the same."""
        if self._task is not None:
            self._task.cancel()
        await self._shut()
        if self._task is not None:
            await asyncio.wait([self._task])  # which raises only what ends this task

    async def __aenter__(self) -> AsyncLocalMemberships:
        self._task = asyncio.create_task(self._feed())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _shut(self) -> None:
        """From now on it answers nothing, and nobody waits for it."""
        self._closed, self._fresh_until = True, float("-inf")
        await self._tell()

    async def _ask(self, user_id: str, segment_id: str, min_revision: int) -> bool:
        if self._closed:
            raise ClientClosed(CLOSED)
        call = is_member_call(user_id, segment_id, min_revision)
        self.asked += 1
        return await self._caller.call_anywhere(call)

    async def _feed(self) -> None:
        while True:
            self._lane = self._caller.pool.lane()
            try:
                await self._look_at_server()
                await self._watch()
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
                    await self._shut()
                    return
            except asyncio.CancelledError as error:
                delay = self._lose(failed_by(error))
            finally:
                if self._call is not None:
                    self._call.cancel()
            await asyncio.sleep(delay)

    async def _watch(self) -> None:
        """Open the watch where the look was answered, and take what it tells; returns where there is nothing to watch,
        or no longer.
        """
        watch = self._next_watch()
        if watch is None:
            await self._tell()
            return
        self._call = AsyncAttended(self._caller.open(watch, lane=self._lane), self._patience)
        await self._follow(self._call)

    async def _follow(self, call: AsyncAttended) -> None:
        while (message := await call.read()) is not None:
            self._hear(message)
            await self._tell()
            if self._fresh.wants_instant():
                await self._look_at_server()
                if self._appeared:
                    return

    async def _look_at_server(self) -> None:
        sent = self._clock()
        self._see(sent, await self._looking.call(self._look_question(), lane=self._lane))

    async def _tell(self) -> None:
        async with self._told:
            self._told.notify_all()


class AsyncLocals(Awaiting):
    """Local mode of the client of asyncio."""

    @named
    def local(
        self,
        segment_ids: Sequence[str],
        *,
        max_staleness: float = DEFAULT_STALENESS,
        clock: Callable[[], float] = time.monotonic,
    ) -> AsyncLocalMemberships:
        """Checks of these segments in this process, at most `max_staleness` seconds out of date; for `async with`.

        `clock` gives seconds that never go back.
        """
        return AsyncLocalMemberships(self.caller, segment_ids, max_staleness, clock)
