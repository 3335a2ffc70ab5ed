"""A growable column of one kind: plain arrays with a value of their own for missing.

Texts that no position holds any more are forgotten when they are most of all, so that a value that changes all the
time (an address, a session) does not fill memory.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from segmentd.population.kinds import Kind, Stored
from segmentd.population.tagsets import TagSets
from segmentd.population.vocabulary import Vocabulary

MISSING_INT: Final = np.iinfo(np.int64).min
_DTYPES: Final = {
    Kind.NUMBER: (np.float64, np.nan),
    Kind.MONEY: (np.int64, MISSING_INT),
    Kind.FLAG: (np.int8, -1),
    Kind.TEXT: (np.int32, -1),
    Kind.DATE: (np.int64, MISSING_INT),
    Kind.INSTANT: (np.int64, MISSING_INT),
    Kind.TAGS: (np.int32, -1),
}


_SPARE: Final = 1024
"""So many texts or tag sets are not worth a clean-up."""


class Column:
    """Values by position. Text is kept as codes, tags as numbers of tag sets."""

    __slots__ = ("data", "kind", "missing", "tag_sets", "vocabulary")

    def __init__(self, kind: Kind, capacity: int) -> None:
        dtype, self.missing = _DTYPES[kind]
        self.kind = kind
        self.data: NDArray[np.generic] = np.full(capacity, self.missing, dtype=dtype)
        self.vocabulary = Vocabulary()
        self.tag_sets = TagSets()

    def grow(self, capacity: int) -> None:
        """Make room for `capacity` positions; the new ones are missing."""
        grown = np.full(capacity, self.missing, dtype=self.data.dtype)
        grown[: len(self.data)] = self.data
        self.data = grown

    def adopt(self, other: Column) -> None:
        """Take over the texts and tag sets of another column, to whose elements `data` is set next."""
        self.vocabulary, self.tag_sets = other.vocabulary, other.tag_sets

    def value(self, position: int) -> Any:
        """The value at one position, None where missing: float, int, bool, text, or a frozenset of tags."""
        element: Any = self.data.item(position)
        kind = self.kind
        if kind is Kind.TEXT:
            return self.vocabulary.texts[element] if element >= 0 else None
        if kind is Kind.NUMBER:
            return element if element == element else None  # noqa: PLR0124  (NaN is missing)
        if kind is Kind.FLAG:
            return element > 0 if element >= 0 else None
        if kind is Kind.TAGS:
            texts = self.vocabulary.texts
            return frozenset(texts[code] for code in self.tag_sets.codes(element)) if element >= 0 else None
        return element if element != MISSING_INT else None

    def code(self, value: Stored | None) -> float | int:
        """The element that stands for a stored value, or for missing. Store it in `data` before asking for another."""
        self.make_room()
        return self._code(value)

    def fresh_codes(self, values: list[Stored | None]) -> NDArray[np.generic]:
        """The same for many values at once."""
        self.make_room()
        return self.codes(values)

    def codes(self, values: list[Stored | None]) -> NDArray[np.generic]:
        """The elements for many values."""
        return np.array([self._code(value) for value in values], dtype=self.data.dtype)

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
        numbers = self.data.view(np.int32)
        used = np.unique(numbers[numbers >= 0])
        texts, self.vocabulary = self.vocabulary.texts, Vocabulary()
        if self.kind is Kind.TEXT:
            fresh = [self.vocabulary.add(texts[code]) for code in used.tolist()]
        else:
            offsets, codes = self.tag_sets.gather(used)
            self.tag_sets = TagSets()
            sets = [codes[low:high].tolist() for low, high in pairwise(offsets.tolist())]
            fresh = [self.tag_sets.add([self.vocabulary.add(texts[code]) for code in each]) for each in sets]
        table = np.full(int(used.max(initial=-1)) + 2, self.missing, dtype=np.int32)  # its last place serves -1
        table[used] = fresh
        self.data = table[numbers]
