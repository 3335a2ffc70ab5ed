"""Typed columns as segment types read them: arrays that cannot be written, with presence apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from segmentd.population.kinds import Kind
from segmentd.population.vocabulary import Vocabulary

T = TypeVar("T", np.float64, np.int64, np.bool_)
Mask = NDArray[np.bool_]
_COMPARED: Final = {1: 24, 2: 12, 4: 4}
"""Codes of so many bytes are compared with so many of them; more are looked up in a table."""


class Values(Generic[T]):
    """One value a row. Where `present` is false the value is arbitrary: combine every answer with `present`."""

    __slots__ = ("_present", "_values")

    def __init__(self, values: NDArray[T], present: Mask) -> None:
        self._values: NDArray[T] | None = values
        self._present: Mask | None = present

    @property
    def values(self) -> NDArray[T]:
        """The values, (n,)."""
        return np.asarray(self._values)

    @property
    def present(self) -> Mask:
        """Where there is a value, bool (n,)."""
        return np.asarray(self._present)


class Category:
    """Text as `codes` int32 (n,) into a vocabulary; -1 is missing."""

    __slots__ = ("_codes", "_stored", "vocabulary")

    def __init__(self, codes: NDArray[Any], vocabulary: Vocabulary) -> None:
        """`codes` are int8, int16 or int32."""
        self._stored = codes
        self._codes: NDArray[np.int32] | None = codes if codes.dtype == np.int32 else None
        self.vocabulary = vocabulary

    @property
    def codes(self) -> NDArray[np.int32]:
        """The code of each row, int32 (n,)."""
        found = self._codes
        if found is None:
            found = self._codes = self._stored.astype(np.int32)
            found.flags.writeable = False
        return found

    @property
    def present(self) -> Mask:
        return np.asarray(self._stored >= 0)

    def equals(self, text: str) -> Mask:
        """Where the text is exactly this one."""
        return np.asarray(self._stored == self.vocabulary.find(text))

    def isin(self, texts: Iterable[str]) -> Mask:
        """Where the text is one of these."""
        return among(self._stored, self.vocabulary.find_all(texts))

    def where(self, predicate: Callable[[str], bool]) -> Mask:
        """Where the text satisfies `predicate`, which is called once for each distinct text of the rows."""
        return among(self._stored, accepted(self._stored, self.vocabulary, predicate))

    def texts(self) -> list[str | None]:
        """The text of each row, None where missing."""
        texts = self.vocabulary.texts
        return [texts[code] if code >= 0 else None for code in self._stored.tolist()]


@dataclass(frozen=True, slots=True, eq=False)
class Tags:
    """A set of texts a row: row i has `codes[offsets[i]:offsets[i+1]]`, int32, distinct.

    An empty set is present; a missing one is not.
    """

    offsets: NDArray[np.int64]
    codes: NDArray[np.int32]
    present: Mask
    vocabulary: Vocabulary

    @property
    def sizes(self) -> NDArray[np.int64]:
        """How many tags each row has, int64 (n,); 0 where missing."""
        return np.diff(self.offsets)

    def count_in(self, texts: Iterable[str]) -> NDArray[np.int64]:
        """How many of these texts each row has, int64 (n,)."""
        return self.count_codes(self.vocabulary.find_all(set(texts)))

    def count_codes(self, wanted: Iterable[int]) -> NDArray[np.int64]:
        """How many of these codes each row has, int64 (n,)."""
        totals = np.concatenate(([0], np.cumsum(among(self.codes, list(wanted)))))
        return np.asarray(totals[self.offsets[1:]] - totals[self.offsets[:-1]], dtype=np.int64)

    def sets(self) -> list[frozenset[str] | None]:
        """The tags of each row, None where missing."""
        texts, codes, bounds = self.vocabulary.texts, self.codes.tolist(), self.offsets.tolist()
        return [
            frozenset(texts[code] for code in codes[low:high]) if here else None
            for low, high, here in zip(bounds, bounds[1:], self.present.tolist(), strict=False)
        ]


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Coordinates in degrees, float64 (n,); `present` where both are there."""

    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    present: Mask


class Columns(Protocol):
    """Named columns over the same rows: a user's attributes, or the properties of events.

    A name that nobody has a value for is missing everywhere, whatever kind is asked for; a known one is given
    only as its own kind (anything else raises PluginBroken: ask `kind` first). `only` gives the columns of
    some of the rows, by their places int64 (k,).
    """

    def __len__(self) -> int: ...
    def kind(self, name: str) -> Kind | None: ...
    def number(self, name: str) -> Values[np.float64]: ...
    def money(self, name: str) -> Values[np.int64]: ...
    def flag(self, name: str) -> Values[np.bool_]: ...
    def category(self, name: str) -> Category: ...
    def date(self, name: str) -> Values[np.int64]: ...
    def instant(self, name: str) -> Values[np.int64]: ...
    def tags(self, name: str) -> Tags: ...
    def place(self, name: str) -> Place: ...
    def only(self, places: NDArray[np.int64]) -> Columns: ...


class Events(Columns, Protocol):
    """The visible events of one name: those of row i are at [offsets[i], offsets[i+1]), oldest first.

    `times` int64 (m,) in microseconds UTC; equal times stand in order of arrival. Property columns have length m.
    """

    @property
    def offsets(self) -> NDArray[np.int64]: ...
    @property
    def times(self) -> NDArray[np.int64]: ...
    @property
    def rows(self) -> NDArray[np.int64]: ...


class Population(Columns, Protocol):
    """The read-only view of n users, each at an instant of its own, that a segment type judges.

    `named` tells which of them have one of these ids, `listed` which are in the user list of this name.
    """

    def user_ids(self) -> list[str]: ...
    def named(self, ids: frozenset[str]) -> Mask: ...
    def listed(self, name: str) -> Mask: ...
    def events(self, name: str) -> Events: ...


def among(codes: NDArray[Any], wanted: list[int]) -> Mask:
    """Where `codes`, int8, int16 or int32, is one of `wanted`: comparisons for a few, a table for many."""
    most = int(np.iinfo(codes.dtype).max)
    wanted = [code for code in wanted if code <= most]
    if not wanted:
        return np.zeros(len(codes), dtype=np.bool_)
    if len(wanted) <= _COMPARED[codes.dtype.itemsize]:
        return _any_of(codes, wanted)
    if len(codes) < 64:
        return np.isin(codes, wanted)
    table = np.zeros(max(wanted) + 2, dtype=np.bool_)  # its last place is false and serves -1 too
    table[wanted] = True
    return np.asarray(table[codes if len(table) > most else np.minimum(codes, len(table) - 1)])


def _any_of(codes: NDArray[Any], wanted: list[int]) -> Mask:
    found = np.asarray(codes == wanted[0])
    for code in wanted[1:]:
        found |= codes == code
    return found


def accepted(codes: NDArray[Any], vocabulary: Vocabulary, predicate: Callable[[str], bool]) -> list[int]:
    """Those of the distinct codes present whose text satisfies `predicate`."""
    present = codes[codes >= 0]
    if len(present) > len(vocabulary):
        distinct = np.flatnonzero(np.bincount(present, minlength=len(vocabulary)))
    else:
        distinct = np.unique(present)
    wanted: list[int] = distinct.tolist()
    return [code for code, text in zip(wanted, vocabulary.texts_of(wanted), strict=True) if predicate(text)]
