"""The events that count for each user at an instant, and when each stops to count."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmentd.conditions.per_row import row_minimum
from segmentd.conditions.windows import Window
from segmentd.population.column import Column
from segmentd.population.kinds import Kind
from segmentd.population.typed import Columns, Events, Mask
from segmentd.population.views import ColumnsView
from segmentd.times import FOREVER, Instants
from segmentd.zones import LocalTime, Zone

Int64s = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """Row i has the places `offsets[i]` to `offsets[i+1]` of `positions` and `expires`, oldest event first.

    `positions` int64 (k,) are places in the arrays of the events; `expires` int64 (k,) is when each stops to
    count, later than the row's instant. Within a row `expires` ascends if `ordered`.
    """

    offsets: Int64s
    positions: Int64s
    expires: Instants
    ordered: bool

    @property
    def sizes(self) -> Int64s:
        """How many events count for each row, int64 (n,)."""
        return np.diff(self.offsets)

    @property
    def rows(self) -> Int64s:
        """The row of each event that counts, int64 (k,)."""
        return np.repeat(np.arange(len(self.offsets) - 1), self.sizes)

    def only(self, kept: Mask) -> Counted:
        """Those where `kept` bool (k,)."""
        if kept.all():
            return self
        totals = np.concatenate(([0], np.cumsum(kept)))
        return Counted(totals[self.offsets], self.positions[kept], self.expires[kept], self.ordered)

    def first_expiry(self) -> Instants:
        """When the first of each row's events stops to count, int64 (n,); FOREVER where there is none."""
        return row_minimum(self.expires, self.offsets, FOREVER)

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


def counted_events(events: Events, window: Window, at: Instants, zones: LocalTime) -> Counted:
    """The events in the window of each of n users at `at` int64 (n,); `zones` has the local time of the users."""
    offsets, times = events.offsets, events.times
    cutoff = _cutoff(window, at, zones)
    if cutoff is None:
        positions = np.arange(len(times))
    else:
        recent = times >= (cutoff if len(cutoff) == 1 else cutoff[events.rows])
        positions = np.flatnonzero(recent)
        offsets = np.concatenate(([0], np.cumsum(recent)))[offsets]
        times = times[positions]
    local = zones if isinstance(zones, Zone) else zones.take(events.rows[positions])
    expires = window.expiries(times, local)
    counting = expires > (at[:1] if same_instant(at) else at[events.rows[positions]])
    return Counted(offsets, positions, expires, window.ordered).only(counting)


def same_instant(at: Instants) -> bool:
    """Whether all rows stand at one instant, as far as the array's form tells."""
    return len(at) == 1 or at.strides == (0,)


def instants_of_events(events: Events, at: Instants) -> Instants:
    """The instant of each event's user, int64 (m,)."""
    if len(at) and same_instant(at):
        return np.broadcast_to(at[0], events.times.shape)
    return at[events.rows]


def computed_column(name: str, kind: Kind, values: NDArray[np.generic], present: Mask | None = None) -> Columns:
    """Computed values (n,) as the only column, so that conditions can judge them; all present by default."""
    column = Column(kind, 0)
    data = values.astype(column.data.dtype, copy=False)
    column.data = data if present is None else np.where(present, data, column.data.dtype.type(column.missing))
    return ColumnsView({name: column}, slice(None), len(values))


def _cutoff(window: Window, at: Instants, zones: LocalTime) -> Instants | None:
    """One instant a row, or a single one for all."""
    if len(at) and same_instant(at) and isinstance(zones, Zone):
        return window.cutoff(at[:1], zones)
    return window.cutoff(at, zones)
