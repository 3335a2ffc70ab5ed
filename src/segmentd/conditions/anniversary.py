"""`anniversary`: the month and day of a date, every year again, in the user's time zone.

29 February is celebrated on 1 March in years that lack it, as ages are counted too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from segmentd.conditions.prepared import Family, Moment, Test
from segmentd.conditions.relative import local_days
from segmentd.population.kinds import Kind
from segmentd.population.typed import Columns
from segmentd.population.verdict import Verdict
from segmentd.times import FOREVER, Instants, parse_duration
from segmentd.zones import LocalTime

Days = NDArray[np.int64]
Years = NDArray[np.int64]


def year_of(days: Days) -> Years:
    """The calendar year of each day, int64."""
    return np.asarray(days.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970)


@dataclass(frozen=True, slots=True, eq=False)
class YearlyDay:
    """A month (0 to 11) and the days after its first, int64 (n,), and the year that they were taken from."""

    year: Years
    month: NDArray[np.int64]
    after_first: NDArray[np.int64]

    @classmethod
    def of(cls, days: Days) -> Self:
        """The month and day of each day number."""
        months = days.astype("datetime64[D]").astype("datetime64[M]")
        numbers = months.astype(np.int64)
        first = months.astype("datetime64[D]").astype(np.int64)
        years = numbers // 12
        return cls(years + 1970, numbers - years * 12, days - first)

    def in_year(self, years: Years) -> Days:
        """The day number in each of these years; 1 March where that is a missing 29 February."""
        months = ((years - 1970) * 12 + self.month).astype("datetime64[M]")
        return np.asarray(months.astype("datetime64[D]").astype(np.int64) + self.after_first)

    def next_from(self, today: Days) -> Days:
        """The first such day that is not before `today`."""
        years = year_of(today)
        this_year = self.in_year(years)
        return np.where(this_year >= today, this_year, self.in_year(years + 1))

    def last_until(self, today: Days) -> Days:
        """The last such day that is not after `today`."""
        years = year_of(today)
        this_year = self.in_year(years)
        return np.where(this_year <= today, this_year, self.in_year(years - 1))


def _ahead(zones: LocalTime, day: YearlyDay, at: Instants, span: int) -> Verdict:
    """From `span` before the day begins until it ends."""
    coming = day.next_from(zones.local_day(at))
    start = zones.day_start(coming) - span
    member = at >= start
    return Verdict(member, np.where(member, zones.day_start(coming + 1), start))


def _behind(zones: LocalTime, day: YearlyDay, at: Instants, span: int) -> Verdict:
    """From the day's beginning until `span` after that."""
    today = zones.local_day(at)
    end = zones.day_start(day.last_until(today)) + span
    member = at < end
    return Verdict(member, np.where(member, end, zones.day_start(day.next_from(today + 1))))


_FORMS: Final[dict[str, Callable[[LocalTime, YearlyDay, Instants, int], Verdict]]] = {
    "today": _ahead,
    "within_next": _ahead,
    "within_last": _behind,
}


def _prepare(kind: Kind, operand: Any, _ignore_case: bool) -> Test:
    ((form, given),) = operand.operands().items()
    judge = _FORMS[form]
    span = parse_duration(given).micros if isinstance(given, str) else 0

    def test(columns: Columns, name: str, moment: Moment) -> Verdict:
        zones = moment.zones()
        days, present = local_days(columns, name, kind, zones)
        verdict = judge(zones, YearlyDay.of(days), moment.at, span)
        return Verdict(present & verdict.member, np.where(present, verdict.holds_until, FOREVER))

    return test


ANNIVERSARY: Family = {"anniversary": dict.fromkeys((Kind.DATE, Kind.INSTANT), _prepare)}
