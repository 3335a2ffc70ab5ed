"""A hash table of numbers in one array: open addressing over words of 8 bytes.

A word has 32 bits of a key's hash above, its number plus one below; 0 is free. A search begins at a home that ascends
with the hash and goes upwards, never around, until a free slot: the last one is never taken. So what a larger table
needs is in the words themselves, and those in order of their hashes are in order of their homes.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
"""(n,), of 32 bits each."""
Words = NDArray[np.uint64]
LOW: Final = 0xFFFFFFFF
_FULL: Final = 0.65
_LOOSE: Final = 0.5
"""The part of the homes that is taken at most, and in a new table."""
_FEWEST: Final = 64
_MARGIN: Final = 16
"""So many slots lie beyond the last one that a new table uses."""
_PART: Final = 8
"""Where a table grows by more than this part of it at once, it is made anew."""


class HashSlots:
    """Numbers by the hashes of their keys. One thread enters, any may look; a table that was replaced stays sound.

    `table` is what a search needs: the words, and how many homes there are. A search begins at
    `hashed * homes >> 32`; several keys may have one hash, so whoever finds a number compares its key.
    """

    __slots__ = ("_limit", "_taken", "table")

    def __init__(self) -> None:
        self._place_all(np.zeros(0, dtype=np.uint64))

    @property
    def nbytes(self) -> int:
        """What it takes in memory, in bytes."""
        return self.table[0].nbytes

    def enter(self, hashed: int, number: int) -> None:
        """Add a number."""
        words, homes = self.table
        place = hashed * homes >> 32
        while words[place]:
            place += 1
        self.enter_at(place, hashed, number)

    def enter_at(self, place: int, hashed: int, number: int) -> None:
        """Add a number for whose key a search has just ended at this free place."""
        word, words = hashed << 32 | number + 1, self.table[0]
        if self._taken >= self._limit or place == len(words) - 1:
            self._place_all(np.append(self.entered(), np.uint64(word)))
        else:
            words[place] = word
            self._taken += 1

    def enter_many(self, hashes: Hashes, first: int) -> None:
        """Add the numbers from `first` on, one for each hash."""
        if _PART * len(hashes) < self._taken:
            for number, hashed in enumerate(hashes.tolist(), first):
                self.enter(hashed, number)
        elif len(hashes):
            fresh = hashes << np.uint64(32)
            fresh |= np.arange(first + 1, first + 1 + len(hashes), dtype=np.uint64)
            self._place_all(np.concatenate([self.entered(), fresh]) if self._taken else fresh)

    def entered(self) -> Words:
        """The words of all numbers, by place."""
        words = np.asarray(self.table[0])
        return np.asarray(words[words != 0])

    def _place_all(self, words: Words) -> None:
        """Make a table with these words, which are sorted here; each at its home, or where those before leave room."""
        words.sort()
        homes = max(_FEWEST, int(len(words) / _LOOSE))
        count, places = np.arange(len(words)), homes_of(words >> np.uint64(32), homes)
        places -= count
        np.maximum.accumulate(places, out=places)
        places += count
        size = max(homes, int(places.max(initial=-1)) + 1) + _MARGIN
        table = np.zeros(size, dtype=np.uint64)
        table[places] = words
        self._taken, self._limit = len(words), int(_FULL * homes)
        self.table = table.data, homes


def homes_of(hashes: Hashes, homes: int) -> NDArray[np.int64]:
    """Where the search for each hash begins."""
    places = hashes * np.uint64(homes)
    places >>= np.uint64(32)
    return places.view(np.int64)
