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
        self.ended = False
        self._none = asyncio.Event()
        self._none.set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._endless: set[asyncio.Task[Any]] = set()

    def add(self, method: str, context: Context) -> None:
        """Note a call of `method` (`/segmentd.v1.AdminService/GetStatus`) until gRPC has sent all of its answer.

        To be called in the task of the call. Raises Unavailable once the calls were ended.
        """
        if self.ended:
            raise going_down()
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if method in ENDLESS:
            if self.draining:
                raise going_down()
            self._endless.add(task)
            task.add_done_callback(self._endless.discard)
        if not method.startswith("/grpc."):
            self.count += 1
            self._none.clear()
            context.add_done_callback(self._subtract)  # type: ignore[arg-type]  # the stubs take one class only

    def end_endless(self) -> None:
        """Cancel the calls that a drain need not wait for, and take no more of them; they too get SHUTTING_DOWN."""
        self.draining = True
        for task in self._endless:
            task.cancel()

    def has_ended(self, task: asyncio.Task[Any] | None) -> bool:
        """Whether a call was cancelled from here."""
        return self.ended or (self.draining and task in self._endless)

    def end_all(self) -> None:
        """Cancel the calls that are left; the guard answers them with SHUTTING_DOWN."""
        self.ended = True
        for task in self._tasks:
            task.cancel()

    async def wait_for_none(self, seconds: float) -> None:
        """Returns as soon as no call of segmentd's own is under way, or after so many seconds."""
        try:
            await asyncio.wait_for(self._none.wait(), seconds)
        except TimeoutError:
            return

    def _subtract(self, ctx: Context) -> None:
        self.count -= 1
        if self.count == 0:
            self._none.set()


def going_down() -> Unavailable:
    """What a call is told that comes too late, or takes too long."""
    return Unavailable(Reason.SHUTTING_DOWN, "the server is going down; ask again")
