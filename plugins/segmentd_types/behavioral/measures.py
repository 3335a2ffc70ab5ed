"""Measures of the events that count: one value a user, what it must be, and until when it stays."""

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
from segmentd_types.behavioral.distinct import days_of, tally, values_of
from segmentd_types.behavioral.parameters import AMOUNTS, BehavioralParams, PropertyCondition
from segmentd_types.behavioral.selection import Selection


@dataclass(frozen=True, slots=True, eq=False)
class Measure:
    """The column `name` of n values is what `condition` is about; the answer is right until `until` int64 (n,)."""

    name: str
    condition: Condition
    column: Columns
    until: Instants

    def verdict(self, selection: Selection, at: Instants) -> Verdict:
        """Judge the values."""
        verdict = judge_condition(self.column, self.name, self.condition, at, lambda: selection.zones)
        return verdict.until(self.until)

    def explain(self, selection: Selection, at: Instants) -> tuple[Reason, ...]:
        """The value of the only user, and what was asked for."""
        return explain_condition(self.column, self.name, self.condition, at, lambda: selection.zones)


def measures(params: BehavioralParams, selection: Selection) -> Iterator[Measure]:
    """Every measure that the parameters give."""
    counted = selection.counted
    count = params.counted()
    if count is not None:
        yield _tallied(f"{params.event}: count", count, counted.offsets, counted.in_order_of_expiry())
    for name, condition in params.totals():
        yield _total(f"{params.event}: {name} of {condition.property}", name, condition, selection)
    if params.distinct is not None:
        name = f"{params.event}: distinct {params.distinct.property}"
        yield _tallied(name, params.distinct, *values_of(selection, params.distinct.property))
    if params.distinct_days is not None:
        yield _tallied(f"{params.event}: distinct days", params.distinct_days, *days_of(selection))
    if params.first is not None:
        yield _moment(f"{params.event}: first", params.first, selection, counted.offsets[:-1])
    if params.last is not None:
        yield _moment(f"{params.event}: last", params.last, selection, counted.offsets[1:] - 1)


def _tallied(name: str, condition: Condition, offsets: NDArray[np.int64], expires: Instants) -> Measure:
    sizes = np.diff(offsets)
    return Measure(name, condition, computed_column(name, Kind.NUMBER, sizes), tally(condition, offsets, expires))


def _total(name: str, measure: str, condition: PropertyCondition, selection: Selection) -> Measure:
    kind, values, counted = _amounts(condition.property, selection)
    sizes = counted.sizes
    present = sizes > 0
    if measure in ("min", "max"):
        extreme = (row_minimum if measure == "min" else row_maximum)(values, counted.offsets, 0)
        until = _until_no_longer_extreme(values, extreme, counted)
        return Measure(name, condition, computed_column(name, kind, extreme, present), until)
    sums = row_sum(values, counted.offsets)
    until = counted.first_expiry()
    if measure == "sum":
        return Measure(name, condition, computed_column(name, kind, sums), until)
    divisors = np.where(present, sizes, 1)
    means = sums // divisors if kind is Kind.MONEY else sums / divisors
    return Measure(name, condition, computed_column(name, kind, means, present), until)


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


def _moment(name: str, condition: Condition, selection: Selection, places: NDArray[np.int64]) -> Measure:
    """The time of one event of each user that has any, given by its place among those that count."""
    counted = selection.counted
    present = counted.sizes > 0
    times = np.zeros(len(present), dtype=np.int64)
    until = np.full(len(present), FOREVER, dtype=np.int64)
    times[present] = selection.events.times[counted.positions[places[present]]]
    until[present] = counted.expires[places[present]]
    return Measure(name, condition, computed_column(name, Kind.INSTANT, times, present), until)
