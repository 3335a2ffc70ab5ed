"""Plain values by position, in arrays that only ever hold what was put there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from segmentd.population.column import MISSING_INT, Column
from segmentd.population.kinds import Kind, Stored

_CODED: Final = (Kind.TEXT, Kind.TAGS)
_MISSING: Final = {Kind.NUMBER: np.nan, Kind.FLAG: -1, Kind.TEXT: -1, Kind.TAGS: -1}


class Coded:
    """Numbers, dates and flags as they are; text and tags as places in `distinct`, which only grows."""

    def __init__(self, kind: Kind, size: int, distinct: Sequence[Stored] = ()) -> None:
        self.kind = kind
        self.missing = _MISSING.get(kind, MISSING_INT)
        dtype = np.float64 if kind is Kind.NUMBER else np.int64
        self.data: NDArray[Any] = np.full(size, self.missing, dtype=dtype)
        self.distinct = list(distinct)
        self._places = {value: place for place, value in enumerate(self.distinct)}

    def put(self, position: int, value: Stored | None) -> None:
        """Set one position; None is missing."""
        if value is None:
            self.data[position] = self.missing
        elif self.kind not in _CODED:
            self.data[position] = value
        else:
            self.data[position] = self._places.setdefault(value, len(self.distinct))
            if self.data[position] == len(self.distinct):
                self.distinct.append(value)

    def fill(self, column: Column, positions: NDArray[np.int64]) -> None:
        """Lay the values at these positions into a new column, from its first element on."""
        values = self.data[positions]
        if self.kind in _CODED:
            values = np.append(column.codes(list(self.distinct)), np.int32(-1))[values]
        column.put(slice(0, len(values)), values)

    def same(self, other: Coded) -> NDArray[np.bool_]:
        """Where both have the same value; `distinct` of one begins with that of the other."""
        return np.asarray(self.data.view(np.int64) == other.data.view(np.int64))

    def copy(self) -> Coded:
        """The values of now."""
        copied = Coded(self.kind, 0, self.distinct)
        copied.data = self.data.copy()
        return copied
