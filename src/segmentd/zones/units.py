"""Calendar units as arithmetic on local day numbers (days since 1970-01-01, proleptic Gregorian)."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

Days = NDArray[np.int64]
Indices = NDArray[np.int64]


class Unit(StrEnum):
    """A stretch of local time; weeks are ISO weeks, which begin on Monday."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


_MONTHS: Final = {Unit.MONTH: 1, Unit.QUARTER: 3, Unit.YEAR: 12}
_MONDAY: Final = 3
"""1970-01-01 was a Thursday: its week began three days before."""


def month_of(days: Days) -> Indices:
    """Months since 1970-01, int64."""
    return np.asarray(days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64))


def first_of_month(months: Indices) -> Days:
    """The day number of each month's first day, int64."""
    return np.asarray(months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64))


def index_of(unit: Unit, days: Days) -> Indices:
    """Consecutive numbers of the units that contain these days; 0 contains 1970-01-01. Not for Unit.DAY."""
    if unit is Unit.WEEK:
        return np.asarray((days + _MONDAY) // 7)
    return np.asarray(month_of(days) // _MONTHS[unit])


def first_day_of(unit: Unit, indices: Indices) -> Days:
    """The first day of each unit; the inverse of `index_of`. Not for Unit.DAY."""
    if unit is Unit.WEEK:
        return np.asarray(indices * 7 - _MONDAY)
    return first_of_month(indices * _MONTHS[unit])


def add_months_to_days(days: Days, months: int) -> Days:
    """The same day of the month that many months on, or that month's last day where it is shorter."""
    month = month_of(days)
    target = month + months
    day_of_month = days - first_of_month(month)
    return np.minimum(first_of_month(target) + day_of_month, first_of_month(target + 1) - 1)
