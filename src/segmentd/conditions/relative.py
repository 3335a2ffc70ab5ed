"""Operators that compare a date or an instant with the present; their answers change as time passes.

Each is an interval of instants [start, end) in which the condition is true, so `holds_until` is exact: a date
counts from its local midnight on, in the user's time zone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from segmentd.conditions.instants import same_instant
from segmentd.conditions.prepared import Family, Moment, Prepare
from segmentd.population.column import MISSING_INT
from segmentd.population.deferred import Deferred
from segmentd.population.kinds import Kind
from segmentd.population.one_verdict import NEVER, OneVerdict
from segmentd.population.stored_values import StoredValues
from segmentd.population.typed import Columns, Mask
from segmentd.population.verdict import Verdict, held_where
from segmentd.times import FOREVER, Duration, Instants, parse_duration
from segmentd.zones import LocalTime, Zone, one
from segmentd.zones.units import add_months_to_days

Interval = tuple[Any, Any]
"""Instants int64 (n,) or one for all; or plain integers."""


def during(start: Instants, end: Instants | int, present: Mask, at: Instants) -> Verdict:
    """Present rows are members in [start, end), the others never; all int64 (n,)."""
    begun, counting = at >= start, present & (at < end)
    turn = np.asarray(start + (end - start) * begun)  # the end where it has begun
    return Verdict(counting & begun, held_where(counting, turn))


def _around(stored: NDArray[np.int64], begin: int, end: int, at: int) -> Verdict:
    """The same for instants as columns store them, all judged at one instant: members in [t + begin, t + end).

    What is missing is stored as the least of all, so that it is never later than anything.
    """
    begun = stored <= at - begin
    counting = stored > (MISSING_INT if end == FOREVER else at - end)

    def horizons_of(rows: Mask | None) -> Instants:
        places = np.flatnonzero(counting if rows is None else counting & rows)
        until = np.full(len(stored), FOREVER, dtype=np.int64)
        instants = stored.take(places)
        ends = np.int64(FOREVER) if end == FOREVER else instants + end
        until[places] = np.where(begun.take(places), ends, instants + begin)
        return until

    return Deferred(begun & counting, horizons_of)


def during_one(start: int, end: int, at: int) -> OneVerdict:
    """The same for one user who has the value."""
    if at >= end:
        return NEVER
    return (True, end) if at >= start else (False, start)


class Movable(Protocol):
    """A point in time, or a column of them, that can be moved by a duration."""

    def moved(self, by: Duration | None, sign: int = 1) -> Any: ...


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


class OnePoint:
    """The same for the one value of a user in `zone`."""

    __slots__ = ("_kind", "_value", "_zone")

    def __init__(self, value: int, kind: Kind, zone: Zone) -> None:
        self._value, self._kind, self._zone = value, kind, zone

    def moved(self, by: Duration | None, sign: int = 1) -> int:
        value, zone = self._value, self._zone
        if by is None or not by.months:
            start = value if self._kind is Kind.INSTANT else one.day_start(zone, value)
            return start if by is None else start + sign * by.micros
        if self._kind is Kind.INSTANT:
            return one.add_months(zone, value, sign * by.months)
        return one.day_start(zone, one.add_months_to_day(value, sign * by.months))


def _within_last(point: Movable, span: Duration) -> Interval:
    return point.moved(None), point.moved(span)


def _more_than_ago(point: Movable, span: Duration) -> Interval:
    return point.moved(span), FOREVER


def _within_next(point: Movable, span: Duration) -> Interval:
    return point.moved(span, -1), point.moved(None)


class _Origin:
    """The instant 0: where an interval around an instant begins and ends, as distances from that."""

    def moved(self, by: Duration | None, sign: int = 1) -> int:
        return 0 if by is None else sign * by.micros


class Relative:
    """A test of the interval around a value: of n rows, and of one value."""

    __slots__ = ("_distances", "_interval", "_kind", "_span")

    def __init__(self, interval: Callable[[Movable, Duration], Interval], kind: Kind, span: Duration) -> None:
        self._interval, self._kind, self._span = interval, kind, span
        fixed = kind is Kind.INSTANT and not span.months
        self._distances: tuple[int, int] | None = interval(_Origin(), span) if fixed else None

    def __call__(self, columns: Columns, name: str, moment: Moment) -> Verdict:
        if self._distances is not None and self.compares(moment.at):
            found = columns.instant(name)
            if isinstance(found, StoredValues):
                return _around(found.stored, *self._distances, int(moment.at[0]))
        point = Point(columns, name, self._kind, moment)
        return during(*self._interval(point, self._span), point.present, moment.at)

    def compares(self, at: Instants) -> bool:
        """Whether rows at these instants are judged by comparing what is stored, which costs next to nothing."""
        return self._distances is not None and len(at) > 0 and same_instant(at)

    def one(self, value: int, zone: Zone, at: int) -> OneVerdict:
        """Judge the value of one user in `zone`."""
        return during_one(*self._interval(OnePoint(value, self._kind, zone), self._span), at)


def _relative(interval: Callable[[Movable, Duration], Interval]) -> Prepare:
    return lambda kind, operand, _: Relative(interval, kind, parse_duration(operand))


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
