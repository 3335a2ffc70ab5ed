"""Windows of time: which events count at an instant, and when each stops to count.

An event at t that a window admits counts at every instant from t until its expiry. All windows are expiries:
whatever begins in the future changes nothing, because events later than the instant judged are hidden.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Protocol, Self, TypeAlias

import numpy as np
from pydantic import ConfigDict, Field, PlainSerializer, PlainValidator, field_validator, model_validator

from segmentd.plugins.segment_type import Params
from segmentd.times import (
    DAY,
    FOREVER,
    MIN_INSTANT,
    Duration,
    Instants,
    Micros,
    format_instant,
    parse_duration,
    parse_instant,
)
from segmentd.zones import LocalTime, Unit, Zone, one, zone_for

USER_ZONE: Final = "user"
"""The zone name that stands for each user's own `timezone`; UTC where that is missing or unknown."""
MAX_PERIODS: Final = 1_000
_MOST: Final = {Unit.DAY: 366_000, Unit.WEEK: 52_000, Unit.MONTH: 12_000, Unit.QUARTER: 4_000, Unit.YEAR: 1_000}
"""Units in about 1000 years, the longest window."""
_LONGEST: Final = {Unit.DAY: 1, Unit.WEEK: 7, Unit.MONTH: 31, Unit.QUARTER: 92, Unit.YEAR: 366}
"""Days of the longest of each unit."""
_MARGIN: Final = 3 * DAY
"""More than all changes of a zone's offset ever add to a stretch of local time, a day that came twice among them."""
NEVER: Final = MIN_INSTANT
"""The expiry of an event that does not count at all."""


def _duration(value: Any) -> Duration:
    if isinstance(value, Duration):
        return value
    if not isinstance(value, str):
        raise ValueError("write a duration such as 7d or 6mo")  # noqa: TRY004  (pydantic reports ValueErrors)
    return parse_duration(value)


def _instant(value: Any) -> Micros:
    if not isinstance(value, str):
        raise ValueError("write an instant such as 2026-11-21T10:00:00Z, in quotes")  # noqa: TRY004
    return parse_instant(value)


