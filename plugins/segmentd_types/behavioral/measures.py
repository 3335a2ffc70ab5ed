"""Measures of the events that count: one value a user, what it must be, and until when the answer holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmentd.api import (
    FOREVER,
    MIN_INSTANT,
    Columns,
    Condition,
    Counted,
    Instants,
    Kind,
    Mask,
    Reason,
    Verdict,
    computed_column,
    explain_condition,
    judge_condition,
    row_maximum,
    row_minimum,
    row_sum,
)
from segmentd_types.behavioral.distinct import Things, days_of, tally, values_of
from segmentd_types.behavioral.parameters import AMOUNTS, BehavioralParams, PropertyCondition
from segmentd_types.behavioral.selection import Selection


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """One value of a kind for each of n users; those `present` (all if None) stay the same until `until`."""

    kind: Kind
    values: NDArray[Any]
    present: Mask | None
    until: Instants

    def column(self, name: str) -> Columns:
        """The values as a column of that name."""
        return computed_column(name, self.kind, self.values, self.present)


@dataclass(frozen=True, slots=True, eq=False)
class Measure:
    """One measure that the parameters give: its name for people, and what its value must be."""

    name: str
    condition: Condition
    selection: Selection
    found: Value | Things | Counted

    def verdict(self, at: Instants) -> Verdict:
        """Judge the value of each user."""
        if not isinstance(self.found, Value):
            return tally(self.condition, self.found)
        column, zones = self.found.column(self.name), self.selection.zones
        return judge_condition(column, self.name, self.condition, at, lambda: zones).until(self.found.until)

    def explain(self, at: Instants) -> tuple[Reason, ...]:
        """The value of the only user, and what was asked for."""
        zones = self.selection.zones
        if not isinstance(self.found, Value):
            column = computed_column(self.name, Kind.NUMBER, self.found.sizes)
        else:
            column = self.found.column(self.name)
        return explain_condition(column, self.name, self.condition, at, lambda: zones)


def measures(params: BehavioralParams, selection: Selection) -> Iterator[Measure]:
    """Every measure that the parameters give."""

    def measure(name: str, condition: Condition, found: Value | Things | Counted) -> Measure:
        return Measure(f"{params.event}: {name}", condition, selection, found)

    counted, count, distinct = selection.counted, params.counted(), params.distinct
    if count is not None:
        yield measure("count", count, counted)
    for name, condition in params.totals():
        yield measure(f"{name} of {condition.property}", condition, _total(name, condition, selection))
    if distinct is not None:
        yield measure(f"distinct {distinct.property}", distinct, values_of(selection, distinct.property))
    if params.distinct_days is not None:
        yield measure("distinct days", params.distinct_days, days_of(selection))
    if params.first is not None:
        yield measure("first", params.first, _moment(selection, counted.offsets[:-1]))
    if params.last is not None:
        yield measure("last", params.last, _moment(selection, counted.offsets[1:] - 1))


def _total(measure: str, condition: PropertyCondition, selection: Selection) -> Value:
    kind, values, counted = _amounts(condition.property, selection)
    present = counted.offsets[1:] > counted.offsets[:-1]
    if measure in ("min", "max"):
        extreme = (row_minimum if measure == "min" else row_maximum)(values, counted.offsets, 0)
        return Value(kind, extreme, present, _until_no_longer_extreme(values, extreme, counted))
    sums = row_sum(values, counted.offsets)
    if measure == "sum":
        return Value(kind, sums, None, counted.first_expiry())
    divisors = np.where(present, counted.sizes, 1)
    means = sums // divisors if kind is Kind.MONEY else sums / divisors
    return Value(kind, means, present, counted.first_expiry())


def _amounts(name: str, selection: Selection) -> tuple[Kind, NDArray[Any], Counted]:
    """The values of a property of the events that count and have it."""
    kind = selection.events.kind(name) or Kind.NUMBER
    if kind not in AMOUNTS:
        raise ValueError(f"{name} is {kind}, not a number or money")
    column = selection.events.money(name) if kind is Kind.MONEY else selection.events.number(name)
    here: Mask = column.present[selection.counted.positions]
    counted = selection.counted.only(here)
    return kind, column.values[counted.positions], counted


def _until_no_longer_extreme(values: NDArray[Any], extreme: NDArray[Any], counted: Counted) -> Instants:
    """When the last of the events with the extreme value stops to count."""
    holders = np.where(values == extreme[counted.rows], counted.expires, MIN_INSTANT)
    return row_maximum(holders, counted.offsets, FOREVER)


def _moment(selection: Selection, places: NDArray[np.int64]) -> Value:
    """The time of one event of each user that has any, given by its place among those that count."""
    counted = selection.counted
    present = counted.sizes > 0
    times = np.zeros(len(present), dtype=np.int64)
    until = np.full(len(present), FOREVER, dtype=np.int64)
    times[present] = selection.events.times[counted.positions[places[present]]]
    until[present] = counted.expires[places[present]]
    return Value(Kind.INSTANT, times, present, until)
