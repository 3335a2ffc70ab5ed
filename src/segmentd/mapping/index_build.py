"""Making an index of many ids at once, without a loop: what is sorted by hash is sorted by home."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from segmentd.mapping.hashing import LOW, Keys
from segmentd.mapping.index import COLLIDED, GONE, MARGIN, Rows, Slots, homes_of

Key = tuple[int, int]
"""The hash of one id: 64 bits and 32."""


class Ordered(NamedTuple):
    """Entries in the order of their hashes, each hash once; and how many ids those have that more than one id has."""

    entries: Slots
    shared: dict[Key, int]


def entries_of(keys: Keys, rows: Rows) -> Slots:
    """The entry of each id, uint64 (n, 2)."""
    entries = np.empty((len(keys), 2), dtype=np.uint64)
    entries[:, 0] = keys[:, 0]
    entries[:, 1] = keys[:, 1] | (rows.astype(np.uint64) + np.uint64(1)) << np.uint64(32)
    return entries


def living(slots: Slots) -> Slots:
    """The entries of an index that lead somewhere, in the order of their places."""
    seconds = slots[:, 1]
    return np.asarray(slots[(seconds != 0) & (seconds >> np.uint64(32) != np.uint64(GONE))])


def ordered(entries: Slots, shared: dict[Key, int]) -> Ordered:
    """The same entries with those of one hash as one that says so; `shared` counts the ids of those that do already."""
    entries = entries[np.argsort(entries[:, 0])]
    if not (entries[1:, 0] == entries[:-1, 0]).any():
        return Ordered(entries, shared)
    lows = entries[:, 1] & np.uint64(LOW)
    order = np.lexsort((lows, entries[:, 0]))
    entries, lows = entries[order], lows[order]
    again = np.flatnonzero((entries[1:, 0] == entries[:-1, 0]) & (lows[1:] == lows[:-1])) + 1
    shared = _counted(entries, np.union1d(again - 1, again), shared)
    for places in (again - 1, again):
        entries[places, 1] = lows[places] | np.uint64(COLLIDED << 32)
    kept = np.ones(len(entries), dtype=np.bool_)
    kept[again] = False
    return Ordered(entries[kept], shared)


def _counted(entries: Slots, twins: Rows, shared: dict[Key, int]) -> dict[Key, int]:
    """How many ids each hash has; entries that stand for several count for all of theirs."""
    counts: dict[Key, int] = {}
    for first, second in entries[twins].tolist():
        key = first, second & LOW
        counts[key] = counts.get(key, 0) + (shared[key] if second >> 32 == COLLIDED else 1)
    return {**shared, **counts}


def placed(entries: Slots, homes: int) -> tuple[NDArray[np.int64], int]:
    """Where each entry goes: its home, or the first place behind it that those before leave free; and the size."""
    count = np.arange(len(entries))
    if not len(entries):
        return count, homes + MARGIN
    places = np.maximum.accumulate(homes_of(entries, homes) - count) + count
    return places, max(int(places[-1]) + 1, homes) + MARGIN
