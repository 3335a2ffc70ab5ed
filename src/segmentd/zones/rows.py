"""Local time for many users at once, each in a zone of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from segmentd.times import Instants
from segmentd.zones.units import Days, Indices, Unit
from segmentd.zones.zone import UTC, Zone, zone_for

Int64s = NDArray[np.int64]


class LocalTime(Protocol):
    """What a Zone (one for all) and Zones (one an element) have in common; see Zone for the meaning."""

    def take(self, rows: Int64s) -> LocalTime: ...
    def local_time(self, instants: Instants) -> Int64s: ...
    def from_local(self, local: Int64s) -> Instants: ...
    def local_day(self, instants: Instants) -> Days: ...
    def day_start(self, days: Days) -> Instants: ...
    def unit_index(self, unit: Unit, instants: Instants) -> Indices: ...
    def unit_start(self, unit: Unit, indices: Indices) -> Instants: ...
    def add_months(self, instants: Instants, months: int) -> Instants: ...


class Zones:
    """A zone for each of n elements; every array given to a method has that length."""

    def __init__(self, zones: Sequence[Zone], which: NDArray[np.int16]) -> None:
        """`which` int16 (n,) are positions in `zones`."""
        self._zones = zones
        self._which = which

    def take(self, rows: Int64s) -> Self:
        """The zones of these elements: `zones.take(events.rows)` fits the arrays of the events."""
        return type(self)(self._zones, self._which[rows])

    def local_time(self, instants: Instants) -> Int64s:
        return self._each(instants, lambda zone, part: zone.local_time(part))

    def from_local(self, local: Int64s) -> Instants:
        return self._each(local, lambda zone, part: zone.from_local(part))

    def local_day(self, instants: Instants) -> Days:
        return self._each(instants, lambda zone, part: zone.local_day(part))

    def day_start(self, days: Days) -> Instants:
        return self._each(days, lambda zone, part: zone.day_start(part))

    def unit_index(self, unit: Unit, instants: Instants) -> Indices:
        return self._each(instants, lambda zone, part: zone.unit_index(unit, part))

    def unit_start(self, unit: Unit, indices: Indices) -> Instants:
        return self._each(indices, lambda zone, part: zone.unit_start(unit, part))

    def add_months(self, instants: Instants, months: int) -> Instants:
        return self._each(instants, lambda zone, part: zone.add_months(part, months))

    def _each(self, values: Int64s, function: Callable[[Zone, Int64s], Int64s]) -> Int64s:
        """Sort by zone once (a radix sort), so that many zones cost no more than few."""
        order = np.argsort(self._which, kind="stable")
        ends = np.cumsum(np.bincount(self._which, minlength=len(self._zones)))
        ordered, result = values[order], np.empty(len(values), dtype=np.int64)
        start = 0
        for zone, end in zip(self._zones, ends.tolist(), strict=True):
            if end > start:
                result[order[start:end]] = function(zone, ordered[start:end])
            start = end
        return result


def zones_of_rows(codes: NDArray[np.int32], texts: Sequence[str]) -> Zone | Zones:
    """The zone of each row of a text column, codes int32 (n,), -1 missing; missing and unknown names are UTC."""
    numbers: dict[Zone, int] = {UTC: 0}
    present = _distinct(codes, len(texts))
    table = np.zeros(max(present, default=-1) + 2, dtype=np.int16)  # its last place is UTC and serves -1
    for code in present:
        table[code] = numbers.setdefault(zone_or_utc(texts[code]), len(numbers))
    zones, which = list(numbers), table[codes]
    used = np.flatnonzero(np.bincount(which, minlength=1)).tolist()
    if len(used) <= 1:
        return zones[used[0]] if used else UTC
    return Zones(zones, which)


def _distinct(codes: NDArray[np.int32], size: int) -> list[int]:
    """The codes that occur, without -1: by a table of all `size` codes where that is the shorter."""
    if len(codes) < size:
        return [code for code in np.unique(codes).tolist() if code >= 0]
    seen = np.zeros(size + 1, dtype=np.bool_)
    seen[codes] = True
    return np.flatnonzero(seen[:-1]).tolist()


def zone_or_utc(name: str) -> Zone:
    """The zone of that name; UTC for an unknown one."""
    try:
        return zone_for(name)
    except ValueError:
        return UTC
