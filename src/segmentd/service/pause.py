"""When to try again what failed."""

from __future__ import annotations

from segmentd.times import MIN_INSTANT, Micros


class Pause:
    """After the first failure a pause, after each that follows one that is twice as long, up to the longest."""

    def __init__(self, first: int, longest: int) -> None:
        self._first = first
        self._longest = longest
        self._length = 0
        self._until = MIN_INSTANT

    @property
    def begun(self) -> bool:
        """Whether something failed that has not succeeded since."""
        return self._length > 0

    def begin(self, now: Micros) -> None:
        """It failed."""
        self._length = min(2 * self._length, self._longest) if self.begun else self._first
        self._until = Micros(now + self._length)

    def end(self) -> None:
        """It succeeded."""
        self._length, self._until = 0, MIN_INSTANT

    def lasts(self, now: Micros) -> bool:
        """Whether it is too early to try again."""
        return self.until(now) > now

    def until(self, now: Micros) -> Micros:
        """When it may be tried again.

        At once where that is further off than the longest pause: the clock was set back.
        """
        return self._until if self._until <= now + self._longest else MIN_INSTANT
