"""Since when a copy is proven to be complete, by the clock of this process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from segmentd.client.instants import Instant

_MICROS: Final = 1_000_000
_RENEW: Final = 30.0
"""Seconds after which the server is looked at again; two clocks drift apart by less than a millisecond."""


class Freshness:
    """Brings instants of the server's clock to the clock of this process, and never too late.

    A question that was sent at `sent` and answered with the server's instant s was answered after it was sent: so what
    the server showed at an instant x was shown at `sent + (x - s)` or later. However long a message was on its way, it
    proves no more than that. Nothing is proven later than its message was received, should the server's clock jump.
    """

    def __init__(self, max_staleness: float, clock: Callable[[], float]) -> None:
        self.until = float("-inf")
        """Up to when what is known is no older than `max_staleness`, in seconds of the clock."""
        self.renewed = float("-inf")
        self._max_staleness = max_staleness
        self._clock = clock
        self._offset: float | None = None
        self._lagging = False

    def wants_instant(self) -> bool:
        """Whether it is time to look at the server's clock."""
        age = self._clock() - self.renewed
        return age > _RENEW or (self._lagging and age > self._max_staleness / 4)

    def compare(self, sent: float, instant: Instant) -> None:
        """The server showed an instant in answer to what was sent then."""
        self._offset = sent - instant / _MICROS
        self.renewed = self._clock()

    def prove(self, complete: Instant) -> None:
        """What is known now is complete up to an instant of the server."""
        received = self._clock()
        if self._offset is None:
            return
        proven = min(received, complete / _MICROS + self._offset)
        self._lagging = proven < received - self._max_staleness / 2
        self.until = proven + self._max_staleness
