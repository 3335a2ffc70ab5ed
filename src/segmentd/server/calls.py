"""The calls under way, so that a drain knows when it may end, and can end those that do not end by themselves."""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast

from segmentd.errors import Reason, Unavailable
from segmentd.server.rpc import Context

ENDLESS: Final = frozenset(
    {
        "/segmentd.v1.MembershipService/StreamBatchChecks",
        "/segmentd.v1.MembershipService/WatchTransitions",
        "/segmentd.v1.ProfileService/StreamEvents",
    }
)
"""Methods whose calls do not end by themselves, and can be taken up again elsewhere."""


class CallsUnderWay:
    """Counts the calls of segmentd's own methods, and knows the tasks of all.

    Calls of gRPC's services (a health watch never ends by itself) are ended, not counted: they do not keep a server up.
    """

    def __init__(self) -> None:
        self.count = 0
        self.draining = False
        self._all_ended = False
        self._awaited = _Counter()
        self._at_work = _Counter()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._endless: set[asyncio.Task[Any]] = set()
        self._ended: set[asyncio.Task[Any]] = set()

    def add(self, method: str, context: Context) -> None:
        """Note a call of `method` (`/segmentd.v1.AdminService/GetStatus`) until gRPC has sent all of its answer.

        To be called in the task of the call. Raises Unavailable once the calls were ended.
        """
        endless = method in ENDLESS
        if self._all_ended or (endless and self.draining):
            raise going_down()
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        self._tasks.add(task)
        if endless:
            self._endless.add(task)
        self._at_work.add()
        task.add_done_callback(self._forget)
        if not method.startswith("/grpc."):
            self._count(context, awaited=not endless)

    def let_go(self, task: asyncio.Task[Any] | None) -> None:
        """The handler of a call has ended; what is left is to tell the client, who may never take it."""
        if task in self._tasks:
            self._tasks.discard(task)
            self._at_work.subtract()

    def end_endless(self) -> None:
        """Cancel the calls that a drain need not wait for, and take no more of them; they too get SHUTTING_DOWN."""
        self.draining = True
        self._end(self._tasks & self._endless)

    def end_all(self) -> None:
        """Cancel the calls that are left; the guard answers them with SHUTTING_DOWN."""
        self._all_ended = True
        self._end(self._tasks - self._ended)

    def has_ended(self, task: asyncio.Task[Any] | None) -> bool:
        """Whether a call was cancelled from here."""
        return task in self._ended

    async def wait_for_none(self, seconds: float) -> None:
        """Returns when no call is under way that a drain waits for, or after so many seconds."""
        await self._awaited.wait_for_none(seconds)

    async def wait_for_handlers(self, seconds: float) -> None:
        """Returns when no handler is at work, or after so many seconds."""
        await self._at_work.wait_for_none(seconds)

    def _end(self, tasks: set[asyncio.Task[Any]]) -> None:
        # Each once: a second cancellation would take away the time to say why.
        self._ended |= tasks
        for task in tasks:
            task.cancel()

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self.let_go(task)
        self._endless.discard(task)
        self._ended.discard(task)

    def _count(self, context: Context, *, awaited: bool) -> None:
        self.count += 1
        if awaited:
            self._awaited.add()

        def subtract(_: Context) -> None:
            self.count -= 1
            if awaited:
                self._awaited.subtract()

        context.add_done_callback(subtract)  # type: ignore[arg-type]  # the stubs take one class only


class _Counter:
    """A number that can be waited on to be 0."""

    def __init__(self) -> None:
        self._count = 0
        self._none = asyncio.Event()
        self._none.set()

    def add(self) -> None:
        self._count += 1
        self._none.clear()

    def subtract(self) -> None:
        self._count -= 1
        if self._count == 0:
            self._none.set()

    async def wait_for_none(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._none.wait(), seconds)
        except TimeoutError:
            return


def going_down() -> Unavailable:
    """What a call is told that comes too late, or takes too long."""
    return Unavailable(Reason.SHUTTING_DOWN, "the server is going down; ask again")
