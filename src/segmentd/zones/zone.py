"""One time zone: its offsets as pieces of time, and local time as arithmetic on them."""

from __future__ import annotations

from functools import cache
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from segmentd.times import DAY, Instants
from segmentd.zones.transitions import offsets_of, read_zone
from segmentd.zones.units import Days, Indices, Unit, add_months_to_days, first_day_of, index_of

_FAR: Final = 2**61
"""Farther than any instant or local time, and still safe to add an offset to."""


class Zone:
    """Local time goes forward only here: a repeated stretch belongs to the day that had already begun.

    So a day begins at the first instant at which local clocks show its midnight or later: at the earlier one
    where midnight happens twice, at the end of the gap where it is skipped. All methods are vectorised and
    take and return int64 arrays of one shape.
    """

    def __init__(self, name: str, pieces: list[tuple[int, int]]) -> None:
        """`pieces`: (instant, offset) pairs in microseconds; the first offset holds before its instant too."""
        self.name = name
        self._starts = np.array([-_FAR, *(start for start, _ in pieces[1:])], dtype=np.int64)
        self._offsets = np.array([offset for _, offset in pieces], dtype=np.int64)
        ends = np.append(self._starts[1:] + self._offsets[:-1], _FAR)
        self._reached = np.maximum.accumulate(ends)
        self._begun = np.concatenate(([-_FAR], self._reached[:-1] - 1)) // DAY
        self._skipped = self._skipped_days()
        self._skipped_indices = self._skipped - np.arange(len(self._skipped))

    def _skipped_days(self) -> Days:
        """Days that local clocks never showed, in order."""
        before = self._begun[1:]
        after = (self._starts[1:] + self._offsets[1:]) // DAY
        gaps = [np.arange(low + 1, high) for low, high in zip(before, after, strict=True) if high - low > 1]
        return np.concatenate([np.zeros(0, dtype=np.int64), *gaps])

    def __repr__(self) -> str:
        return f"Zone({self.name!r})"

    def take(self, rows: NDArray[np.int64]) -> Self:
        """The zone itself: all rows share it (see `Zones.take`)."""
        return self

    def local_time(self, instants: Instants) -> NDArray[np.int64]:
        """What local clocks show, as microseconds since 1970-01-01T00:00 local."""
        if len(self._starts) == 1:
            return np.asarray(instants + self._offsets[0])
        return np.asarray(instants + self._offsets[self._piece(instants)])

    def from_local(self, local: NDArray[np.int64]) -> Instants:
        """The first instant at which local clocks show this time, or a later one where a gap skipped it."""
        if len(self._starts) == 1:
            return np.asarray(local - self._offsets[0])
        piece = self._reached.searchsorted(local, side="right")
        return np.asarray(np.maximum(self._starts[piece], local - self._offsets[piece]))

    def local_day(self, instants: Instants) -> Days:
        """The local day of each instant, in days since 1970-01-01."""
        if len(self._starts) == 1:
            return np.asarray((instants + self._offsets[0]) // DAY)
        piece = self._piece(instants)
        return np.asarray(np.maximum((instants + self._offsets[piece]) // DAY, self._begun[piece]))

    def day_start(self, days: Days) -> Instants:
        """The first instant of each local day; that of the next one where the zone skipped the day."""
        return self.from_local(days * DAY)

    def unit_index(self, unit: Unit, instants: Instants) -> Indices:
        """Consecutive numbers of the units that contain these instants; skipped days have no number."""
        days = self.local_day(instants)
        if unit is Unit.DAY:
            return days - self._skipped.searchsorted(days) if len(self._skipped) else days
        return index_of(unit, days)

    def unit_start(self, unit: Unit, indices: Indices) -> Instants:
        """The first instant of each unit; the end of a unit is the start of the next."""
        if unit is not Unit.DAY:
            return self.day_start(first_day_of(unit, indices))
        if len(self._skipped):
            indices = indices + self._skipped_indices.searchsorted(indices, side="right")
        return self.day_start(indices)

    def add_months(self, instants: Instants, months: int) -> Instants:
        """The same local time that many months on, clamped to the month's end.

        In a gap it is the first instant after it, of an ambiguous time the earlier. Not monotone: of two
        instants in an hour that local clocks showed twice, the later can come out earlier.
        """
        local = self.local_time(instants)
        days = local // DAY
        return self.from_local(add_months_to_days(days, months) * DAY + (local - days * DAY))

    def _piece(self, instants: Instants) -> NDArray[np.intp]:
        return self._starts.searchsorted(instants, side="right") - 1


@cache
def zone_for(name: str) -> Zone:
    """The zone of an IANA name; built on first use, then kept. Raises ValueError where there is none."""
    return Zone(name, offsets_of(read_zone(name)))


UTC: Final = Zone("UTC", [(0, 0)])
