"""Waking all watchers of an event loop when the log has grown: one call into the loop for each commit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

_SLICE: Final = 64
"""So many watchers wake in one turn of the loop; then others have theirs, so that a check never waits for all."""


class Wakeups:
    """For watchers of one loop. To be made, used and closed inside of it; only commits come from another thread."""

    def __init__(self, subscribe: Callable[[Callable[[], None]], Callable[[], None]]) -> None:
        """`subscribe` takes what is called after each commit, and returns what ends that."""
        self.turn = 0
        """Grows when the log has grown, before anybody is woken."""
        self._loop = asyncio.get_running_loop()
        self._told = False
        self._waiting: set[asyncio.Future[None]] = set()
        self._unsubscribe = subscribe(self._tell)

    def close(self) -> None:
        """Hear of no further commits."""
        self._unsubscribe()

    async def wait(self, turn: int, until: float) -> None:
        """Returns when the log has grown after `turn`, or when the clock of the loop shows `until` (seconds)."""
        if self.turn != turn:
            return
        future = self._loop.create_future()
        handle = self._loop.call_at(until, _settle, future)
        self._waiting.add(future)
        try:
            await future
        finally:
            handle.cancel()
            self._waiting.discard(future)

    def _tell(self) -> None:
        """On the engine's thread. What was told and not yet heard need not be told again."""
        if not self._told:
            self._told = True
            with suppress(RuntimeError):  # the loop is closed, and nobody waits in it
                self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._told = False
        self.turn += 1
        waiting, self._waiting = list(self._waiting), set()
        self._wake_slice(waiting)

    def _wake_slice(self, waiting: list[asyncio.Future[None]]) -> None:
        for future in waiting[:_SLICE]:
            _settle(future)
        if len(waiting) > _SLICE:
            self._loop.call_soon(self._wake_slice, waiting[_SLICE:])


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
