"""Operators on values that are one number each: numbers, money, flags, dates and instants."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from segmentd.conditions.prepared import Family, Lasting, OperandFault, Prepare, Test, values
from segmentd.population.kinds import Json, Kind, encode
from segmentd.population.stored_values import StoredValues
from segmentd.population.typed import Columns, Mask, Values

Relation = Callable[[Any, Any], Any]
_FEW: Final = 8
_FALSE_FOR_LEAST: Final = frozenset((operator.eq, operator.gt, operator.ge))
_FALSE_FOR_NAN: Final = _FALSE_FOR_LEAST | {operator.lt, operator.le}
"""Relations that do not hold for what is stored where a value is missing: see `StoredValues`."""
SCALARS: Final = (Kind.NUMBER, Kind.MONEY, Kind.FLAG, Kind.DATE, Kind.INSTANT)
AMOUNTS: Final = (Kind.NUMBER, Kind.MONEY)


def among_values(found: NDArray[Any], wanted: NDArray[Any]) -> Mask:
    """Where `found` is one of the sorted, distinct `wanted`: comparisons for a few, a binary search for many."""
    if len(wanted) > _FEW:
        places = np.minimum(np.searchsorted(wanted, found), len(wanted) - 1)
        return np.asarray(wanted[places] == found)
    member = np.asarray(found == wanted[0])
    for each in wanted[1:]:
        member |= found == each
    return member


def stored(kind: Kind, operand: Json) -> float | int:
    """An operand as columns hold it: money in micro-units, dates in days, instants in microseconds."""
    encoded = encode(kind, operand)
    if isinstance(encoded, str | tuple):
        raise ValueError(f"{kind} has no single values")  # noqa: TRY004
    return encoded


def stored_choices(kind: Kind, operands: list[Json]) -> NDArray[Any]:
    """Sorted, distinct operands as columns hold them. Raises OperandFault at the first that does not fit."""
    encoded = []
    for place, operand in enumerate(operands):
        try:
            encoded.append(stored(kind, operand))
        except ValueError as error:
            raise OperandFault((place,), str(error)) from None
    return np.unique(np.array(encoded, dtype=np.float64 if kind is Kind.NUMBER else np.int64))


def raw(found: Values[Any]) -> NDArray[Any]:
    """The values as they are stored, where they are."""
    return found.stored if isinstance(found, StoredValues) else found.values


def related(found: Values[Any], relation: Relation, wanted: float, kind: Kind) -> Mask:
    """Where there is a value that stands in this relation to `wanted`, which is one itself."""
    member = np.asarray(relation(raw(found), wanted))
    if isinstance(found, StoredValues) and relation in (_FALSE_FOR_NAN if kind is Kind.NUMBER else _FALSE_FOR_LEAST):
        return member
    return member & found.present


def _related(relation: Relation) -> Prepare:
    """The values that stand in this relation to the operand."""

    def prepare(kind: Kind, operand: Json, _ignore_case: bool) -> Test:
        wanted = stored(kind, operand)

        def member(columns: Columns, name: str) -> Mask:
            return related(values(columns, name, kind), relation, wanted, kind)

        return Lasting(member, partial(_MIRRORED[relation], wanted))

    return prepare


_MIRRORED: Final[dict[Relation, Relation]] = {
    operator.eq: operator.eq,
    operator.ne: operator.ne,
    operator.gt: operator.lt,
    operator.ge: operator.le,
    operator.lt: operator.gt,
    operator.le: operator.ge,
}
"""`a > b` is `b < a`."""


def _between(kind: Kind, operand: list[Json], _ignore_case: bool) -> Test:
    low, high = (stored(kind, each) for each in operand)

    def member(columns: Columns, name: str) -> Mask:
        found = values(columns, name, kind)
        return related(found, operator.ge, low, kind) & (raw(found) <= high)

    return Lasting(member, lambda value: low <= value <= high)


def _in(kind: Kind, operands: list[Json], _ignore_case: bool) -> Test:
    wanted = stored_choices(kind, operands)

    def member(columns: Columns, name: str) -> Mask:
        found = values(columns, name, kind)
        if isinstance(found, StoredValues):
            return among_values(found.stored, wanted)
        return np.asarray(found.present & among_values(found.values, wanted))

    return Lasting(member, frozenset(wanted.tolist()).__contains__)


def _not_in(kind: Kind, operands: list[Json], _ignore_case: bool) -> Test:
    wanted = stored_choices(kind, operands)

    def member(columns: Columns, name: str) -> Mask:
        found = values(columns, name, kind)
        return np.asarray(found.present & ~among_values(found.values, wanted))

    unwanted = frozenset(wanted.tolist())
    return Lasting(member, lambda value: value not in unwanted)


COMPARISONS: Family = {
    "equals": dict.fromkeys(SCALARS, _related(operator.eq)),
    "not_equals": dict.fromkeys(SCALARS, _related(operator.ne)),
    "in": dict.fromkeys(SCALARS, _in),
    "not_in": dict.fromkeys(SCALARS, _not_in),
    "above": dict.fromkeys(AMOUNTS, _related(operator.gt)),
    "at_least": dict.fromkeys(AMOUNTS, _related(operator.ge)),
    "below": dict.fromkeys(AMOUNTS, _related(operator.lt)),
    "at_most": dict.fromkeys(AMOUNTS, _related(operator.le)),
    "between": dict.fromkeys(AMOUNTS, _between),
    "before": dict.fromkeys((Kind.DATE, Kind.INSTANT), _related(operator.lt)),
    "after": dict.fromkeys((Kind.DATE, Kind.INSTANT), _related(operator.gt)),
}
