"""Distinct sets of tags, numbered, so that a tags column has one number a row."""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmentd.population.byte_strings import ByteStrings

_CODE = np.dtype(np.int32)


class TagSets:
    """Set number s is some vocabulary codes, ascending. Equal sets share a number."""

    __slots__ = ("_strings",)

    def __init__(self) -> None:
        self._strings = ByteStrings()
        """The codes of each set, int32, as bytes."""

    def __len__(self) -> int:
        return len(self._strings)

    def add(self, codes: list[int]) -> int:
        """The number of this set of vocabulary codes."""
        return self._strings.add(array("i", sorted(codes)).tobytes())

    def restore(self, offsets: NDArray[np.int64], codes: NDArray[np.int32]) -> None:
        """Hold these sets in an empty collection, by their numbers: distinct ones, as `gather` gives them."""
        self._strings.extend(codes.view(np.uint8), offsets * _CODE.itemsize)

    def codes(self, number: int) -> list[int]:
        """The codes of one set."""
        return array("i", self._strings[number]).tolist()

    def gather(self, numbers: NDArray[np.integer[Any]]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Offsets int64 (n+1,) and codes of the sets with these numbers; -1 gives an empty one."""
        numbers = numbers.astype(np.intp)
        begins, codes = self._strings.offsets, self._strings.heap.view(_CODE)
        here = numbers >= 0
        starts = np.where(here, begins[numbers], 0).astype(np.int64) // _CODE.itemsize
        ends = np.where(here, begins[numbers + 1], 0).astype(np.int64) // _CODE.itemsize
        lengths = ends - starts
        offsets = np.append(0, np.cumsum(lengths))
        positions = np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], lengths)
        return offsets, codes[positions]
