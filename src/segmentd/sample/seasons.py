"""How the year goes: seasons, weekdays and the shop's sales."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

EPOCH: Final = date(1970, 1, 1)
_WEEKDAYS: Final = np.array([0.95, 0.9, 0.9, 0.95, 1.0, 1.2, 1.3])
"""Monday first."""
_HOURS: Final = np.array(
    [2, 1, 1, 1, 1, 2, 5, 9, 11, 10, 10, 11, 14, 13, 11, 10, 11, 14, 18, 22, 24, 21, 13, 6], dtype=np.float64
)


class Sale(NamedTuple):
    """From its first to its last day, both included; `boost` is added to the weight of each of its days."""

    name: str
    coupon: str
    first: date
    last: date
    boost: float


def black_friday(year: int) -> date:
    """The day after the fourth Thursday of November."""
    first = date(year, 11, 1)
    return first + timedelta(days=(3 - first.weekday()) % 7 + 21 + 1)


def sales_of(year: int) -> tuple[Sale, ...]:
    """The sales that begin in the year, in order."""
    friday = black_friday(year)
    return (
        Sale("New Year Sale", "NEWYEAR", date(year, 1, 2), date(year, 1, 8), 0.6),
        Sale("Spring Sale", "SPRING", date(year, 4, 10), date(year, 4, 16), 0.5),
        Sale("Summer Sale", "SUMMER", date(year, 7, 1), date(year, 7, 10), 0.6),
        Sale("Black Friday Week", "BLACKWEEK", friday - timedelta(days=4), friday + timedelta(days=3), 2.0),
        Sale("Last Gifts", "GIFTS", date(year, 12, 12), date(year, 12, 20), 0.8),
    )


def sales_between(first_day: int, days: int) -> list[Sale]:
    """The sales that begin in the days, counted from 1970-01-01, in order."""
    begin, end = EPOCH + timedelta(days=first_day), EPOCH + timedelta(days=first_day + days)
    return [sale for year in range(begin.year, end.year + 1) for sale in sales_of(year) if begin <= sale.first < end]


def sale_of_day(first_day: int, days: int) -> NDArray[np.int64]:
    """int64[day]: the index into `sales_between` of the sale that is on, else -1."""
    running = np.full(days, -1, dtype=np.int64)
    for index, sale in enumerate(sales_between(first_day, days)):
        start = (sale.first - EPOCH).days - first_day
        running[start : start + (sale.last - sale.first).days + 1] = index
    return running


def day_weights(first_day: int, days: int, sales: float) -> NDArray[np.float64]:
    """float64[day]: how many visits a day gets, relative to the others; `sales` scales the boost of sales."""
    numbers = first_day + np.arange(days)
    season = 1.0 + 0.15 * np.cos(2 * np.pi * (numbers - 350) / 365.25)  # a little more around mid-December
    weights = season * _WEEKDAYS[(numbers + 3) % 7]  # 1970-01-01 was a Thursday
    boosts = np.array([0.0, *(sale.boost for sale in sales_between(first_day, days))])
    return np.asarray(weights + sales * boosts[sale_of_day(first_day, days) + 1])


def hours(random: np.random.Generator, count: int) -> NDArray[np.int64]:
    """int64[count] local hours of the day, most of them in the evening."""
    return random.choice(24, size=count, p=_HOURS / _HOURS.sum())
