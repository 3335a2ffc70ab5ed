"""Events of a shop, drawn at random: as callers write them, and as the database stores them."""

from __future__ import annotations

import random
from itertools import count
from typing import Final

import orjson
from seeded_rules import EVENTS

from segmentd.population.kinds import Json
from segmentd.records import EventRecord
from segmentd.service.items import EventWrite
from segmentd.times import Micros, parse_instant

NOW: Final = parse_instant("2026-11-21T12:00:00Z")
_CATEGORIES: Final = ("running", "yoga", "cycling", "outdoor")
_MONTH: Final = 30 * 86_400 * 1_000_000


class Drawn:
    """Events of random users, names and times of the last 30 days, each with a message id of its own.

    The ids of two of another `prefix` never meet.
    """

    def __init__(self, users: int, prefix: str = "message") -> None:
        self._users = users
        self._prefix = prefix
        self._draw = random.Random(7)
        self._numbers = count()

    def writes(self, size: int) -> list[EventWrite]:
        return [self._write() for _ in range(size)]

    def records(self, size: int) -> list[EventRecord]:
        return [self._record(self._write()) for _ in range(size)]

    def _write(self) -> EventWrite:
        draw = self._draw
        properties: dict[str, Json] = {
            "product_id": f"p{draw.randrange(500)}",
            "price": draw.randrange(100, 10_000) / 100,
            "category": draw.choice(_CATEGORIES),
            "revenue": draw.randrange(100, 10_000) / 100,
        }
        user, message_id = f"u{draw.randrange(self._users)}", f"{self._prefix}-{next(self._numbers)}"
        time_of_event = Micros(NOW - draw.randrange(_MONTH))
        return EventWrite(user, draw.choice(EVENTS), message_id, time_of_event, properties)

    def _record(self, write: EventWrite) -> EventRecord:
        properties, key = orjson.dumps(write.properties), int(write.user_id[1:]) + 1
        message_id, digest = write.message_id, self._draw.randbytes(16)
        time_of_event = write.time if write.time is not None else NOW
        return EventRecord(key, write.name, time_of_event, NOW, properties, b"{}", message_id, digest)
