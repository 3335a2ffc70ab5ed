"""Values as a column stores them: what is asked of them is worked out when it is asked for."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from segmentd.population.kinds import Kind
from segmentd.population.typed import Mask, Values
from segmentd.population.widths import absent_of, largest_of

Relation = Callable[[Any, Any], Any]
_NONE_FOR_MISSING: Final = frozenset((operator.eq, operator.gt, operator.ge, operator.lt, operator.le))
"""Relations that do not hold between what is not a number and a value."""
_FEW: Final = 8


def among_values(found: NDArray[Any], wanted: NDArray[Any]) -> Mask:
    """Where `found` is one of the sorted, distinct `wanted`: comparisons for a few, a binary search for many."""
    if len(wanted) > _FEW:
        places = np.minimum(np.searchsorted(wanted, found), len(wanted) - 1)
        return np.asarray(wanted[places] == found)
    member = np.asarray(found == wanted[0])
    for each in wanted[1:]:
        member |= found == each
    return member


class StoredValues(Values[Any]):
    """`stored` (n,) as the column has it, missing included; `values` and `present` follow from it."""

    __slots__ = ("_absent", "_kind", "stored")

    def __init__(self, kind: Kind, stored: NDArray[Any]) -> None:
        self._values = self._present = None
        self._kind = kind
        self._absent = absent_of(kind, stored.dtype)
        self.stored = stored

    @property
    def present(self) -> Mask:
        """Where there is a value, bool (n,)."""
        found = self._present
        if found is None:
            stored = self.stored
            found = self._present = np.asarray(
                stored == stored if stored.dtype.kind == "f" else stored > self._absent  # noqa: PLR0124  (NaN)
            )
            found.flags.writeable = False
        return found

    @property
    def values(self) -> NDArray[Any]:
        """The values; 0 where an integer is missing, so that arithmetic cannot leave its range."""
        found = self._values
        if found is None:
            found = self._values = self._worked_out()
            found.flags.writeable = False
        return found

    def related(self, relation: Relation, wanted: float) -> Mask:
        """Where there is a value that stands in this relation of `operator` to `wanted`, a finite number."""
        stored = self.stored
        if stored.dtype.kind == "f":
            found = np.asarray(relation(stored, wanted))
            return found if relation in _NONE_FOR_MISSING else found & self.present
        match relation:
            case operator.gt | operator.ge:
                return self._above(math.floor(wanted) if relation is operator.gt else math.ceil(wanted) - 1)
            case operator.lt | operator.le:
                return self.present & self._up_to(
                    math.ceil(wanted) - 1 if relation is operator.lt else math.floor(wanted)
                )
            case operator.eq:
                return self._is(wanted)
            case _:
                return np.asarray(self.present & ~self._is(wanted))

    def between(self, low: float, high: float) -> Mask:
        """Where there is a value from `low` to `high`, both included."""
        if self.stored.dtype.kind == "f":
            return np.asarray((self.stored >= low) & (self.stored <= high))
        return self._above(math.ceil(low) - 1) & self._up_to(math.floor(high))

    def among(self, wanted: NDArray[Any]) -> Mask:
        """Where the value is one of the sorted, distinct `wanted`, elements in full; one at least."""
        dtype = self.stored.dtype
        if wanted.dtype != dtype:
            held = (wanted > self._absent) & (wanted <= largest_of(dtype)) & (wanted == np.floor(wanted))
            wanted = wanted[held].astype(dtype)
        return among_values(self.stored, wanted) if len(wanted) else self._none()

    def _above(self, limit: int) -> Mask:
        """Where an integer is greater than this."""
        if limit >= largest_of(self.stored.dtype):
            return self._none()
        return np.asarray(self.stored > max(limit, self._absent))

    def _up_to(self, limit: int) -> Mask:
        """Where an integer is not greater than this, or missing."""
        if limit < self._absent:
            return self._none()
        return np.asarray(self.stored <= min(limit, largest_of(self.stored.dtype)))

    def _is(self, wanted: float) -> Mask:
        """Where an integer is this one."""
        if not self._absent < wanted <= largest_of(self.stored.dtype) or wanted != int(wanted):
            return self._none()
        return np.asarray(self.stored == int(wanted))

    def _none(self) -> Mask:
        return np.zeros(len(self.stored), dtype=np.bool_)

    def _worked_out(self) -> NDArray[Any]:
        stored, kind = self.stored, self._kind
        if kind is Kind.FLAG:
            return np.asarray(stored > 0)
        if kind is Kind.NUMBER:
            return stored if stored.dtype.kind == "f" else np.asarray(np.where(self.present, stored, np.nan))
        if not self.present.all():
            return np.asarray(np.multiply(stored, self.present, dtype=np.int64))
        return stored if stored.dtype == np.int64 else stored.astype(np.int64)
