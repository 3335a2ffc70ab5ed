"""`anniversary`: the month and day of a date, every year again, in the user's time zone.

29 February is celebrated on 1 March in years that lack it, as ages are counted too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from segmentd.conditions.prepared import Family, Moment, Test
from segmentd.conditions.relative import during, local_days
from segmentd.population.kinds import Kind
from segmentd.population.typed import Columns
from segmentd.population.verdict import Verdict
from segmentd.times import Instants, parse_duration
from segmentd.zones import LocalTime

Days = NDArray[np.int64]
Interval = tuple[Instants, Instants]


def year_of(days: Days) -> NDArray[np.int64]:
    """The calendar year of each day, int64."""
    return np.asarray(days.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970)


def anniversary_in(years: NDArray[np.int64], days: Days) -> Days:
    """The day in each year with the month and day of `days`; 1 March where that is a missing 29 February."""
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    month_of_year = months.astype(np.int64) - (year_of(days) - 1970) * 12
    first = ((years - 1970) * 12 + month_of_year).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    return np.asarray(first + (dates - months.astype("datetime64[D]")).astype(np.int64))


def _today(zones: LocalTime, day: Days, _span: int) -> Interval:
    return zones.day_start(day), zones.day_start(day + 1)


def _within_next(zones: LocalTime, day: Days, span: int) -> Interval:
    start, end = _today(zones, day, 0)
    return start - span, end


def _within_last(zones: LocalTime, day: Days, span: int) -> Interval:
    start = zones.day_start(day)
    return start, start + span


_FORMS: Final[dict[str, Callable[[LocalTime, Days, int], Interval]]] = {
    "today": _today,
    "within_next": _within_next,
    "within_last": _within_last,
}


def _prepare(kind: Kind, operand: Any, _ignore_case: bool) -> Test:
    ((form, given),) = operand.operands().items()
    interval = _FORMS[form]
    span = parse_duration(given).micros if isinstance(given, str) else 0

    def test(columns: Columns, name: str, moment: Moment) -> Verdict:
        zones = moment.zones()
        days, present = local_days(columns, name, kind, zones)
        year = year_of(zones.local_day(moment.at))
        verdicts = [
            during(*interval(zones, anniversary_in(year + shift, days), span), present, moment.at)
            for shift in (-1, 0, 1)
        ]
        return _any_year(verdicts)

    return test


def _any_year(verdicts: list[Verdict]) -> Verdict:
    """True in any year; a false answer holds until the first year's interval that begins."""
    member = np.logical_or.reduce([each.member for each in verdicts])
    ends = np.minimum.reduce([each.holds_until for each in verdicts])
    return Verdict(member, ends)


ANNIVERSARY: Family = {"anniversary": dict.fromkeys((Kind.DATE, Kind.INSTANT), _prepare)}
