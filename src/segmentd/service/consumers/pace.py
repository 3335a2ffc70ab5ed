"""The time that consumers go by: retries and waits are of the wall clock, also where the engine's clock stands."""

from __future__ import annotations

import threading
import time
from typing import Final, Protocol

from segmentd.times import HOUR, SECOND, Micros, WallClock

_LONGEST: Final = 1 * HOUR


class Pace(Protocol):
    """What shows the time and waits."""

    def now(self) -> Micros:
        """The wall clock; it may jump."""

    def elapsed(self) -> Micros:
        """Microseconds since some moment; never goes back."""

    def wait(self, woken: threading.Event, until: Micros | None) -> None:
        """Return when `woken` is set, or when `elapsed` shows `until` (None: never). May return earlier."""


class WallPace:
    """Real time."""

    def now(self) -> Micros:
        return WallClock().now()

    def elapsed(self) -> Micros:
        return Micros(time.monotonic_ns() // 1000)

    def wait(self, woken: threading.Event, until: Micros | None) -> None:
        length = _LONGEST if until is None else min(until - self.elapsed(), _LONGEST)
        woken.wait(max(length, 0) / SECOND)
