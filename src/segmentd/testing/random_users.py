"""Random users that have what a condition reads: near its thresholds, with gaps, ties and a future."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from segmentd.population.build import GivenEvent, GivenUser
from segmentd.population.kinds import Json, Kind
from segmentd.times import DAY, HOUR, MINUTE, SECOND, Micros, format_instant, to_datetime

if TYPE_CHECKING:
    from segmentd.plugins.segment_type import Reads

_TEXTS: Final = ["", "a", "B", "ß", "DE", "pro", "1.2.3", "v17.10.0-beta"]
_NUMBERS: Final = [-1, 0, 0.5, 1, 2, 3, 17, 18, 65, 1e6, 1e15]
_ZONES: Final = ["Europe/Berlin", "America/St_Johns", "Pacific/Apia", "Asia/Kathmandu", "UTC", "Nowhere/Else"]
_UNITS: Final = [1, SECOND, MINUTE, HOUR, DAY, 30 * DAY]

Values = Mapping[str, Sequence[Any]]
"""Values to draw from, by attribute (`age`) or property (`revenue`) instead of the kit's own."""


class RandomUsers:
    """Draws users for one condition; the same seed draws the same users."""

    def __init__(
        self,
        seed: str,
        reads: Reads,
        attributes: Mapping[str, Kind],
        properties: Mapping[tuple[str, str], Kind],
        example: Json,
        values: Values,
    ) -> None:
        self._random = random.Random(seed)  # noqa: S311  (test data, no secret)
        self._reads = reads
        self._attributes = attributes
        self._properties = properties
        self._values = values
        constants = list(_scalars(example))
        self._texts = [each for each in constants if isinstance(each, str)] + _TEXTS
        self._numbers = [near for each in constants for near in _near(each)] + _NUMBERS

    def draw(self, count: int, at: Micros) -> list[GivenUser]:
        """`count` users around the instant `at`: some have nothing, most miss something."""
        return [self._user(f"user-{number}", at) for number in range(count)]

    def instants(self, count: int, at: Micros) -> list[int]:
        """One instant a user: often `at`, else some way from it."""
        return [at if self._random.random() < 0.5 else at + self._span() // 8 for _ in range(count)]

    def _user(self, user_id: str, at: Micros) -> GivenUser:
        here = self._random.choice([0.0, 0.5, 0.9, 1.0])
        attributes = {
            name: self._value(name, kind, at)
            for name, kind in sorted(self._attributes.items())
            if self._random.random() < here
        }
        events = [each for name in sorted(self._reads.events) for each in self._events(name, at, here)]
        self._random.shuffle(events)
        lists = tuple(name for name in sorted(self._reads.lists) if self._random.random() < here)
        return GivenUser(user_id, attributes, tuple(events), lists)

    def _events(self, name: str, at: Micros, here: float) -> Iterator[GivenEvent]:
        count = self._random.choice([0, 1, 1, 2, 3, 5, 8]) if here else 0
        times = [at + self._span() for _ in range(count)]
        for time in times:
            moment = self._random.choice(times) if self._random.random() < 0.2 else time
            properties = {
                key: self._value(key, kind, at)
                for (owner, key), kind in sorted(self._properties.items())
                if owner == name and self._random.random() < here
            }
            yield GivenEvent(name, Micros(moment), properties)

    def _span(self) -> int:
        """Microseconds: mostly into the past, often a whole number of units, sometimes 0."""
        length = self._random.choice(_UNITS) * self._random.choice([0, 1, 2, 3, 7, 8, 30])
        if self._random.random() < 0.5:
            length = self._random.randrange(1 + self._random.choice([DAY, 8 * DAY, 100 * DAY, 800 * DAY]))
        return length if self._random.random() < 0.15 else -length

    def _value(self, name: str, kind: Kind, at: Micros) -> Json:
        if name in self._values:
            given: Json = self._random.choice(self._values[name])
            return given
        if name == "timezone":
            return self._random.choice(_ZONES)
        return self._of_kind(kind, at)

    def _of_kind(self, kind: Kind, at: Micros) -> Json:
        match kind:
            case Kind.NUMBER | Kind.MONEY:
                drawn = self._random.choice(self._numbers)
                return drawn if kind is Kind.NUMBER else max(-1e9, min(1e9, drawn))
            case Kind.FLAG:
                return self._random.random() < 0.5
            case Kind.TEXT:
                return self._random.choice(self._texts)
            case Kind.TAGS:
                return list(self._random.sample(self._texts, self._random.randrange(4)))
            case Kind.INSTANT:
                return format_instant(Micros(at + self._span()))
            case Kind.DATE:
                return self._date(at)

    def _date(self, at: Micros) -> str:
        """A birthday near today's month and day, years ago; now and then 29 February."""
        if self._random.random() < 0.1:
            return "2004-02-29"
        ahead = self._random.choice([-1, 0, 0, 1, 7, self._random.randrange(366)])
        day = to_datetime(at).date() + timedelta(days=ahead)
        safe = min(day.day, 28) if day.month == 2 else day.day
        years = self._random.choice([0, 1, 18, 25, 35, 65, self._random.randrange(90)])
        return day.replace(year=day.year - years, day=safe).isoformat()


def _scalars(value: Json) -> Iterator[str | int | float]:
    """The texts and numbers of a condition: data near them is where its answers change."""
    if isinstance(value, dict):
        for below in value.values():
            yield from _scalars(below)
    elif isinstance(value, list | tuple):
        for below in value:
            yield from _scalars(below)
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield value


def _near(value: str | int | float) -> list[float]:
    """A number of the condition, and its neighbours on both sides."""
    return [] if isinstance(value, str) else [value - 1, value, value, value + 1]
