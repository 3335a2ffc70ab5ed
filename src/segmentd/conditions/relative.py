"""Operators that compare a date or an instant with the present; their answers change as time passes.

Each is an interval of instants [start, end) in which the condition is true, so `holds_until` is exact: a date
counts from its local midnight on, in the user's time zone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from segmentd.conditions.prepared import Family, Moment, Prepare, Test
from segmentd.population.kinds import Kind
from segmentd.population.typed import Columns, Mask
from segmentd.population.verdict import Verdict
from segmentd.times import FOREVER, Duration, Instants, parse_duration
from segmentd.zones import LocalTime
from segmentd.zones.units import add_months_to_days

Interval = tuple[Instants, Instants]
_END: Final = np.int64(FOREVER)


def during(start: Instants, end: Instants, present: Mask, at: Instants) -> Verdict:
    """Present rows are members in [start, end), the others never; all int64 (n,)."""
    begun, over = at >= start, at >= end
    holds_until = np.where(over | ~present, _END, np.where(begun, end, start))
    return Verdict(present & begun & ~over, holds_until)


class Point:
    """A column of dates or instants as instants, which can be moved by a duration."""

    def __init__(self, columns: Columns, name: str, kind: Kind, moment: Moment) -> None:
        column = columns.date(name) if kind is Kind.DATE else columns.instant(name)
        self.present = column.present
        self._values, self._kind, self._moment = column.values, kind, moment

    def moved(self, by: Duration | None, sign: int = 1) -> Instants:
        """The instants, moved by that much; months go by local time and are clamped to the month's end."""
        if by is not None and by.months:
            return self._moved_by_months(sign * by.months)
        return self._instants() + (0 if by is None else sign * by.micros)

    def _instants(self) -> Instants:
        return self._values if self._kind is Kind.INSTANT else self._moment.zones().day_start(self._values)

    def _moved_by_months(self, months: int) -> Instants:
        zones = self._moment.zones()
        if self._kind is Kind.INSTANT:
            return zones.add_months(self._values, months)
        return zones.day_start(add_months_to_days(self._values, months))


def _forever(like: Instants) -> Instants:
    return np.full_like(like, _END)


def _within_last(point: Point, span: Duration) -> Interval:
    return point.moved(None), point.moved(span)


def _more_than_ago(point: Point, span: Duration) -> Interval:
    start = point.moved(span)
    return start, _forever(start)


def _within_next(point: Point, span: Duration) -> Interval:
    return point.moved(span, -1), point.moved(None)


def _relative(interval: Callable[[Point, Duration], Interval]) -> Prepare:
    def prepare(kind: Kind, operand: str, _ignore_case: bool) -> Test:
        span = parse_duration(operand)

        def test(columns: Columns, name: str, moment: Moment) -> Verdict:
            point = Point(columns, name, kind, moment)
            return during(*interval(point, span), point.present, moment.at)

        return test

    return prepare


_MOMENTS: Final = (Kind.DATE, Kind.INSTANT)
RELATIVE: Family = {
    "within_last": dict.fromkeys(_MOMENTS, _relative(_within_last)),
    "more_than_ago": dict.fromkeys(_MOMENTS, _relative(_more_than_ago)),
    "within_next": dict.fromkeys(_MOMENTS, _relative(_within_next)),
}


def local_days(columns: Columns, name: str, kind: Kind, zones: LocalTime) -> tuple[NDArray[np.int64], Mask]:
    """Days since 1970-01-01 of dates, or of instants in the user's time zone, int64 (n,), and presence."""
    if kind is Kind.DATE:
        dates = columns.date(name)
        return dates.values, dates.present
    instants = columns.instant(name)
    return zones.local_day(instants.values), instants.present
