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
Elements = NDArray[np.generic]
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
_FROM_ZERO: Final = frozenset((Kind.FLAG, Kind.TEXT, Kind.TAGS))


def narrowest(kind: Kind) -> np.dtype[Any]:
    """The dtype of a column that holds nothing."""
    return _WIDTHS[kind][0]


def absent_of(kind: Kind, dtype: np.dtype[Any]) -> Any:
    """What stands for missing in stored elements of this dtype: below all others, or not a number."""
    if dtype == _FLOAT:
        return np.nan
    return -1 if kind in _FROM_ZERO else int(np.iinfo(dtype).min)


def width_for(kind: Kind, dtype: np.dtype[Any], elements: Elements) -> np.dtype[Any]:
    """The narrowest dtype that holds the elements (n,), missing ones too; `dtype` or a wider one."""
    widths = _WIDTHS[kind]
    if dtype == widths[-1]:
        return dtype
    if kind is Kind.NUMBER:
        whole = _whole(elements)
        if whole is None:
            return _FLOAT
        elements = whole
    here = elements != MISSING_INT if elements.dtype == _LONG else None
    high = elements.max(initial=0) if len(elements) else 0
    low = elements.min(initial=0, where=True if here is None else here)
    for width in widths[widths.index(dtype) : -1]:
        limits = np.iinfo(width)
        if low > limits.min and high <= limits.max:
            return width
    return widths[-1]


def narrowed(kind: Kind, dtype: np.dtype[Any], elements: Elements) -> Elements:
    """The elements (n,) as they are stored in this dtype, which holds them."""
    if elements.dtype == dtype:
        return elements
    full, missing = FULL[kind]
    if kind in _FROM_ZERO:
        return elements.astype(dtype)
    gone = np.isnan(elements) if full == _FLOAT else elements == missing
    if not gone.any():
        return elements.astype(dtype)
    stored = np.where(gone, 0, elements).astype(dtype)
    stored[gone] = absent_of(kind, dtype)
    return stored


def widened(kind: Kind, stored: Elements, dtype: np.dtype[Any]) -> Elements:
    """Stored elements (n,) as those of a wider dtype; the same array where it has that one."""
    if stored.dtype == dtype:
        return stored
    found = stored.astype(dtype)
    if kind not in _FROM_ZERO:
        found[stored == absent_of(kind, stored.dtype)] = absent_of(kind, dtype)
    return found


def holds(kind: Kind, dtype: np.dtype[Any], element: float) -> bool:
    """Whether a column of this dtype holds one element, which is not missing."""
    if dtype == _WIDTHS[kind][-1]:
        return True
    limits = np.iinfo(dtype)
    if not limits.min < element <= limits.max:
        return False
    return kind is not Kind.NUMBER or (element == int(element) and (element != 0 or math.copysign(1, element) > 0))


def _whole(numbers: NDArray[Any]) -> NDArray[Any] | None:
    """Numbers as int64, the least one for what is missing; None where some is not a whole one that int32 holds.

    Minus zero is none.
    """
    here = numbers == numbers  # noqa: PLR0124  (NaN)
    if not (np.abs(numbers) < 2**31).all(where=here):
        return None
    whole = np.where(here, numbers, 0).astype(np.int64)
    if not np.equal(whole, numbers).all(where=here) or np.signbit(numbers[(whole == 0) & here]).any():
        return None
    whole[~here] = MISSING_INT
    return whole
