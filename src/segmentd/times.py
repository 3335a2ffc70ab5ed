"""Instants, durations and clocks. Time is whole microseconds since 1970-01-01T00:00:00Z everywhere."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NewType, Protocol

import numpy as np
from numpy.typing import NDArray

Micros = NewType("Micros", int)
Instants = NDArray[np.int64]
"""An array of instants in microseconds UTC, dtype int64."""

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
WEEK: Final = 7 * DAY

FOREVER: Final = Micros(2**63 - 1)
"""The horizon of a verdict that no passing of time can change."""
MIN_INSTANT: Final = Micros(-62_135_596_800 * SECOND)
"""0001-01-01T00:00:00Z, the earliest instant that is accepted."""
MAX_INSTANT: Final = Micros(253_402_300_800 * SECOND - 1)
"""9999-12-31T23:59:59.999999Z, the latest; the sum of an instant and a duration fits in int64."""
MAX_FIXED_DURATION: Final = Micros(1_000 * 366 * DAY)
MAX_MONTHS: Final = 12_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DURATION = re.compile(r"(\d{1,15})(mo|[smhdwy])", re.ASCII)
_UNITS: Final = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "w": WEEK}
_MONTHS: Final = {"mo": 1, "y": 12}


@dataclass(frozen=True, slots=True)
class Duration:
    """A fixed length in microseconds, or a number of calendar months; never both."""

    micros: Micros = Micros(0)
    months: int = 0

    def __str__(self) -> str:
        if self.months:
            return f"{self.months // 12}y" if self.months % 12 == 0 else f"{self.months}mo"
        unit, size = next((u, s) for u, s in reversed(_UNITS.items()) if self.micros % s == 0)
        return f"{self.micros // size}{unit}"


def parse_duration(text: str) -> Duration:
    """`7d`, `36h`, `2w` are fixed; `6mo` and `1y` go by the calendar. Raises ValueError with the reason."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a duration; write a whole number and one of s m h d w mo y, as in 7d")
    number, unit = int(found[1]), found[2]
    if number == 0:
        raise ValueError("a duration is longer than nothing")
    if unit in _MONTHS:
        if number * _MONTHS[unit] > MAX_MONTHS:
            raise ValueError(f"{text} is longer than 1000 years")
        return Duration(months=number * _MONTHS[unit])
    if number * _UNITS[unit] > MAX_FIXED_DURATION:
        raise ValueError(f"{text} is longer than 1000 years")
    return Duration(micros=Micros(number * _UNITS[unit]))


def parse_instant(text: str) -> Micros:
    """An RFC 3339 instant with its offset (`2026-11-21T10:00:00Z`). Raises ValueError with the reason."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not an instant; write it as 2026-11-21T10:00:00Z") from None
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no offset from UTC; add Z or +01:00")
    return from_datetime(moment)


def from_datetime(moment: datetime) -> Micros:
    """The instant of an aware datetime; exact. Raises ValueError outside the years 1 to 9999."""
    micros = (moment - _EPOCH) // _MICROSECOND
    if not MIN_INSTANT <= micros <= MAX_INSTANT:
        raise ValueError(f"{moment.isoformat()} is outside the years 1 to 9999")
    return Micros(micros)


def to_datetime(instant: Micros) -> datetime:
    """The aware UTC datetime of an instant between MIN_INSTANT and MAX_INSTANT."""
    return _EPOCH + timedelta(microseconds=int(instant))


def format_instant(instant: Micros) -> str:
    """RFC 3339 in UTC with as many decimals as the instant has (none, or six)."""
    if instant == FOREVER:
        return "forever"
    return to_datetime(instant).isoformat().replace("+00:00", "Z")


class Clock(Protocol):
    """Where the present comes from. Injected at the edge, and only there."""

    @property
    def frozen(self) -> bool: ...

    def now(self) -> Micros: ...


class WallClock:
    """The system's clock."""

    frozen = False

    def now(self) -> Micros:
        return Micros(time.time_ns() // 1000)


class FrozenClock:
    """A clock that stands until it is moved; for replays and tests."""

    frozen = True

    def __init__(self, start: Micros) -> None:
        self._now = start

    def now(self) -> Micros:
        return self._now

    def move_to(self, instant: Micros) -> None:
        """Move forward to `instant`. Raises ValueError when it lies in the past."""
        if instant < self._now:
            raise ValueError(f"the clock stands at {format_instant(self._now)} and moves forward only")
        self._now = instant
