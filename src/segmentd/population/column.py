"""A growable column of one kind: plain arrays with a value of their own for missing.

Texts that no position holds any more are forgotten when they are most of all, so that a value that changes all the
time (an address, a session) does not fill memory.
"""

from __future__ import annotations

from math import copysign, inf
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from segmentd.population.kinds import Kind, Stored
from segmentd.population.tagsets import TagSets
from segmentd.population.vocabulary import Vocabulary
from segmentd.population.widths import FULL, MISSING_INT, absent_of, fitted, limits_of, narrowest, widened

__all__ = ["MISSING_INT", "Column"]

_SPARE: Final = 1024
"""So many texts or tag sets are not worth a clean-up."""
_FEW: Final = 12
"""So many elements are put one by one: less work than looking at them as an array."""


class Column:
    """Values by position. Text is kept as codes, tags as numbers of tag sets.

    `dtype` and `missing` are those of elements in full, which are put into the column; `data` has them as narrow as can
    be, with `absent` for missing (see `widths`). What widens it makes a new `data`; views keep the one that they have.
    """

    __slots__ = ("_limits", "absent", "data", "dtype", "kind", "missing", "tag_sets", "vocabulary")

    def __init__(self, kind: Kind, capacity: int) -> None:
        self.kind = kind
        self.dtype, self.missing = FULL[kind]
        dtype = narrowest(kind)
        self.data: NDArray[Any] = np.full(capacity, absent_of(kind, dtype), dtype=dtype)
        self._measure()
        self.vocabulary = Vocabulary()
        self.tag_sets = TagSets()

    @classmethod
    def holding(cls, kind: Kind, elements: NDArray[Any]) -> Column:
        """A column of exactly these elements (n,), in full; for what is judged once and then forgotten."""
        column = cls(kind, 0)
        column.data = elements
        column._measure()
        return column

    def grow(self, capacity: int) -> None:
        """Make room for `capacity` positions; the new ones are missing."""
        grown = np.full(capacity, self.absent, dtype=self.data.dtype)
        grown[: len(self.data)] = self.data
        self.data = grown

    def put(self, positions: NDArray[np.int64] | slice, elements: NDArray[Any]) -> None:
        """Set positions to elements in full, (n,)."""
        if len(elements) <= _FEW and isinstance(positions, np.ndarray):
            for position, element in zip(positions.tolist(), elements.tolist(), strict=True):
                self.put_one(position, element)
            return
        stored = fitted(self.kind, self.data.dtype, elements)
        if stored.dtype != self.data.dtype:
            self._widen(stored.dtype)
        self.data[positions] = stored

    def put_one(self, position: int, element: float) -> None:
        """Set one position to an element in full."""
        low, high = self._limits
        if not low <= element <= high or (self.kind is Kind.NUMBER and high < inf and not _is_whole(element)):
            if element != element or element == self.missing:  # noqa: PLR0124  (NaN)
                element = self.absent
            else:
                self._widen(fitted(self.kind, self.data.dtype, np.array([element], dtype=self.dtype)).dtype)
        self.data[position] = element

    def clear(self, positions: NDArray[np.int64] | slice | int) -> None:
        """Make positions missing."""
        self.data[positions] = self.absent

    def elements(self, positions: NDArray[np.int64] | slice) -> NDArray[Any]:
        """What stands at these positions, in full."""
        return widened(self.kind, self.data[positions], self.dtype)

    def _widen(self, width: np.dtype[Any]) -> None:
        self.data = widened(self.kind, self.data, width)
        self._measure()

    def _measure(self) -> None:
        self.absent = absent_of(self.kind, self.data.dtype)
        self._limits = limits_of(self.kind, self.data.dtype)

    def adopt(self, other: Column) -> None:
        """Take over the texts and tag sets of another column, whose elements are put here next."""
        self.vocabulary, self.tag_sets = other.vocabulary, other.tag_sets

    def value(self, position: int) -> Any:
        """The value at one position, None where missing: float, int, bool, text, or a frozenset of tags."""
        element: Any = self.data.item(position)
        kind = self.kind
        if kind is Kind.TEXT:
            return self.vocabulary.texts[element] if element >= 0 else None
        if kind is Kind.NUMBER:
            return float(element) if element == element and element != self.absent else None  # noqa: PLR0124  (NaN)
        if kind is Kind.FLAG:
            return element > 0 if element >= 0 else None
        if kind is Kind.TAGS:
            texts = self.vocabulary.texts
            return frozenset(texts[code] for code in self.tag_sets.codes(element)) if element >= 0 else None
        return element if element != self.absent else None

    def code(self, value: Stored | None) -> float | int:
        """The element that stands for a stored value, or for missing. Put it here before asking for another."""
        self.make_room()
        return self._code(value)

    def fresh_codes(self, values: list[Stored | None]) -> NDArray[np.generic]:
        """The same for many values at once."""
        self.make_room()
        return self.codes(values)

    def codes(self, values: list[Stored | None]) -> NDArray[np.generic]:
        """The elements for many values."""
        if self.kind is Kind.TEXT:
            return self.vocabulary.codes_of(values, _any)  # type: ignore[arg-type]
        return np.array([self._code(value) for value in values], dtype=self.dtype)

    def _code(self, value: Stored | None) -> float | int:
        if value is None:
            return float(self.missing) if self.kind is Kind.NUMBER else int(self.missing)
        if isinstance(value, str):
            return self.vocabulary.add(value)
        if isinstance(value, tuple):
            return self.tag_sets.add([self.vocabulary.add(tag) for tag in value])
        return value

    def make_room(self) -> None:
        """Forget texts or tag sets that no position holds, where they are most of all."""
        if max(len(self.vocabulary) if self.kind is Kind.TEXT else 0, len(self.tag_sets)) > 2 * len(self.data) + _SPARE:
            self._forget()

    def _forget(self) -> None:
        """Number anew the texts or tag sets that some position holds; views keep what they have."""
        numbers = self.data
        used = np.unique(numbers[numbers >= 0])
        if self.kind is Kind.TEXT:
            self.vocabulary = self.vocabulary.only(used)
        else:
            offsets, codes = self.tag_sets.gather(used)
            tags, places = np.unique(codes, return_inverse=True)
            self.vocabulary, self.tag_sets = self.vocabulary.only(tags), TagSets()
            self.tag_sets.restore(offsets, places.astype(np.int32))
        # Its last place serves -1. No number is greater than before.
        table = np.full(int(used.max(initial=-1)) + 2, self.absent, dtype=numbers.dtype)
        table[used] = np.arange(len(used))
        self.data = table[numbers]


def _any(_text: str) -> bool:
    return True


def _is_whole(number: float) -> bool:
    """Whether it is an integer; minus zero is none."""
    return number == int(number) and (number != 0 or copysign(1, number) > 0)
