"""Values of events, reduced to one value a row: row i has `values[offsets[i]:offsets[i+1]]`.

Each row is reduced by itself, in event order, so that its result does not depend on its neighbours.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T", np.int64, np.float64)
Offsets = NDArray[np.int64]
_LARGEST = np.iinfo(np.int64).max


def row_minimum(values: NDArray[T], offsets: Offsets, empty: float) -> NDArray[T]:
    """The least value of each row, (n,); `empty` where a row has none."""
    return _reduced(np.minimum, values, offsets, empty)


def row_maximum(values: NDArray[T], offsets: Offsets, empty: float) -> NDArray[T]:
    """The greatest value of each row, (n,); `empty` where a row has none."""
    return _reduced(np.maximum, values, offsets, empty)


def row_sum(values: NDArray[T], offsets: Offsets) -> NDArray[T]:
    """The sum of each row, (n,), added up in event order; 0 where a row has none.

    A sum of floats that is too large is infinite. One of integers is exact up to 2**62 and is the end of int64
    beyond.
    """
    rows = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    floats = np.bincount(rows, weights=values, minlength=len(offsets) - 1)
    if values.dtype.kind == "f":
        return np.asarray(floats, dtype=values.dtype)
    totals = np.concatenate(([0], np.cumsum(values)))  # may wrap around; a difference that fits is exact all the same
    exact = totals[offsets[1:]] - totals[offsets[:-1]]
    overflow = np.abs(floats) > float(2**62)
    return np.where(overflow, np.where(floats > 0, _LARGEST, -_LARGEST), exact) if overflow.any() else exact


def _reduced(function: np.ufunc, values: NDArray[T], offsets: Offsets, empty: float) -> NDArray[T]:
    starts = offsets[:-1]
    filled = starts < offsets[1:]
    result = np.full(len(starts), empty, dtype=values.dtype)
    if len(values):
        result[filled] = function.reduceat(values, starts[filled])
    return result
