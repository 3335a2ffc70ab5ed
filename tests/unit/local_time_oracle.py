"""Local time, slowly: one instant at a time, asking zoneinfo what clocks show. Walks in steps of 15 minutes.

Right for zones whose offsets and transitions are whole quarters of an hour, as all of `ZONES` since 1970.
"""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

ZONES = [
    "UTC", "Europe/Berlin", "Europe/Dublin", "America/Havana", "America/Sao_Paulo", "Australia/Lord_Howe",
    "Pacific/Apia", "Pacific/Kwajalein", "Asia/Tehran", "Antarctica/Troll", "Asia/Kathmandu", "Africa/Casablanca",
]  # fmt: skip
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
QUARTER = 15 * 60 * 1_000_000
LOOK_BACK = 4 * 50
"""Quarters of an hour: no clock was ever set back by more than two days."""


@lru_cache
def zone(name: str) -> ZoneInfo:
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as data:
        return ZoneInfo.from_file(data, key=name)


@lru_cache(maxsize=500_000)
def clock(name: str, instant: int) -> datetime:
    """What local clocks show, without a zone."""
    return (EPOCH + instant * MICROSECOND).astimezone(zone(name)).replace(tzinfo=None)


@lru_cache(maxsize=100_000)
def local_day(name: str, instant: int) -> date:
    """The latest date that clocks have shown up to this instant."""
    first = instant - instant % QUARTER
    shown = [clock(name, instant), *(clock(name, first - step * QUARTER) for step in range(LOOK_BACK))]
    ends = [clock(name, first - step * QUARTER - 1) for step in range(LOOK_BACK)]
    return max(moment.date() for moment in shown + ends)


@lru_cache
def exists(name: str, day: date) -> bool:
    """Whether clocks ever showed this date."""
    noon = int((datetime(day.year, day.month, day.day, 12, tzinfo=UTC) - EPOCH) / MICROSECOND)
    return any(clock(name, noon + step * QUARTER).date() == day for step in range(-160, 160))


def unit_of(unit: str, day: date) -> int:
    match unit:
        case "week":
            return (day.toordinal() - 1) // 7
        case "month":
            return day.year * 12 + day.month
        case "quarter":
            return day.year * 4 + (day.month - 1) // 3
        case "year":
            return day.year
    return day.toordinal()


def units_between(name: str, unit: str, earlier: int, later: int) -> int:
    """How many units after that of `earlier` the one of `later` comes; days that never were do not count."""
    first, last = local_day(name, earlier), local_day(name, later)
    if unit != "day":
        return unit_of(unit, last) - unit_of(unit, first)
    return sum(exists(name, first + timedelta(days=step + 1)) for step in range((last - first).days))


@lru_cache(maxsize=100_000)
def add_months(name: str, instant: int, months: int) -> int:
    """The first instant at which clocks show the same time that many months on, or later."""
    shown = clock(name, instant)
    month = shown.year * 12 + shown.month - 1 + months
    year, month = month // 12, month % 12 + 1
    wanted = shown.replace(year=year, month=month, day=min(shown.day, calendar.monthrange(year, month)[1]))
    around = int((wanted.replace(tzinfo=UTC) - EPOCH) / MICROSECOND)
    before = around - around % QUARTER - 120 * QUARTER
    while clock(name, before + QUARTER) < wanted:
        before += QUARTER
    return min(before + QUARTER, before + int((wanted - clock(name, before)) / MICROSECOND))
