"""Many JSON values of one kind as the elements of a column: the same as `encode` and `Column.code` one by one.

A value that is missing or of another kind is missing in the column. Each kind has a way for whole batches, taken only
where every value has the type that it is made for; all others are encoded one by one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from segmentd.population.column import MISSING_INT, Column
from segmentd.population.kinds import MAX_TEXT, MONEY_UNIT, Json, Kind, Stored, encode
from segmentd.times import MAX_INSTANT, MIN_INSTANT

Elements = NDArray[np.generic]
_NONE: Final = type(None)
_NUMBERS: Final = frozenset((int, float, _NONE))
_EXACT_MONEY: Final = 1e8
"""Below this a float times a million is off by less than a fiftieth."""
_UTC_INSTANT: Final = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
"""NumPy would take more for an instant than `parse_instant` does."""


def elements(column: Column, values: Sequence[Json], rates: Sequence[str | None] | None = None) -> Elements:
    """The elements of `column` that stand for these values, in full (n,); missing where None or wrong.

    `rates` are those by which money was converted, as decimal text. No text is forgotten, so that elements may wait
    for others before they are stored; call `Column.make_room` before, where those of earlier values are stored already.
    """
    rated = column.kind is Kind.MONEY and rates is not None and any(rates)
    if not rated:
        found = _WAYS[column.kind](column, values, set(map(type, values)))
        if found is not None:
            return found
    each_rate: Sequence[str | None] = rates if rated and rates is not None else [None] * len(values)
    return column.codes([stored(column.kind, value, rate) for value, rate in zip(values, each_rate, strict=True)])


def stored(kind: Kind, value: Json, rate: str | None = None) -> Stored | None:
    """One value in stored form; None where it is missing or of another kind."""
    if value is None:
        return None
    try:
        return encode(kind, value, Decimal(rate) if rate is not None else None)
    except ValueError:
        return None


def _numbers(_: Column, values: Sequence[Json], types: set[type]) -> Elements | None:
    if not types <= _NUMBERS:
        return None
    try:
        found = np.array(values, dtype=np.float64)  # None becomes NaN
    except OverflowError:
        return None
    found[np.isinf(found)] = np.nan
    return found


def _money(_: Column, values: Sequence[Json], types: set[type]) -> Elements | None:
    """Amounts of up to six decimals; whichever might be closer to a half than a float can tell is left to Decimal."""
    if not types <= _NUMBERS:
        return None
    try:
        amounts = np.array(values, dtype=np.float64)
    except OverflowError:
        return None
    missing = np.isnan(amounts)
    far = ~(np.abs(amounts) < _EXACT_MONEY)
    scaled = np.where(far, 0.0, amounts) * MONEY_UNIT
    rounded = np.rint(scaled)
    found = np.where(missing, MISSING_INT, 0)
    near = far | (np.abs(scaled - rounded) > 0.4)
    sure = ~missing & ~near
    found[sure] = rounded[sure].astype(np.int64)
    for place in np.flatnonzero(near & ~missing).tolist():
        amount = stored(Kind.MONEY, values[place])
        found[place] = MISSING_INT if amount is None else amount
    return found


def _flags(_: Column, values: Sequence[Json], types: set[type]) -> Elements | None:
    if not types <= {bool, _NONE}:
        return None
    return np.fromiter(map({None: -1, False: 0, True: 1}.__getitem__, values), np.int8, len(values))  # type: ignore[arg-type]


def _texts(column: Column, values: Sequence[Json], types: set[type]) -> Elements | None:
    if not types <= {str, _NONE}:
        return None
    return column.vocabulary.codes_of(values, lambda text: len(text) <= MAX_TEXT)  # type: ignore[arg-type]


def _days(column: Column, values: Sequence[Json], types: set[type]) -> Elements | None:
    return _by_distinct(column, values) if types <= {str, _NONE} else None


def _instants(column: Column, values: Sequence[Json], types: set[type]) -> Elements | None:
    if not types <= {str, _NONE}:
        return None
    texts: list[str] = [value for value in values if isinstance(value, str)]
    try:
        parsed = _utc_instants(texts)
    except ValueError:
        return _by_distinct(column, values)
    found = np.full(len(values), MISSING_INT, dtype=np.int64)
    here = np.ones(len(values), dtype=np.bool_) if _NONE not in types else np.array([v is not None for v in values])
    found[here] = parsed
    return found


def _utc_instants(texts: list[str]) -> NDArray[np.int64]:
    """Instants written as 2026-11-21T10:00:00Z, all of them. Raises ValueError where one is not."""
    if not all(map(_UTC_INSTANT.fullmatch, texts)):
        raise ValueError("another form")
    found = np.array([text[:19] for text in texts], dtype="datetime64[us]").view(np.int64)
    if not bool(((found >= MIN_INSTANT) & (found <= MAX_INSTANT)).all()):
        raise ValueError("outside of what is kept")
    return found


def _tags(column: Column, values: Sequence[Json], types: set[type]) -> Elements | None:
    if not types <= {list, _NONE}:
        return None
    try:
        keys = [None if value is None else tuple(value) for value in values]  # type: ignore[arg-type]
        distinct = dict.fromkeys(keys)
    except TypeError:  # something in a list that is no text
        return None
    if not all(key is None or all(type(tag) is str for tag in key) for key in distinct):
        return None  # 1 and true are one key
    return _looked_up(column, keys, {key: None if key is None else list(key) for key in distinct})


def _by_distinct(column: Column, values: Sequence[Json]) -> Elements:
    return _looked_up(column, values, dict(zip(values, values, strict=True)))


def _looked_up(column: Column, keys: Sequence[Any], distinct: dict[Any, Any]) -> Elements:
    """Each distinct value encoded once; vocabularies grow in the order in which values come."""
    codes = column.codes([stored(column.kind, value) for value in distinct.values()])
    table = dict(zip(distinct, codes.tolist(), strict=True))
    return np.fromiter(map(table.__getitem__, keys), column.dtype, len(keys))


_WAYS: Final[dict[Kind, Callable[[Column, Sequence[Json], set[type]], Elements | None]]] = {
    Kind.NUMBER: _numbers,
    Kind.MONEY: _money,
    Kind.FLAG: _flags,
    Kind.TEXT: _texts,
    Kind.DATE: _days,
    Kind.INSTANT: _instants,
    Kind.TAGS: _tags,
}