def _time_zone(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("write user, UTC or an IANA name such as Europe/Berlin")  # noqa: TRY004
    return value if value == USER_ZONE else zone_for(value).name


Length: TypeAlias = Annotated[
    Duration, PlainValidator(_duration, json_schema_input_type=str), PlainSerializer(str, return_type=str)
]
"""A duration as text; `7d`, `6mo`."""
Moment: TypeAlias = Annotated[
    Micros, PlainValidator(_instant, json_schema_input_type=str), PlainSerializer(format_instant, return_type=str)
]
"""An instant as RFC 3339 text."""
ZoneName: TypeAlias = Annotated[str, PlainValidator(_time_zone, json_schema_input_type=str)]
"""`user`, or an IANA name."""


class Window(Protocol):
    """Which events count. `ordered` says that of two events that count the later never expires earlier."""

    ordered: bool

    def cutoff(self, at: Instants, local: LocalTime) -> Instants | None:
        """For each instant, a time before which no event counts at it; None where there is no such time."""

    def expiries(self, times: Instants, local: LocalTime) -> Instants:
        """When each event stops to count, exclusive: FOREVER, or NEVER for one that is not in the window."""


class OneWindow(Window, Protocol):
    """A window that can also be asked about one user."""

    def cutoff_of(self, at: int, zone: Zone) -> int | None:
        """`cutoff` of one instant."""

    def expiries_of(self, times: list[int], zone: Zone) -> list[int]:
        """`expiries` of one user's events."""


class AllTime:
    """Every event counts, forever."""

    ordered = True

    def cutoff(self, at: Instants, local: LocalTime) -> Instants | None:
        return None

    def expiries(self, times: Instants, local: LocalTime) -> Instants:
        return np.full(len(times), FOREVER, dtype=np.int64)

    def cutoff_of(self, at: int, zone: Zone) -> int | None:
        return None

    def expiries_of(self, times: list[int], zone: Zone) -> list[int]:
        return [FOREVER] * len(times)


class Rolling:
    """An event at t counts in [t, t + length); months are added to its local time."""

    def __init__(self, length: Duration) -> None:
        self._length = length
        self._farthest = 31 * length.months * DAY + _MARGIN if length.months else length.micros - 1
        self.ordered = length.months == 0

    @property
    def micros(self) -> Micros | None:
        """Its length in microseconds; None where it is one of months."""
        return None if self._length.months else self._length.micros

    def cutoff(self, at: Instants, local: LocalTime) -> Instants | None:
        return at - self._farthest

    def expiries(self, times: Instants, local: LocalTime) -> Instants:
        if not self._length.months:
            return np.asarray(times + self._length.micros)
        return local.add_months(times, self._length.months)

    def cutoff_of(self, at: int, zone: Zone) -> int | None:
        return at - self._farthest

    def expiries_of(self, times: list[int], zone: Zone) -> list[int]:
        months, micros = self._length.months, self._length.micros
        if months:
            return [one.add_months(zone, time, months) for time in times]
        return [time + micros for time in times]


class Calendar(Params):
    """The current unit of local time and the `count - 1` before it."""

    unit: Annotated[Unit, Field(strict=False)]
    count: int = Field(default=1, ge=1)
    time_zone: ZoneName | None = None
    """In whose time the units begin; the condition's `time_zone` where it is not given."""

    @model_validator(mode="after")
    def _no_longer_than_the_calendar(self) -> Self:
        if self.count > _MOST[self.unit]:
            raise ValueError(f"{self.count:,} {self.unit}s are longer than 1000 years")
        return self


class CalendarWindow:
    """An event in unit k counts in the units k to k + count - 1."""

    ordered = True

    def __init__(self, during: Calendar) -> None:
        self._unit, self._count = during.unit, during.count

    def cutoff(self, at: Instants, local: LocalTime) -> Instants | None:
        return local.unit_start(self._unit, local.unit_index(self._unit, at) - (self._count - 1))

    def expiries(self, times: Instants, local: LocalTime) -> Instants:
        return local.unit_start(self._unit, local.unit_index(self._unit, times) + self._count)

    def cutoff_of(self, at: int, zone: Zone) -> int | None:
        return one.unit_start(zone, self._unit, one.unit_index(zone, self._unit, at) - (self._count - 1))

    def expiries_of(self, times: list[int], zone: Zone) -> list[int]:
        unit, count = self._unit, self._count
        return [one.unit_start(zone, unit, one.unit_index(zone, unit, time) + count) for time in times]


class Period(Params):
    """Events in [from, until) count; either end may be absent."""

    from_: Moment | None = Field(default=None, alias="from")
    until: Moment | None = None

    @model_validator(mode="after")
    def _has_a_length(self) -> Self:
        if self.from_ is None and self.until is None:
            raise ValueError("give from, until, or both")
        _check_order(self.from_, self.until)
        return self


def _check_order(start: Micros | None, end: Micros | None) -> None:
    if start is not None and end is not None and start >= end:
        raise ValueError("from must be earlier than until")


class Fixed:
    """An event in one of the periods counts forever, any other never."""

    ordered = True

    def __init__(self, *periods: tuple[Micros | None, Micros | None]) -> None:
        self._bounds = periods
        starts = [start for start, _ in periods if start is not None]
        self._first = min(starts) if len(starts) == len(periods) else None

    def cutoff(self, at: Instants, local: LocalTime) -> Instants | None:
        return np.full(len(at), self._first, dtype=np.int64) if self._first is not None else None

    def expiries(self, times: Instants, local: LocalTime) -> Instants:
        inside = np.zeros(len(times), dtype=np.bool_)
        for start, end in self._bounds:
            here = np.ones(len(times), dtype=np.bool_) if start is None else times >= start
            inside |= here if end is None else here & (times < end)
        return np.where(inside, np.int64(FOREVER), np.int64(NEVER))

    def cutoff_of(self, at: int, zone: Zone) -> int | None:
        return self._first

    def expiries_of(self, times: list[int], zone: Zone) -> list[int]:
        return [FOREVER if self._inside(time) else NEVER for time in times]

    def _inside(self, time: int) -> bool:
        return any((start is None or time >= start) and (end is None or time < end) for start, end in self._bounds)


def _without_nulls(schema: dict[str, Any]) -> None:
    """Take null out of the schemas of the keys, since `Windowed` refuses it."""
    for key in schema["properties"].values():
        kinds = [each for each in key.get("anyOf", ()) if each != {"type": "null"}]
        if len(kinds) == 1:
            del key["anyOf"]
            key.update(kinds[0])
        elif kinds:
            key["anyOf"] = kinds
        if "default" in key and key["default"] is None:
            del key["default"]


class Windowed(Params):
    """The keys of a window, at most one form of it; none is all time. No key can be null: it is left out."""

    model_config = ConfigDict(json_schema_extra=_without_nulls)

    within: Length | None = Field(
        default=None, description="Events of the time up to now: an event at t counts in [t, t + within); 7d, 6mo."
    )
    during: Calendar | None = Field(
        default=None, description="Events of the current day, week, month, quarter or year, and of those before it."
    )
    from_: Moment | None = Field(default=None, alias="from", description="Events from this instant on.")
    until: Moment | None = Field(default=None, description="Events before this instant.")
    periods: list[Period] | None = Field(
        default=None, min_length=1, max_length=MAX_PERIODS, description="Events of one of these stretches of time."
    )
    time_zone: ZoneName = Field(
        default=USER_ZONE, description="In whose local time days and months are meant: user, or an IANA name."
    )

    @field_validator("*", mode="before")
    @classmethod
    def _not_null(cls, value: Any) -> Any:
        if value is None:
            raise ValueError("is empty; give it a value or leave it out")
        return value

    @model_validator(mode="after")
    def _one_window(self) -> Self:
        forms = [name for name in ("within", "during", "periods") if getattr(self, name) is not None]
        if self.from_ is not None or self.until is not None:
            forms.append("from and until")
            _check_order(self.from_, self.until)
        if len(forms) > 1:
            raise ValueError(f"there is one window: give only one of {', '.join(forms)}")
        return self

    def window(self) -> OneWindow:
        """The window that the keys describe."""
        if self.within is not None:
            return Rolling(self.within)
        if self.during is not None:
            return CalendarWindow(self.during)
        if self.periods is not None:
            return Fixed(*((period.from_, period.until) for period in self.periods))
        if self.from_ is not None or self.until is not None:
            return Fixed((self.from_, self.until))
        return AllTime()

    def reach(self) -> Micros | None:
        """How long an event can count at most, in microseconds; None where it may count for ever."""
        if self.within is not None:
            months = self.within.months
            return Micros(31 * months * DAY + _MARGIN) if months else self.within.micros
        if self.during is not None:
            return Micros(self.during.count * _LONGEST[self.during.unit] * DAY + _MARGIN)
        return None

    def zone_name(self) -> str:
        """In whose local time months, units and days are meant."""
        return self.during.time_zone or self.time_zone if self.during is not None else self.time_zone

    def window_needs_zone(self) -> bool:
        """Whether local time matters to the window."""
        return self.during is not None or (self.within is not None and self.within.months > 0)
