"""A verdict whose horizons are worked out when somebody asks for them: whoever only counts members never does."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from segmentd.population.verdict import Verdict, held_where
from segmentd.times import Instants

HorizonsOf: TypeAlias = Callable[[NDArray[np.bool_] | None], Instants]
"""The horizons of the rows of a mask bool (n,), of all of them for None; int64 (n,), FOREVER elsewhere."""


class Deferred(Verdict):
    """A verdict on n rows; its horizons have to be asked for before anything is written about them again."""

    __slots__ = ("_found", "_horizons_of")
    _found: Instants | None
    _horizons_of: HorizonsOf

    def __init__(self, member: NDArray[np.bool_], horizons_of: HorizonsOf) -> None:
        object.__setattr__(self, "member", member)
        object.__setattr__(self, "_horizons_of", horizons_of)
        object.__setattr__(self, "_found", None)

    @property
    def holds_until(self) -> Instants:
        """The horizons, int64 (n,); worked out once."""
        found = self._found
        if found is None:
            found = self._horizons_of(None)
            object.__setattr__(self, "_found", found)
        return found

    @property
    def lasting(self) -> bool:
        """Nobody knows yet."""
        return False

    def __invert__(self) -> Verdict:
        return type(self)(~self.member, self.horizons_of)

    def where(self, mask: NDArray[np.bool_]) -> Verdict:
        """The same where the mask bool (n,) is true; false for ever elsewhere."""
        return type(self)(self.member & mask, lambda rows: self.horizons_of(mask if rows is None else mask & rows))

    def horizons_of(self, rows: NDArray[np.bool_] | None) -> Instants:
        """The horizons of the rows of a mask bool (n,), of all of them for None; int64 (n,), FOREVER elsewhere."""
        if self._found is None and rows is not None:
            return self._horizons_of(rows)
        return self.holds_until if rows is None else held_where(rows, self.holds_until)


class Claimed(Deferred):
    """A deferred verdict of a segment type, whose horizons nobody has checked yet."""

    __slots__ = ()


def deferred(member: NDArray[np.bool_], horizons: Callable[[], Instants]) -> Verdict:
    """A verdict on n rows whose `holds_until` int64 (n,) is worked out if somebody asks for it: a count does not."""
    return Claimed(member, lambda rows: horizons() if rows is None else held_where(rows, horizons()))
