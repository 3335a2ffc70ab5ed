"""The sample shop as one object: drawn once, then read as often as wanted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from segmentd.sample.events import EventWriter
from segmentd.sample.people import People, draw_people, profiles
from segmentd.sample.timeline import Timeline, lay_out
from segmentd.sample.visits import Span, Visits, draw_visits
from segmentd.times import Micros, parse_instant

DEFAULT_USERS: Final = 3_000
DEFAULT_SEED: Final = 1
EARLIEST: Final = parse_instant("1980-01-01T00:00:00Z")
LATEST: Final = parse_instant("2200-01-01T00:00:00Z")


@dataclass(frozen=True, slots=True)
class Shop:
    """Customers and the year of events before `until`; the same for the same seed, size, end and activity."""

    seed: int
    until: Micros
    people: People
    visits: Visits
    timeline: Timeline

    def profiles(self) -> Iterator[dict[str, Any]]:
        """`{userId, timestamp, traits}`, one a customer, in the order of their ids."""
        return profiles(self.people, _random(self.seed, 3), self.until)

    def events(self) -> Iterator[dict[str, Any]]:
        """`{messageId, userId, event, timestamp, properties, context}`, in the order of time.

        Contexts are shared between events: do not change them.
        """
        return EventWriter(self.seed, self.people, self.visits, self.timeline, Span.year_before(self.until)).events()


def draw_shop(until: Micros, users: int = DEFAULT_USERS, seed: int = DEFAULT_SEED, activity: float = 1.0) -> Shop:
    """Draws a shop. At activity 1 there are about 38 events a customer, in step with it.

    Raises ValueError where there are fewer than 1 users, the activity is negative or `until` is not in 1980 to 2199.
    """
    if users < 1 or activity < 0:
        raise ValueError("a shop has at least one user and no negative activity")
    if not EARLIEST <= until < LATEST:
        raise ValueError("the events of a shop end between 1980 and 2200")
    span = Span.year_before(until)
    people = draw_people(_random(seed, 0), users, until)
    visits = draw_visits(_random(seed, 1), people, span, until, activity)
    timeline = lay_out(_random(seed, 2), people, visits, span, until)
    return Shop(seed, until, people, visits, timeline)


def _random(seed: int, part: int) -> np.random.Generator:
    """A stream of its own for each part, so that a change in one leaves the others as they are."""
    return np.random.Generator(np.random.PCG64([seed, part]))
