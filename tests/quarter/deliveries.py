"""When each event comes in and what it says about its own time."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from tests.quarter.supply import Supply

from segmentd.times import DAY, HOUR, MIN_INSTANT, MINUTE, Instants, Micros

_PROMPT, _LATE, _AHEAD, _UNDATED, _SKEWED = range(5)
_SHARES: Final = (0.5, 0.15, 0.15, 0.12, 0.08)


class Deliveries:
    """Events before `start` are known from the start; of the others each takes one of five ways.

    Prompt ones come with the first commit after they happened, late ones hours or days after that, some ahead of time;
    undated ones count from their receipt, and so do those whose clock is a little ahead.
    """

    def __init__(self, random: np.random.Generator, supply: Supply, start: Micros) -> None:
        size = len(supply.time)
        self._random = random
        self._supply = supply
        self._way = random.choice(len(_SHARES), size, p=_SHARES)
        self.stated: Instants = supply.time.copy()
        """What each event that came said, int64 (m,); MIN_INSTANT for nothing."""
        late = random.exponential(2.0 * DAY, size).astype(np.int64)
        ahead = -random.integers(6 * MINUTE, 4 * DAY, size)
        due = supply.time + np.where(self._way == _LATE, late, np.where(self._way == _AHEAD, ahead, 0))
        past = supply.time < start
        self.past = np.flatnonzero(past)
        self._order = np.flatnonzero(~past)[np.argsort(due[~past], kind="stable")]
        self._due = due[self._order]
        self._next = 0

    def next_happening(self, after: Micros) -> Micros:
        """When the next prompt event happens; `after` where none does."""
        rest = self._order[self._next :]
        times = self._supply.time[rest[self._way[rest] == _PROMPT][:1000]]
        return Micros(int(times[times > after].min(initial=after + HOUR)))

    def take(self, clock: Micros) -> NDArray[np.int64]:
        """The events that come now, in the order in which they come."""
        stop = int(np.searchsorted(self._due, clock, side="right"))
        taken = self._order[self._next : stop]
        self._next = stop
        self.stated[taken[self._way[taken] == _UNDATED]] = MIN_INSTANT
        skewed = taken[self._way[taken] == _SKEWED]
        self.stated[skewed] = clock + self._random.integers(1, 5 * MINUTE, len(skewed))
        return taken
