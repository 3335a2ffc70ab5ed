"""Marked events, counted and found by words of 64 of them: several times as fast as by running sums of each event."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from segmentd.population.typed import Mask

Int64s = NDArray[np.int64]
Words = NDArray[np.uint64]
_ONE: Final = np.uint64(1)
_LAST: Final = np.uint64(63)


class Marks:
    """Which of m events are marked. Of 64 events in a word the first is the highest bit."""

    def __init__(self, marked: Mask) -> None:
        packed = np.zeros((len(marked) // 64 + 2) * 8, dtype=np.uint8)  # a word of none before them, and behind them
        packed[8 : 8 + -(-len(marked) // 8)] = np.packbits(marked)
        self._words: Words = packed.view(">u8").astype(np.uint64)
        counts = np.bitwise_count(self._words[1:]).astype(np.int64)
        self._before = np.cumsum(counts) - counts

    def before(self, places: Int64s) -> Int64s:
        """How many of the marked come before each of these places from 0 to m, int64 (n,)."""
        words = places >> 6
        found = self._words[1:].take(words)
        found >>= _ONE
        found >>= _LAST - (places & 63).view(np.uint64)
        before = self._before.take(words)
        before += np.bitwise_count(found)
        return before

    def newest(self, ends: Int64s, numbers: Int64s) -> Int64s:
        """The place of the last (number 1), last but one (2), ... marked event before each end, int64 (k,).

        There is one for each.
        """
        result = np.empty(len(ends), dtype=np.int64)
        open_ones = np.arange(len(ends))
        while len(open_ones):
            bits = self._until(ends)
            found = np.bitwise_count(bits)
            here = np.flatnonzero(found >= numbers)
            if len(here) == len(ends):
                result[open_ones] = _nth(bits, ends, numbers)
                break
            result[open_ones[here]] = _nth(bits[here], ends[here], numbers[here])
            further = np.flatnonzero(found < numbers)
            numbers = numbers[further] - found[further]
            ends, open_ones = ends[further] - 64, open_ones[further]
        return result

    def _until(self, ends: Int64s) -> Words:
        """The 64 events before each end, of which there is one; the last of them is the lowest bit."""
        last = ends - 1
        words = last >> 6
        unwanted = _LAST - (last & 63).view(np.uint64)
        earlier = self._words.take(words)
        earlier <<= _ONE
        earlier <<= _LAST - unwanted
        bits = self._words[1:].take(words)
        bits >>= unwanted
        bits |= earlier
        return bits


def _nth(bits: Words, ends: Int64s, numbers: Int64s) -> Int64s:
    """The places of the bits with these numbers, from the lowest one, which stands just before `ends`."""
    for number in range(1, int(numbers.max(initial=0))):
        without = bits & (bits - _ONE)
        bits = without if (numbers > number).all() else np.where(numbers > number, without, bits)
    return np.asarray(ends - 1 - np.bitwise_count(~bits & (bits - _ONE)))
