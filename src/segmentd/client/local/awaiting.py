"""Local checks for asyncio: the copy is fed by a task of the event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any

import grpc
import grpc.aio

from segmentd.client.arguments import named
from segmentd.client.async_calling import AsyncCaller
from segmentd.client.calls import Awaiting
from segmentd.client.errors import CallFailed, ClientClosed
from segmentd.client.local.replica import CLOSED, DEFAULT_STALENESS, LOOK_TIMEOUT, Replica
from segmentd.client.questions import is_member_call


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
        self._looking = AsyncCaller(caller.pool, min(caller.timeout, LOOK_TIMEOUT))
        self._call: Any = None
        self._told = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    async def is_member(self, user_id: str, segment_id: str, min_revision: int = 0) -> bool:
        """Whether a user is in a segment, by a revision that a write returned or later.

        Raises CallFailed, where the server is asked, and ClientClosed after `close`.
        """
        known = self.known(user_id, segment_id, min_revision)
        return await self._ask(user_id, segment_id, min_revision) if known is None else known

    async def wait_until_ready(self, *, min_revision: int = 0) -> None:
        """Returns when the copy can answer, by that revision.

        Segments that do not exist are not waited for: they are `missing`. Raises ClientClosed once it is closed.
        """
        async with self._told:
            await self._told.wait_for(lambda: self._closed or self._settled(min_revision))
        if self._closed:
            raise ClientClosed(CLOSED)

    async def close(self) -> None:
        """End the stream and its task; it answers nothing any more."""
        self._closed, self._fresh_until = True, float("-inf")
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self._tell()

    async def __aenter__(self) -> AsyncLocalMemberships:
        self._task = asyncio.create_task(self._feed())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _ask(self, user_id: str, segment_id: str, min_revision: int) -> bool:
        if self._closed:
            raise ClientClosed(CLOSED)
        self.asked += 1
        if self._over and self._call is not None:
            self._call.cancel()
        return await self._caller.call(is_member_call(user_id, segment_id, min_revision))

    async def _feed(self) -> None:
        while True:
            try:
                await self._look_at_server()
                await self._watch()
                delay = self._end()
            except CallFailed as error:
                delay = self._lose(error)
            except grpc.RpcError as error:
                delay = self._lose(CallFailed.of(error))
            except ValueError as error:  # the client was closed
                delay = self._lose(CallFailed(grpc.StatusCode.CANCELLED, "", str(error)))
            except asyncio.CancelledError:
                if _is_cancelled():
                    raise
                delay = self._lose(CallFailed(grpc.StatusCode.CANCELLED, "", "the stream was silent"))
            finally:
                if self._call is not None:
                    self._call.cancel()
            await asyncio.sleep(delay)

    async def _watch(self) -> None:
        """Open the watch and take what it tells; returns where there is nothing to watch, or no longer."""
        watch = self._next_watch()
        if watch is None:
            await self._tell()
            return
        self._call = self._caller.open(watch)
        await self._follow(self._call)

    async def _follow(self, call: Any) -> None:
        while (message := await call.read()) is not grpc.aio.EOF:
            self._hear(message)
            await self._tell()
            if self._fresh.wants_instant():
                await self._look_at_server()
                if self._appeared:
                    return

    async def _look_at_server(self) -> None:
        sent = self._clock()
        self._see(sent, await self._looking.call(self._look_question()))

    async def _tell(self) -> None:
        async with self._told:
            self._told.notify_all()


def _is_cancelled() -> bool:
    """Whether this task is to end; else it was its call that was cancelled."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


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
