"""What is to be done after a pause, while nobody waits for it: one thread for all of it."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable
from typing import Final

_LOG: Final = logging.getLogger(__name__)


class Rests:
    """Things to do at their instants, by a thread that is there as long as anything is left to do."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._runs = False

    def after(self, seconds: float, do: Callable[[], None]) -> None:
        """`do` so many seconds from now; what it raises is logged.

        Raises RuntimeError where no thread can be started.
        """
        with self._changed:
            if not self._runs:
                threading.Thread(target=self._run, name="segmentd-rests", daemon=True).start()
                self._runs = True
            heapq.heappush(self._due, (time.monotonic() + seconds, next(self._order), do))
            self._changed.notify()

    def _run(self) -> None:
        while (do := self._next()) is not None:
            try:
                do()
            except Exception:  # noqa: BLE001  (the others rest on this thread too)
                _LOG.exception("what was to be done after a pause has failed")

    def _next(self) -> Callable[[], None] | None:
        """Waits for what is due first; None where nothing is left."""
        with self._changed:
            while self._due:
                left = self._due[0][0] - time.monotonic()
                if left <= 0:
                    return heapq.heappop(self._due)[2]
                self._changed.wait(left)
            self._runs = False
            return None
