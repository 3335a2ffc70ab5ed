"""Where new events go among those that their rows have: worked out for all rows of a group at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.int64]


class Arrivals(NamedTuple):
    """New events by row, time and arrival: (m,) `order` in which they were given, and `times` in this order.

    (k,) `rows` that have some, sorted and unique, and how many (`counts`); (m,) `owners`: for each event, the place
    of its row among `rows`.
    """

    order: Index
    times: Index
    rows: Index
    counts: Index
    owners: Index

    @classmethod
    def of(cls, rows: Index, times: Index) -> Arrivals:
        """Those of (m,) rows and times in the order of arrival; m is not 0."""
        order = np.lexsort((times, rows))
        ordered = rows[order]
        fresh = np.empty(len(ordered), dtype=np.bool_)
        fresh[0] = True
        np.not_equal(ordered[1:], ordered[:-1], out=fresh[1:])
        first = np.flatnonzero(fresh)
        counts = np.diff(first, append=len(ordered))
        return cls(order, times[order], ordered[first], counts, np.cumsum(fresh) - 1)

    def ranks(self) -> Index:
        """Of each event, how many of its row are before it among the new ones."""
        return np.arange(len(self.owners)) - np.repeat(np.cumsum(self.counts) - self.counts, self.counts)


class Shift(NamedTuple):
    """What makes room: the elements at `sources` go to `targets`, then the new ones to `places` (in their order)."""

    sources: Index
    targets: Index
    places: Index


def shift(arrivals: Arrivals, starts: Index, lengths: Index, pool: Index) -> Shift:
    """Where things go in a pool of times, whose rows have (k,) `starts`, `lengths`, and room for what comes.

    A new event stands behind those of its row that are not later.
    """
    owners = arrivals.owners
    before = _not_later(arrivals, starts[owners], lengths[owners], pool)
    places = starts[owners] + before + arrivals.ranks()
    if bool((before == lengths[owners]).all()):  # as where time only goes on
        nothing = np.zeros(0, dtype=np.int64)
        return Shift(nothing, nothing, places)
    firsts = np.cumsum(arrivals.counts) - arrivals.counts
    lowest = before[firsts]
    tails = lengths - lowest
    moved = np.repeat(np.arange(len(tails)), tails)
    index = np.arange(len(moved)) - np.repeat(np.cumsum(tails) - tails, tails) + lowest[moved]
    # An element moves by as many places as new events come before it: one search for all rows, each in its own range.
    stride = int(lengths.max()) + 1
    passed = np.searchsorted(owners * stride + before, moved * stride + index, side="right") - firsts[moved]
    sources = starts[moved] + index
    return Shift(sources, sources + passed, places)


def _not_later(arrivals: Arrivals, starts: Index, lengths: Index, pool: Index) -> Index:
    """For each new event, how many of the `lengths` sorted times from `starts` on are not later: a bisection of all."""
    low, high = np.zeros_like(lengths), lengths.copy()
    last = pool[np.maximum(starts + lengths - 1, 0)]
    appended = (lengths == 0) | (last <= arrivals.times)
    low[appended] = lengths[appended]
    open_ones = np.flatnonzero(low < high)
    while len(open_ones):
        middle = (low[open_ones] + high[open_ones]) >> 1
        later = pool[starts[open_ones] + middle] > arrivals.times[open_ones]
        high[open_ones[later]] = middle[later]
        low[open_ones[~later]] = middle[~later] + 1
        open_ones = open_ones[low[open_ones] < high[open_ones]]
    return low
