"""The workers of a server: started together, replaced when they die, drained together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from segmentd.errors import Internal, Reason
from segmentd.server.run import UNWINDING
from segmentd.server.workers.child import Child
from segmentd.server.workers.orders import DRAIN, HURRY, Orders

_LOG: Final = logging.getLogger(__name__)
_MAX_FAILED_STARTS: Final = 5
"""After so many replacements in a row that did not come to listen, the server gives up."""
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 10.0
_DOUBLINGS: Final = 7
"""So many make of the first pause more than the longest one."""
_SOUND: Final = 10.0
"""Seconds; a worker that lived longer than this is replaced at once."""


class Fleet:
    """To be made inside of the running event loop."""

    def __init__(self, orders: list[Orders], on_end: Callable[[int], None]) -> None:
        """One worker for each of the orders; `on_end` is told the number of a worker that ended by an error or a kill,
        or before it listened.
        """
        self._orders = orders
        self._on_end = on_end
        self._children: dict[int, Child] = {}
        self._keepers: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()
        self._spawning = asyncio.Lock()
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Fails where workers cannot be had."""

    async def start(self) -> None:
        """Returns when all workers listen. Raises Internal with the cause where one cannot."""
        begun = await asyncio.gather(*(self._begin(each) for each in self._orders))
        if self._stopping.is_set():
            await asyncio.Event().wait()  # whoever drains cancels this: no worker is at fault
        for orders, (_, error) in zip(self._orders, begun, strict=True):
            if error:
                raise Internal(Reason.INTERNAL, f"worker {orders.number} cannot start: {error}")
        self._keepers = [asyncio.create_task(self._keep(orders)) for orders in self._orders]

    async def drain(self, grace: float) -> None:
        """End all workers: those that listen when their calls have ended, or after `grace` seconds."""
        self._stopping.set()
        for child in self._children.values():
            if child.ready and grace > 0:
                child.tell(DRAIN)
            elif child.ready:
                child.tell(DRAIN + HURRY)
            else:
                child.kill()
        ends = [asyncio.create_task(child.ended()) for child in self._children.values()]
        if ends:
            _, late = await asyncio.wait(ends, timeout=grace + 2 * UNWINDING)
            if late:
                _LOG.error("%d workers did not end; they are killed", len(late))
        for child in self._children.values():
            child.kill()
        await asyncio.gather(*ends, *self._keepers)

    def hurry(self) -> None:
        """End the calls that a drain waits for."""
        for child in self._children.values():
            child.tell(HURRY)

    async def _begin(self, orders: Orders) -> tuple[Child | None, str]:
        """A new worker, and why it does not listen; empty where it does."""
        try:
            async with self._spawning:
                child = self._children[orders.number] = await Child.spawn(orders)
        except OSError as error:
            return None, f"{error.strerror or error}"
        if self._stopping.is_set():
            child.kill()
        return child, (await child.report()).error

    async def _keep(self, orders: Orders) -> None:
        """Replace a worker that has ended until the server is stopped, or `lost` has failed."""
        child: Child | None = self._children[orders.number]
        failed_starts = short_lives = 0
        while True:
            since = self._time()
            code = await child.ended() if child is not None else None
            if self._stopping.is_set():
                return
            if not failed_starts:
                self._tell_end(orders.number, child, code)
            short_lives = 0 if self._time() - since > _SOUND else short_lives + 1
            if await self._stopped_within(_pause(short_lives)):
                return
            child, error = await self._begin(orders)
            failed_starts = failed_starts + 1 if error else 0
            if not error:
                _LOG.info("worker %d is replaced by process %d", orders.number, child.pid if child else 0)
            elif not self._stopping.is_set():
                if child is not None:
                    self._on_end(orders.number)
                _LOG.error("worker %d cannot start: %s", orders.number, error)
            if failed_starts == _MAX_FAILED_STARTS and not self.lost.done():
                reason = f"worker {orders.number} cannot be replaced: {error}"
                self.lost.set_exception(Internal(Reason.INTERNAL, reason))
                return

    def _tell_end(self, number: int, child: Child | None, code: int | None) -> None:
        """A worker that was sent SIGTERM, by whoever, drains and ends with 0: that is no accident."""
        if code == 0:
            _LOG.info("worker %d (process %s) was stopped", number, child and child.pid)
            return
        self._on_end(number)
        _LOG.error("worker %d (process %s) ended with %s", number, child and child.pid, code)

    def _time(self) -> float:
        return asyncio.get_running_loop().time()

    async def _stopped_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return False
        return True


def _pause(short_lives: int) -> float:
    """Seconds before the next start: none for the first time, then ever longer, however many there were."""
    return 0.0 if short_lives < 2 else min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(short_lives, _DOUBLINGS))
