"""Numbers of things that fade one by one: events, days, values of a property."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from segmentd.api import (
    FOREVER,
    Condition,
    Events,
    Instants,
    Kind,
    Tags,
    Verdict,
    computed_column,
    deferred,
    judge_condition,
)
from segmentd_types.behavioral.selection import Selection

Int64s = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Things:
    """Row i has those that fade at `expires[offsets[i]:offsets[i+1]]`, ascending; int64 (n+1,) and (k,)."""

    offsets: Int64s
    expires: Instants

    @property
    def sizes(self) -> Int64s:
        """How many things each row has, int64 (n,)."""
        return self.offsets[1:] - self.offsets[:-1]

    def expiry(self, rows: Int64s, numbers: Int64s) -> Instants:
        """When the last (number 1), last but one (2), ... of the things of these rows fades, int64 (r,)."""
        return np.asarray(self.expires.take(self.offsets.take(rows + 1) - numbers))


class Fading(Protocol):
    """Things of rows that fade one by one."""

    @property
    def sizes(self) -> Int64s: ...
    def expiry(self, rows: Int64s, numbers: Int64s) -> Instants: ...


def tally(condition: Condition, things: Fading) -> Verdict:
    """Judge the number of things of each row; holds until it first changes its answer if things only fade.

    Whatever the operators are, they split the numbers 0, 1, 2, … into stretches of equal answers; a row holds
    until it falls to the stretch below.
    """
    sizes = things.sizes
    numbers = np.arange(int(sizes.max(initial=0)) + 1)
    answers = judge_condition(computed_column("count", Kind.NUMBER, numbers), "count", condition, numbers).member
    last_of_stretch = (answers[1:] != answers[:-1]).nonzero()[0]
    if not len(last_of_stretch):
        return Verdict.forever(np.broadcast_to(answers[0], sizes.shape))
    falls = sizes > last_of_stretch[0]

    def until() -> Instants:
        rows = np.flatnonzero(falls)
        stretches = last_of_stretch.searchsorted(numbers) - 1
        found = np.full(len(sizes), FOREVER, dtype=np.int64)
        found[rows] = things.expiry(rows, last_of_stretch.take(stretches.take(sizes.take(rows))) + 1)
        return found

    if len(last_of_stretch) == 1:
        return deferred(falls if answers[-1] else ~falls, until)
    return deferred(answers.take(sizes), until)


def days_of(selection: Selection) -> Things:
    """The local days with events that count; a day fades with the last of its events."""
    days = selection.local().local_day(selection.times)
    return _grouped(selection, np.arange(len(days)), days, in_runs=True)


def values_of(selection: Selection, name: str) -> Things:
    """The different values of a property; each fades with the last event that has it."""
    events, counted = selection.events, selection.counted
    if events.kind(name) is Kind.TAGS:
        owners, values = _tags_of(events.tags(name), counted.positions)
    else:
        values, present = _identities(events, name)
        owners = np.flatnonzero(present[counted.positions])
        values = values[counted.positions[owners]]
    return _grouped(selection, owners, values, in_runs=False)


def _grouped(selection: Selection, owners: Int64s, values: Int64s, *, in_runs: bool) -> Things:
    """One thing for each distinct (row, value); `owners` are places among the events that count.

    `in_runs`: equal values of a row stand side by side.
    """
    counted = selection.counted
    rows, expires = counted.rows[owners], counted.expires[owners]
    if not (in_runs and counted.ordered):
        order = np.lexsort((expires, values, rows))
        rows, values, expires = rows[order], values[order], expires[order]
    last = np.ones(len(rows), dtype=np.bool_)
    last[:-1] = (rows[1:] != rows[:-1]) | (values[1:] != values[:-1])
    rows, expires = rows[last], expires[last]
    offsets = np.concatenate(([0], np.cumsum(np.bincount(rows, minlength=len(counted.offsets) - 1))))
    return Things(offsets, expires if in_runs and counted.ordered else expires[np.lexsort((expires, rows))])


def _identities(events: Events, name: str) -> tuple[Int64s, NDArray[np.bool_]]:
    """An integer for each event, equal where the values are, and where there is a value."""
    match events.kind(name):
        case Kind.TEXT:
            texts = events.category(name)
            return texts.codes.astype(np.int64), texts.present
        case Kind.MONEY:
            amounts = events.money(name)
            return amounts.values, amounts.present
        case Kind.DATE:
            dates = events.date(name)
            return dates.values, dates.present
        case Kind.INSTANT:
            instants = events.instant(name)
            return instants.values, instants.present
        case Kind.FLAG:
            flags = events.flag(name)
            return flags.values.astype(np.int64), flags.present
        case _:
            numbers = events.number(name)
            return (numbers.values + 0.0).view(np.int64), numbers.present  # + 0.0 makes -0.0 the same as 0.0


def _tags_of(tags: Tags, positions: Int64s) -> tuple[Int64s, Int64s]:
    """(owner, tag) for each tag of the events at `positions`."""
    sizes = tags.sizes[positions]
    owners = np.repeat(np.arange(len(positions)), sizes)
    starts = np.repeat(tags.offsets[positions] - (np.cumsum(sizes) - sizes), sizes)
    return owners, tags.codes[starts + np.arange(len(owners))].astype(np.int64)
