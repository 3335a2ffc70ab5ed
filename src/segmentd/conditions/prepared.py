"""What an operator becomes once it knows its operand and the kind of the values: a test of columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from segmentd.population.kinds import Kind
from segmentd.population.typed import Columns, Mask, Values
from segmentd.population.verdict import Verdict
from segmentd.times import Instants
from segmentd.zones import LocalTime


@dataclass(frozen=True, slots=True)
class Moment:
    """When each row is judged: `at` int64 (n,), and the rows' time zones, which are read only if asked for."""

    at: Instants
    zones: Callable[[], LocalTime]


Test: TypeAlias = Callable[[Columns, str, Moment], Verdict]
"""Judges the named column of n rows."""
Prepare: TypeAlias = Callable[[Kind, Any, bool], Test]
"""(kind, operand, ignore_case) → the test. Raises ValueError, or OperandFault, where the operand does not fit."""
Family: TypeAlias = Mapping[str, Mapping[Kind, Prepare]]
"""Operators by name, and how each is prepared for every kind that it applies to."""


class OperandFault(ValueError):
    """A fault deeper in the operand: `path` says where."""

    def __init__(self, path: tuple[str | int, ...], message: str) -> None:
        super().__init__(message)
        self.path = path


class Lasting:
    """A test that time does not change: of n rows, and of one value that is there, as `Column.value` gives it."""

    __slots__ = ("accepts", "member", "missing")

    def __init__(
        self, member: Callable[[Columns, str], Mask], accepts: Callable[[Any], object], *, missing: bool = False
    ) -> None:
        """`missing` is the answer where there is no value."""
        self.member = member
        self.accepts = accepts
        self.missing = missing

    def __call__(self, columns: Columns, name: str, _: Moment) -> Verdict:
        return Verdict.forever(self.member(columns, name))


def values(columns: Columns, name: str, kind: Kind) -> Values[Any]:
    """The values of a column of single values: anything but text and tags."""
    match kind:
        case Kind.NUMBER:
            return columns.number(name)
        case Kind.MONEY:
            return columns.money(name)
        case Kind.FLAG:
            return columns.flag(name)
        case Kind.DATE:
            return columns.date(name)
        case Kind.INSTANT:
            return columns.instant(name)
        case _:
            raise ValueError(f"{kind} has no single values")


def presence(columns: Columns, name: str) -> Mask:
    """Where the named column has a value, bool (n,); nowhere if nobody has one."""
    match columns.kind(name):
        case None:
            return np.zeros(len(columns), dtype=np.bool_)
        case Kind.TEXT:
            return columns.category(name).present
        case Kind.TAGS:
            return columns.tags(name).present
        case kind:
            return values(columns, name, kind).present
