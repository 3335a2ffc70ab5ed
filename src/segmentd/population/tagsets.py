"""Distinct sets of tags, numbered, so that a tags column has one int32 a row."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class TagSets:
    """Set number s holds `codes[offsets[s]:offsets[s+1]]`. Equal sets share a number."""

    __slots__ = ("_codes", "_numbers", "_offsets", "_used")

    def __init__(self) -> None:
        self._numbers: dict[tuple[int, ...], int] = {}
        self._offsets = np.zeros(16, dtype=np.int64)
        self._codes = np.zeros(64, dtype=np.int32)
        self._used = 0

    def __len__(self) -> int:
        return len(self._numbers)

    def add(self, codes: list[int]) -> int:
        """The number of this set of vocabulary codes."""
        key = tuple(sorted(codes))
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._numbers)
            self._append(number, key)
        return number

    def _append(self, number: int, key: tuple[int, ...]) -> None:
        if number + 2 > len(self._offsets):
            self._offsets = np.resize(self._offsets, 2 * len(self._offsets))
        while self._used + len(key) > len(self._codes):
            self._codes = np.resize(self._codes, 2 * len(self._codes))
        self._codes[self._used : self._used + len(key)] = key
        self._used += len(key)
        self._offsets[number + 1] = self._used

    def codes(self, number: int) -> list[int]:
        """The codes of one set."""
        start, stop = self._offsets[number : number + 2].tolist()
        codes: list[int] = self._codes[start:stop].tolist()
        return codes

    def gather(self, numbers: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Offsets int64 (n+1,) and codes of the sets with these numbers; -1 gives an empty one."""
        here = numbers >= 0
        starts = np.where(here, self._offsets[numbers], 0)
        lengths = np.where(here, self._offsets[np.where(here, numbers, 0) + 1] - starts, 0)
        offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
        positions = np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], lengths)
        return offsets, self._codes[positions]
