"""The events that count for each user at an instant, and when each stops to count."""

from __future__ import annotations

from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from segmentd.conditions.instants import same_instant
from segmentd.conditions.marks import Marks
from segmentd.conditions.per_row import row_minimum
from segmentd.conditions.windows import Rolling, Window
from segmentd.population.column import Column
from segmentd.population.kinds import Kind
from segmentd.population.typed import Columns, Events, Mask
from segmentd.population.views import ColumnsView
from segmentd.population.widths import FULL
from segmentd.times import FOREVER, Instants
from segmentd.zones import LocalTime, Zone

Int64s = NDArray[np.int64]
_MANY: Final = 4096
"""So many events are counted by words of bits; fewer by a running sum."""


class Counted:
    """Row i has the places `offsets[i]` to `offsets[i+1]` of `positions` and `expires`, oldest event first.

    `positions` int64 (k,) are places in the arrays of the events; `expires` int64 (k,) is when each stops to
    count, later than the row's instant. Within a row `expires` ascends if `ordered`.
    """

    def __init__(self, offsets: Int64s, positions: Int64s, expires: Instants, ordered: bool) -> None:
        self.offsets = offsets
        self.ordered = ordered
        self._positions = positions
        self._expires = expires

    @property
    def positions(self) -> Int64s:
        """Places in the arrays of the events, int64 (k,)."""
        return self._positions

    @property
    def expires(self) -> Instants:
        """When each stops to count, int64 (k,)."""
        return self._expires

    def __len__(self) -> int:
        """How many events count, k."""
        return int(self.offsets[-1])

    @property
    def sizes(self) -> Int64s:
        """How many events count for each row, int64 (n,)."""
        return self.offsets[1:] - self.offsets[:-1]

    @property
    def rows(self) -> Int64s:
        """The row of each event that counts, int64 (k,)."""
        return np.repeat(np.arange(len(self.offsets) - 1), self.sizes)

    def only(self, kept: Mask) -> Counted:
        """Those where `kept` bool (k,)."""
        if kept.all():
            return self
        return Counted(marked_before(kept, self.offsets), self.positions[kept], self.expires[kept], self.ordered)

    def first_expiry(self) -> Instants:
        """When the first of each row's events stops to count, int64 (n,); FOREVER where there is none."""
        return row_minimum(self.expires, self.offsets, FOREVER)

    def expiry(self, rows: Int64s, numbers: Int64s) -> Instants:
        """When the last (number 1), last but one (2), ... of the events of these rows stops to count, int64 (r,)."""
        return np.asarray(self.in_order_of_expiry().take(self.offsets.take(rows + 1) - numbers))

    def in_order_of_expiry(self) -> Instants:
        """`expires`, ascending within each row."""
        if self.ordered:
            return self.expires
        rows = self.rows
        falls = (self.expires[1:] < self.expires[:-1]) & (rows[1:] == rows[:-1])
        if not falls.any():
            return self.expires
        disordered = np.zeros(len(self.offsets) - 1, dtype=np.bool_)
        disordered[rows[1:][falls]] = True
        places = np.flatnonzero(disordered[rows])  # few, as a rule: sorting all would take ten times as long
        result = self.expires.copy()
        result[places] = self.expires[places][np.lexsort((self.expires[places], rows[places]))]
        return result


class CountedByMarks(Counted):
    """The marked events, each counting for `length` microseconds; which they are is worked out if it is asked for."""

    def __init__(self, events: Events, marked: Mask, length: int) -> None:
        self.ordered = True
        self._events = events
        self._marked = marked
        self._length = length
        self._marks = Marks(marked)
        self.offsets = self._marks.before(events.offsets)

    @cached_property
    def _places(self) -> Int64s:
        return np.flatnonzero(self._marked)

    @property
    def positions(self) -> Int64s:
        return self._places

    @cached_property
    def _ends(self) -> Instants:
        return np.asarray(self._events.times.take(self._places) + self._length)

    @property
    def expires(self) -> Instants:
        return self._ends

    def expiry(self, rows: Int64s, numbers: Int64s) -> Instants:
        places = self._marks.newest(self._events.offsets.take(rows + 1), numbers)
        return np.asarray(self._events.times.take(places) + self._length)


def counted_events(
    events: Events, window: Window, at: Instants, zones: LocalTime, passing: Mask | None = None
) -> Counted:
    """The events in the window of each of n users at `at` int64 (n,); `zones` has the local time of the users.

    Only those `passing` bool (m,), where it is given.
    """
    offsets, times = events.offsets, events.times
    cutoff = _cutoff(window, at, zones)
    if cutoff is None:
        recent = passing
    else:
        recent = times >= (cutoff if len(cutoff) == 1 else cutoff[events.rows])
        if passing is not None:
            recent &= passing
        if len(cutoff) == 1 and isinstance(window, Rolling) and window.micros is not None and len(times) >= _MANY:
            return CountedByMarks(events, recent, window.micros)  # what is not cut off is in the window
    if recent is None:
        positions = np.arange(len(times))
    else:
        positions = np.flatnonzero(recent)
        offsets, times = marked_before(recent, offsets), times[positions]
    local = zones if isinstance(zones, Zone) else zones.take(events.rows[positions])
    expires = window.expiries(times, local)
    counting = expires > (at[:1] if same_instant(at) else at[events.rows[positions]])
    return Counted(offsets, positions, expires, window.ordered).only(counting)


def marked_before(marked: Mask, places: Int64s) -> Int64s:
    """How many of the marked are before each of these places from 0 to m, int64 (n,)."""
    if len(marked) >= _MANY:
        return Marks(marked).before(places)
    return np.concatenate(([0], np.cumsum(marked)))[places]


def instants_of_events(events: Events, at: Instants) -> Instants:
    """The instant of each event's user, int64 (m,)."""
    if len(at) and same_instant(at):
        return np.broadcast_to(at[0], events.times.shape)
    return at[events.rows]


def computed_column(name: str, kind: Kind, values: NDArray[np.generic], present: Mask | None = None) -> Columns:
    """Computed values (n,) as the only column, so that conditions can judge them; all present by default."""
    dtype, missing = FULL[kind]
    data = values.astype(dtype, copy=False)
    data = data if present is None else np.where(present, data, dtype.type(missing))
    return ColumnsView({name: Column.holding(kind, data)}, slice(None), len(values))


def _cutoff(window: Window, at: Instants, zones: LocalTime) -> Instants | None:
    """One instant a row, or a single one for all."""
    if len(at) and same_instant(at) and isinstance(zones, Zone):
        return window.cutoff(at[:1], zones)
    return window.cutoff(at, zones)
