"""A growable column of one kind: plain arrays with a value of their own for missing."""

from __future__ import annotations

from typing import Final

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

    def code(self, value: Stored | None) -> float | int:
        """The element that stands for a stored value, or for missing."""
        if value is None:
            return float(self.missing) if self.kind is Kind.NUMBER else int(self.missing)
        if isinstance(value, str):
            return self.vocabulary.add(value)
        if isinstance(value, tuple):
            return self.tag_sets.add([self.vocabulary.add(tag) for tag in value])
        return value

    def codes(self, values: list[Stored | None]) -> NDArray[np.generic]:
        """The elements for many values."""
        return np.array([self.code(value) for value in values], dtype=self.data.dtype)
