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
from segmentd.client.errors import CallFailed
from segmentd.client.instants import as_instant
from segmentd.client.local.replica import DEFAULT_STALENESS, LOOK_TIMEOUT, Replica


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

    async def check(self, user_id: str, segment_id: str, min_revision: int = 0) -> bool:
        """Whether a user is in a segment, by a revision that a write returned or later.

        Raises CallFailed, where the server is asked.
        """
        known = self.known(user_id, segment_id, min_revision)
        return await self._ask(user_id, segment_id, min_revision) if known is None else known

    async def wait_until_ready(self, *, min_revision: int = 0) -> None:
        """Returns when the copy can answer, by that revision."""
        async with self._told:
            await self._told.wait_for(lambda: self.ready and min_revision <= self.revision)

    async def close(self) -> None:
        """End the stream and its task."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def __aenter__(self) -> AsyncLocalMemberships:
        self._task = asyncio.create_task(self._feed())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _ask(self, user_id: str, segment_id: str, min_revision: int) -> bool:
        self.asked += 1
        if self._over and self._call is not None:
            self._call.cancel()
        return await self._caller.call(self._question(user_id, segment_id, min_revision))

    async def _feed(self) -> None:
        while True:
            try:
                await self._look_at_clock()
                self._call = self._caller.open(self._next_watch())
                await self._follow(self._call)
                failed = CallFailed(grpc.StatusCode.UNAVAILABLE, "", "the stream ended")
            except CallFailed as error:
                failed = error
            except grpc.RpcError as error:
                failed = CallFailed.of(error)
            except ValueError as error:  # the client was closed
                failed = CallFailed(grpc.StatusCode.CANCELLED, "", str(error))
            except asyncio.CancelledError:
                if _is_cancelled():
                    raise
                failed = CallFailed(grpc.StatusCode.CANCELLED, "", "the stream was silent")
            finally:
                if self._call is not None:
                    self._call.cancel()
            await asyncio.sleep(self._lose(failed))

    async def _follow(self, call: Any) -> None:
        while (message := await call.read()) is not grpc.aio.EOF:
            self._hear(message)
            async with self._told:
                self._told.notify_all()
            if self._over:
                return
            if self._fresh.wants_instant():
                await self._look_at_clock()

    async def _look_at_clock(self) -> None:
        sent = self._clock()
        answer = await self._looking.call(self._clock_question())
        self._fresh.compare(sent, as_instant(answer.evaluate_time))


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
