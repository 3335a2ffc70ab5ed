"""Distinct byte strings and their numbers, packed: a few bytes each beside their own, and no object."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from itertools import pairwise, repeat
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from segmentd.population.hash_slots import LOW, Hashes, HashSlots, homes_of

Hash = Callable[[bytes, int], int]
"""64 bits for a string under a seed."""
Heap = NDArray[np.uint8]
"""Strings one after the other, (bytes,)."""
Offsets = NDArray[np.integer[Any]]
"""Where in a heap each string begins, and where the last one ends, (n+1,)."""
Places = NDArray[np.int64]
_SEED: Final = secrets.randbits(64)
"""New at each start: without it strings that share a hash cannot be made on purpose."""
_ROOM: Final = 8
"""What is full grows by this part of it."""
_PIECE: Final = 4_096
"""So many strings are objects at a time."""
_FEW: Final = 64
"""So many are looked for one by one."""
_NARROW: Final = 2**32
"""Offsets into fewer bytes have 32 bits."""


class ByteStrings:
    """Grows only: string number n is `heap[offsets[n]:offsets[n+1]]`. Numbers are given in order, from 0.

    One thread adds, any may read: what is full is replaced by something larger and left to those who read it, and a
    number is found only when its string is there.
    """

    __slots__ = ("_hash", "_heap", "_offsets", "_size", "_slots", "_used")

    def __init__(self, hash_of: Hash = xxh3_64_intdigest) -> None:
        self._hash = hash_of
        self._slots = HashSlots()
        self._heap = np.empty(256, dtype=np.uint8).data
        self._offsets = np.zeros(32, dtype=np.uint32).data
        self._size = self._used = 0

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, number: int) -> bytes:
        """One string; IndexError where no such number was given."""
        if not 0 <= number < self._size:
            raise IndexError(number)
        offsets = self._offsets
        return self._heap[offsets[number] : offsets[number + 1]].tobytes()

    @property
    def nbytes(self) -> int:
        """What it takes in memory, in bytes, with the room to grow."""
        return self._heap.nbytes + self._offsets.nbytes + self._slots.nbytes

    @property
    def heap(self) -> Heap:
        """All strings."""
        return np.asarray(self._heap)[: self._used]

    @property
    def offsets(self) -> Offsets:
        """Where they are."""
        return np.asarray(self._offsets)[: self._size + 1]

    def find(self, raw: bytes) -> int:
        """The number of a string; -1 where it has none."""
        return self._search(raw, self._hash(raw, _SEED) >> 32)[0]

    def find_many(self, raws: list[bytes]) -> NDArray[np.int32]:
        """The numbers of many strings, int32 (n,); -1 where one has none."""
        return self._look(raws, self._hashes(raws))

    def add(self, raw: bytes) -> int:
        """The number of a string, given one if it is new."""
        hashed = self._hash(raw, _SEED) >> 32
        found, place = self._search(raw, hashed)
        if found >= 0:
            return found
        number, start, end = self._size, self._used, self._used + len(raw)
        if end > len(self._heap) or number + 1 >= len(self._offsets):
            self._make_room(number + 1, end)
        self._heap[start:end] = raw
        self._offsets[number + 1] = end
        self._size, self._used = number + 1, end
        self._slots.enter_at(place, hashed, number)
        return number

    def add_many(self, raws: list[bytes]) -> list[int]:
        """The numbers of distinct strings, given in their order to those that are new."""
        if len(raws) <= _FEW:
            return list(map(self.add, raws))
        hashes = self._hashes(raws)
        numbers = self._look(raws, hashes)
        fresh = np.flatnonzero(numbers < 0)
        if len(fresh):
            first = self._size
            numbers[fresh] = np.arange(first, first + len(fresh))
            strings = [raws[place] for place in fresh.tolist()]
            ends = np.cumsum(np.fromiter(map(len, strings), np.int64, len(strings)))
            self._append(np.frombuffer(b"".join(strings), np.uint8), ends)
            self._slots.enter_many(hashes[fresh], first)
        return cast("list[int]", numbers.tolist())

    def extend(self, heap: Heap, offsets: Offsets) -> None:
        """Add strings that are distinct and new."""
        first = self._size
        self._append(heap, offsets[1:])
        hashes = np.empty(self._size - first, dtype=np.uint64)
        for start in range(first, self._size, _PIECE):
            raw, ends = self.stretch(start, min(start + _PIECE, self._size))
            strings = [raw[low:high] for low, high in pairwise(ends)]
            hashes[start - first : start - first + len(strings)] = self._hashes(strings)
        self._slots.enter_many(hashes, first)

    def stretch(self, start: int, stop: int) -> tuple[bytes, list[int]]:
        """The bytes of the strings from one number to before another; where in them each begins, and the last ends."""
        offsets = np.asarray(self._offsets[start : stop + 1]).astype(np.int64)
        return self._heap[offsets[0] : offsets[-1]].tobytes(), (offsets - offsets[0]).tolist()

    def gather(self, numbers: NDArray[np.integer[Any]]) -> tuple[Heap, Offsets]:
        """These strings, by ascending numbers, as `extend` takes them. Neighbours are copied together."""
        numbers = numbers.astype(np.intp)
        begins, heap = self.offsets.astype(np.int64), self.heap
        offsets = np.append(0, np.cumsum(begins[numbers + 1] - begins[numbers]))
        found = np.empty(offsets[-1], dtype=np.uint8)
        cuts = np.flatnonzero(np.diff(numbers, prepend=-2, append=-2) != 1)
        starts, places = begins[numbers[cuts[:-1]]], offsets[cuts].tolist()
        for start, low, high in zip(starts.tolist(), places, places[1:], strict=False):
            found[low:high] = heap[start : start + high - low]
        return found, offsets

    def _hashes(self, raws: list[bytes]) -> Hashes:
        return np.fromiter(map(self._hash, raws, repeat(_SEED)), np.uint64, len(raws)) >> np.uint64(32)

    def _search(self, raw: bytes, hashed: int) -> tuple[int, int]:
        """The number of a string, -1 where it has none, and the slot at which the search ended."""
        words, homes = self._slots.table
        place = hashed * homes >> 32
        while word := words[place]:
            if word >> 32 == hashed and self[(word & LOW) - 1] == raw:
                return (word & LOW) - 1, place
            place += 1
        return -1, place

    def _look(self, raws: list[bytes], hashes: Hashes) -> NDArray[np.int32]:
        """Those at one place each, all of them at a time, as long as that is less work than a loop."""
        words, homes = self._slots.table
        table, places = np.asarray(words), homes_of(hashes, homes)
        numbers, left = np.full(len(raws), -1, dtype=np.int32), np.arange(len(raws))
        while len(left) > _FEW:
            found = table[places[left]]
            same = np.flatnonzero((found >> np.uint64(32) == hashes[left]) & (found != 0))
            if len(same):
                asked = left[same]
                self._compare(raws, asked, (found[same] & np.uint64(LOW)).astype(np.int64) - 1, numbers)
            left = left[(found != 0) & (numbers[left] < 0)]
            places[left] += 1
        for place in left.tolist():
            numbers[place] = self._search(raws[place], int(hashes[place]))[0]
        return numbers

    def _compare(self, raws: list[bytes], places: Places, candidates: Places, numbers: NDArray[np.int32]) -> None:
        """Where the string at a place is its candidate, note its number."""
        offsets, heap = self.offsets, self._heap
        starts, stops = offsets[candidates].tolist(), offsets[candidates + 1].tolist()
        same = [heap[low:high] == raws[at] for low, high, at in zip(starts, stops, places.tolist(), strict=True)]
        numbers[places[same]] = candidates[same]

    def _append(self, heap: Heap, ends: Offsets) -> None:
        first, start = self._size, self._used
        whole = not first and heap.flags.writeable and heap.flags.c_contiguous
        if whole:
            self._heap = heap.data  # there is no room in it, so nothing is written into what may be another's
        self._make_room(first + len(ends), start + len(heap))
        if not whole:
            np.asarray(self._heap)[start : start + len(heap)] = heap
        np.asarray(self._offsets)[first + 1 : first + 1 + len(ends)] = ends + np.int64(start)
        self._size, self._used = first + len(ends), start + len(heap)

    def _make_room(self, strings: int, size: int) -> None:
        """Have room for so many strings of so many bytes."""
        if size > len(self._heap):
            self._heap = _grown(self.heap, size, np.dtype(np.uint8))
        dtype = np.dtype(np.uint32 if len(self._heap) < _NARROW else np.uint64)
        if strings >= len(self._offsets) or self._offsets.itemsize != dtype.itemsize:
            self._offsets = _grown(self.offsets, strings + 1, dtype)


def _grown(used: NDArray[Any], needed: int, dtype: np.dtype[Any]) -> memoryview:
    """The same with room to grow."""
    grown = np.empty(max(needed, len(used) + len(used) // _ROOM), dtype=dtype)
    grown[: len(used)] = used
    return grown.data
