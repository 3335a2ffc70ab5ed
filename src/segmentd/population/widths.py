"""The narrowest integers that hold all values of a column: a pass over them reads as little memory as can be.

Elements are what stands for values in full: float64, int64, and int32 for texts and tag sets. Stored is what a column
keeps: elements of the narrowest dtype of their kind that holds every one of them exactly, with one that stands for
missing below all others.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from segmentd.population.kinds import Kind

MISSING_INT: Final = np.iinfo(np.int64).min
_FLOAT: Final = np.dtype(np.float64)
_BYTE, _SHORT, _INT, _LONG = (np.dtype(each) for each in (np.int8, np.int16, np.int32, np.int64))
FULL: Final[dict[Kind, tuple[np.dtype[Any], float]]] = {
    Kind.NUMBER: (_FLOAT, np.nan),
    Kind.MONEY: (_LONG, MISSING_INT),
    Kind.FLAG: (_BYTE, -1),
    Kind.TEXT: (_INT, -1),
    Kind.DATE: (_LONG, MISSING_INT),
    Kind.INSTANT: (_LONG, MISSING_INT),
    Kind.TAGS: (_INT, -1),
}
"""The dtype of elements of each kind, and the one that stands for missing."""
_WIDTHS: Final[dict[Kind, tuple[np.dtype[Any], ...]]] = {
    Kind.NUMBER: (_BYTE, _SHORT, _INT, _FLOAT),
    Kind.MONEY: (_INT, _LONG),
    Kind.FLAG: (_BYTE,),
    Kind.TEXT: (_BYTE, _SHORT, _INT),
    Kind.DATE: (_SHORT, _INT, _LONG),
    Kind.INSTANT: (_LONG,),
    Kind.TAGS: (_BYTE, _SHORT, _INT),
}
_LARGEST: Final = {size: (1 << 8 * size - 1) - 1 for size in (1, 2, 4, 8)}
_FROM_ZERO: Final = frozenset((Kind.FLAG, Kind.TEXT, Kind.TAGS))


def narrowest(kind: Kind) -> np.dtype[Any]:
    """The dtype of a column that holds nothing."""
    return _WIDTHS[kind][0]


def absent_of(kind: Kind, dtype: np.dtype[Any]) -> Any:
    """What stands for missing in stored elements of this dtype: below all others, or not a number."""
    if dtype == _FLOAT:
        return np.nan
    return -1 if kind in _FROM_ZERO else -largest_of(dtype) - 1


def largest_of(dtype: np.dtype[Any]) -> int:
    """The largest integer of a dtype."""
    return _LARGEST[dtype.itemsize]


def limits_of(kind: Kind, dtype: np.dtype[Any]) -> tuple[float, float]:
    """The least and the largest element that a column of this dtype may hold, missing apart.

    Of numbers it holds only whole ones, and not minus zero, unless it is one of floats.
    """
    if dtype == _FLOAT:
        return -math.inf, math.inf
    return absent_of(kind, dtype) + (dtype != _LONG), largest_of(dtype)


def fitted(kind: Kind, dtype: np.dtype[Any], elements: NDArray[Any]) -> NDArray[Any]:
    """Elements in full (n,) as they are stored: in this dtype, or in the narrowest wider one that holds them."""
    widths = _WIDTHS[kind]
    if dtype == widths[-1]:
        return elements
    gone = None
    if kind is Kind.NUMBER:
        found = _whole(elements)
        if found is None:
            return elements
        elements, gone = found
    elif kind not in _FROM_ZERO and elements.min(initial=0) == MISSING_INT:
        gone = elements == MISSING_INT
    width = _narrowest(kind, dtype, elements if gone is None else elements[~gone])
    stored = elements.astype(width)
    if gone is not None:
        stored[gone] = absent_of(kind, width)
    return stored


def widened(kind: Kind, stored: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Stored elements (n,) as those of a wider dtype; the same array where it has that one."""
    if stored.dtype == dtype:
        return stored
    found = stored.astype(dtype)
    if kind not in _FROM_ZERO:
        found[stored == absent_of(kind, stored.dtype)] = absent_of(kind, dtype)
    return found


def _narrowest(kind: Kind, dtype: np.dtype[Any], elements: NDArray[Any]) -> np.dtype[Any]:
    """The narrowest dtype from `dtype` on that holds these integers, none of which is missing, texts apart."""
    widths = _WIDTHS[kind]
    low, high = elements.min(initial=0), elements.max(initial=0)
    for width in widths[widths.index(dtype) : -1]:
        if low > -largest_of(width) - 1 and high <= largest_of(width):
            return width
    return widths[-1]


def _whole(numbers: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.bool_] | None] | None:
    """Numbers as int32, and which are missing, if any; None where one is not whole, too large, or minus zero."""
    with np.errstate(invalid="ignore"):  # what is not a number, or too large, becomes anything
        whole = numbers.astype(np.int32)
    same, gone = whole == numbers, None
    if not same.all():
        gone = np.isnan(numbers)
        if not (same | gone).all():
            return None
    negative = np.signbit(numbers)
    if negative.any():
        if gone is not None:
            negative &= ~gone
        if (negative & ((whole == 0) | (whole == -largest_of(_INT) - 1))).any():
            return None
    return whole, gone
