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
from segmentd.population.stored_values import StoredValues, among_values
from segmentd.population.typed import Columns, Mask, Values

Relation = Callable[[Any, Any], Any]
SCALARS: Final = (Kind.NUMBER, Kind.MONEY, Kind.FLAG, Kind.DATE, Kind.INSTANT)
AMOUNTS: Final = (Kind.NUMBER, Kind.MONEY)


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


def related(found: Values[Any], relation: Relation, wanted: float) -> Mask:
    """Where there is a value that stands in this relation to `wanted`, which is one itself."""
    if isinstance(found, StoredValues):
        return found.related(relation, wanted)
    return np.asarray(relation(found.values, wanted) & found.present)


def _related(relation: Relation) -> Prepare:
    """The values that stand in this relation to the operand."""

    def prepare(kind: Kind, operand: Json, _ignore_case: bool) -> Test:
        wanted = stored(kind, operand)

        def member(columns: Columns, name: str) -> Mask:
            return related(values(columns, name, kind), relation, wanted)

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
        if isinstance(found, StoredValues):
            return found.between(low, high)
        return related(found, operator.ge, low) & (found.values <= high)

    return Lasting(member, lambda value: low <= value <= high)


def _in(kind: Kind, operands: list[Json], _ignore_case: bool) -> Test:
    wanted = stored_choices(kind, operands)

    def member(columns: Columns, name: str) -> Mask:
        return _among(values(columns, name, kind), wanted)

    return Lasting(member, frozenset(wanted.tolist()).__contains__)


def _among(found: Values[Any], wanted: NDArray[Any]) -> Mask:
    if isinstance(found, StoredValues):
        return found.among(wanted)
    return np.asarray(found.present & among_values(found.values, wanted))


def _not_in(kind: Kind, operands: list[Json], _ignore_case: bool) -> Test:
    wanted = stored_choices(kind, operands)

    def member(columns: Columns, name: str) -> Mask:
        found = values(columns, name, kind)
        return np.asarray(found.present & ~_among(found, wanted))

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
