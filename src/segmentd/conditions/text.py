"""Operators on text: each distinct text of the rows is looked at once."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from segmentd.conditions.prepared import Family, Lasting, OperandFault, Prepare, Test
from segmentd.conditions.regex import searcher
from segmentd.conditions.versions import Version, parse_version
from segmentd.population.kinds import Json, Kind
from segmentd.population.typed import Category, Columns, Mask

Accepts = Callable[[str], bool]


def accepting(accepts: Accepts) -> Test:
    """The rows whose text is accepted."""
    return Lasting(lambda columns, name: columns.category(name).where(accepts), accepts)


def texts(operands: list[Json]) -> list[str]:
    """The operands, which must be text. Raises OperandFault at the first that is not."""
    for place, each in enumerate(operands):
        if not isinstance(each, str):
            raise OperandFault((place,), f"{each!r} is not text")
    return [str(each) for each in operands]


def _equals(_kind: Kind, operand: Json, ignore_case: bool) -> Test:
    if not isinstance(operand, str):
        raise ValueError(f"{operand!r} is not text")  # noqa: TRY004
    return _one_of([operand], ignore_case=ignore_case, negate=False)


def _not_equals(_kind: Kind, operand: Json, ignore_case: bool) -> Test:
    if not isinstance(operand, str):
        raise ValueError(f"{operand!r} is not text")  # noqa: TRY004
    return _one_of([operand], ignore_case=ignore_case, negate=True)


def _in(_kind: Kind, operands: list[Json], ignore_case: bool) -> Test:
    return _one_of(texts(operands), ignore_case=ignore_case, negate=False)


def _not_in(_kind: Kind, operands: list[Json], ignore_case: bool) -> Test:
    return _one_of(texts(operands), ignore_case=ignore_case, negate=True)


def _one_of(wanted: list[str], *, ignore_case: bool, negate: bool) -> Test:
    chosen = frozenset(each.casefold() for each in wanted) if ignore_case else frozenset(wanted)

    def found(column: Category) -> Mask:
        return column.where(lambda text: text.casefold() in chosen) if ignore_case else column.isin(chosen)

    def member(columns: Columns, name: str) -> Mask:
        column = columns.category(name)
        return np.asarray(column.present & ~found(column)) if negate else found(column)

    if ignore_case:
        return Lasting(member, lambda text: (text.casefold() in chosen) is not negate)
    return Lasting(member, (lambda text: text not in chosen) if negate else chosen.__contains__)


def _with_part(holds: Callable[[str, str], bool]) -> Prepare:
    """The texts that hold one of the parts in this way."""

    def prepare(_kind: Kind, operand: str | list[str], ignore_case: bool) -> Test:
        wanted = [operand] if isinstance(operand, str) else operand
        if not ignore_case:
            return accepting(lambda text: any(holds(text, part) for part in wanted))
        folded = [part.casefold() for part in wanted]

        def accepts(text: str) -> bool:
            low = text.casefold()
            return any(holds(low, part) for part in folded)

        return accepting(accepts)

    return prepare


def _matches(_kind: Kind, operand: str, ignore_case: bool) -> Test:
    return accepting(searcher(operand, ignore_case=ignore_case))


def _wanted(operand: Json) -> Version:
    version = parse_version(operand) if isinstance(operand, str) else None
    if version is None:
        raise ValueError('text is compared as a version; write one in quotes, such as "17.2"')
    return version


def _version(relation: Callable[[Any, Any], bool]) -> Prepare:
    """The texts that are versions and stand in this relation to the operand."""

    def prepare(_kind: Kind, operand: Json, _ignore_case: bool) -> Test:
        wanted = _wanted(operand)

        def accepts(text: str) -> bool:
            version = parse_version(text)
            return version is not None and relation(version, wanted)

        return accepting(accepts)

    return prepare


def _version_between(_kind: Kind, operand: list[Json], _ignore_case: bool) -> Test:
    low, high = (_wanted(each) for each in operand)

    def accepts(text: str) -> bool:
        version = parse_version(text)
        return version is not None and low <= version <= high

    return accepting(accepts)


TEXT: Family = {
    "equals": {Kind.TEXT: _equals},
    "not_equals": {Kind.TEXT: _not_equals},
    "in": {Kind.TEXT: _in},
    "not_in": {Kind.TEXT: _not_in},
    "contains": {Kind.TEXT: _with_part(operator.contains)},
    "starts_with": {Kind.TEXT: _with_part(str.startswith)},
    "ends_with": {Kind.TEXT: _with_part(str.endswith)},
    "matches": {Kind.TEXT: _matches},
    "above": {Kind.TEXT: _version(operator.gt)},
    "at_least": {Kind.TEXT: _version(operator.ge)},
    "below": {Kind.TEXT: _version(operator.lt)},
    "at_most": {Kind.TEXT: _version(operator.le)},
    "between": {Kind.TEXT: _version_between},
    "version_equals": {Kind.TEXT: _version(operator.eq)},
}
