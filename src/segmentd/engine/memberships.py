"""The stored answers: one bit for each user and slot, one horizon for each user."""

from __future__ import annotations

from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from segmentd.population.foreseen import NOTHING, Foreseen
from segmentd.times import FOREVER, Instants

BLOCK: Final = 4096
"""Rows of a block that shares one minimum of horizons."""
Rows = NDArray[np.int64]
Words = NDArray[np.uint64]


class Allocator(Protocol):
    """Where arrays that others read too come from."""

    def __call__(self, name: str, shape: tuple[int, ...], dtype: DTypeLike, /) -> NDArray[Any]:
        """An array of zeros; `name` says what it will hold."""


def in_memory(_name: str, shape: tuple[int, ...], dtype: DTypeLike, /) -> NDArray[Any]:
    """An array of this process alone."""
    return np.zeros(shape, dtype=dtype)


class Memberships:
    """`words` uint64 (capacity, width), row-major; `horizons` int64 (capacity,); a count per slot.

    `minima` holds a lower bound of each block's horizons; it is made exact when it comes due.

    `foreseen` is None, or knows of some rows what they will be from their horizon on. Storing a row ends that; what
    changes many rows ends it for all, and readers have to be told before (`Live.forget_foreseen`).
    """

    def __init__(self) -> None:
        self._new: Allocator = in_memory
        self.words: Words = np.zeros((BLOCK, 1), dtype=np.uint64)
        self.horizons: Instants = np.full(BLOCK, FOREVER, dtype=np.int64)
        self.counts: NDArray[np.int64] = np.zeros(64, dtype=np.int64)
        self._minima: Instants = np.full(1, FOREVER, dtype=np.int64)
        self._free: list[int] = list(range(63, -1, -1))
        self._used: set[int] = set()
        """The free slots that still have bits."""
        self.foreseen: Foreseen | None = None

    def move_to(self, allocator: Allocator) -> None:
        """From now on `words` and `horizons` come from this allocator; those that there are move."""
        self._new = allocator
        self.foreseen = None
        self.words = self._copied("words", self.words, self.words.shape)
        self.horizons = self._copied("horizons", self.horizons, self.horizons.shape)

    def ensure(self, rows: int) -> None:
        """Make room for `rows` rows. New arrays replace the old ones, which stay as they are for readers."""
        if rows <= len(self.horizons):
            return
        self.foreseen = None
        capacity = -(-max(rows, len(self.horizons) + len(self.horizons) // 4) // BLOCK) * BLOCK
        words = self._copied("words", self.words, (capacity, self.words.shape[1]))
        horizons = self._copied("horizons", self.horizons, (capacity,))
        horizons[len(self.horizons) :] = FOREVER
        minima = np.full(capacity // BLOCK, FOREVER, dtype=np.int64)
        minima[: len(self._minima)] = self._minima
        self.words, self.horizons, self._minima = words, horizons, minima

    def allocate(self) -> int:
        """A slot in which nobody is a member."""
        if not self._free:
            width = self.words.shape[1]
            self.foreseen = None
            self.words = self._copied("words", self.words, (len(self.words), width + 1))
            self.counts = np.concatenate([self.counts, np.zeros(64, dtype=np.int64)])
            self._free = list(range(64 * width + 63, 64 * width - 1, -1))
        self.sweep()
        return self._free.pop()

    def release(self, slot: int) -> None:
        """Give back a slot that nobody reads any more. Its bits are left to `sweep`: readers wait at this moment."""
        self.counts[slot] = 0
        self._free.append(slot)
        self._used.add(slot)

    def sweep(self) -> None:
        """Clear the slots that were given back."""
        for slot in self._used:
            self.words[:, slot >> 6] &= ~_bit(slot)
        self._used.clear()

    def bits(self, slot: int, rows: Rows | slice) -> NDArray[np.bool_]:
        """Who of these rows is a member."""
        return np.asarray((self.words[rows, slot >> 6] & _bit(slot)) != 0)

    def bit(self, slot: int, row: int) -> bool:
        """Whether one row is a member."""
        return bool(int(self.words[row, slot >> 6]) >> (slot & 63) & 1)

    def fill(self, slot: int, start: int, member: NDArray[np.bool_]) -> None:
        """Set the bits of a slot for the rows from `start` on."""
        self.foreseen = None
        column = self.words[start : start + len(member), slot >> 6]
        changed = np.multiply(member, _bit(slot), dtype=np.uint64)
        changed ^= column
        changed &= _bit(slot)
        if changed.any():
            left = np.count_nonzero(changed & column)
            column ^= changed
            self.counts[slot] += np.count_nonzero(changed) - 2 * left

    def store(self, rows: Rows, words: Words, horizons: Instants) -> None:
        """Replace everything about these rows; sorted and unique."""
        if self.foreseen is not None:
            self.foreseen.horizons[rows] = NOTHING
        self.words[rows] = words
        self.horizons[rows] = horizons
        np.minimum.at(self._minima, rows // BLOCK, horizons)

    def lower_horizons(self, start: int, limits: Instants) -> None:
        """Trust the rows from `start` on no longer than `limits`."""
        self.foreseen = None
        stop = start + len(limits)
        np.minimum(self.horizons[start:stop], limits, out=self.horizons[start:stop])
        for block in range(start // BLOCK, -(-stop // BLOCK)):
            self._minima[block] = self._exact(block)

    def make_room_to_foresee(self) -> None:
        """To be called before `foresee`. Raises what the allocator does."""
        if self.foreseen is None:
            rows, width = self.words.shape
            self.foreseen = Foreseen(self._new("foreseen", (Foreseen.size(rows, width),), np.uint64), rows)

    def foresee(self, rows: Rows, words: Words, horizons: Instants) -> None:
        """From their horizons on these rows will have these bits, until these instants; nothing else changes."""
        assert self.foreseen is not None, "there is no room"  # noqa: S101  (see above)
        self.foreseen.words[rows] = words
        self.foreseen.horizons[rows] = horizons

    def next_deadline(self) -> int:
        """The earliest instant at which some horizon may come due (a lower bound), or FOREVER."""
        return int(self._minima.min())

    def due(self, limit: int) -> Rows:
        """The rows whose horizon is at or before `limit`, in order."""
        found = []
        for block in np.flatnonzero(self._minima <= limit).tolist():
            start = block * BLOCK
            found.append(np.flatnonzero(self.horizons[start : start + BLOCK] <= limit) + start)
            self._minima[block] = self._exact(block)
        return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)

    def _copied(self, name: str, old: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
        """A new array, at least as large, that begins with the old one."""
        new = self._new(name, shape, old.dtype)
        new[tuple(slice(size) for size in old.shape)] = old
        return new

    def _exact(self, block: int) -> int:
        return int(self.horizons[block * BLOCK : (block + 1) * BLOCK].min())


def _bit(slot: int) -> np.uint64:
    return np.uint64(1 << (slot & 63))
