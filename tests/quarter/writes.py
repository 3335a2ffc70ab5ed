"""Events as the service is told of them, and what careless clients send besides."""

from __future__ import annotations

import numpy as np
import orjson
from numpy.typing import NDArray
from tests.quarter.deliveries import Deliveries
from tests.quarter.supply import Supply

from segmentd.service.items import EventWrite
from segmentd.times import MIN_INSTANT, Instants, Micros

Numbers = NDArray[np.int64]


class Writes:
    """Makes writes of events by number; an event has the same message id and content each time."""

    def __init__(self, random: np.random.Generator, supply: Supply, deliveries: Deliveries) -> None:
        self._random = random
        self._supply = supply
        self._deliveries = deliveries
        self._sent = deliveries.past

    def events(self, numbers: Numbers) -> list[EventWrite]:
        """Each of them once."""
        return [self._event(number) for number in numbers.tolist()]

    def with_repetitions(self, numbers: Numbers) -> tuple[list[EventWrite], int, int]:
        """Each of them, some of them twice, some that came long ago, some message ids with other content.

        How many are duplicates, and how many use a message id again.
        """
        size = 1 + len(numbers) // 50
        twice = numbers[self._random.random(len(numbers)) < 0.02]
        again, other = self._random.choice(self._sent, size), self._random.choice(self._sent, size)
        self._sent = np.concatenate([self._sent, numbers])
        items = [*self.events(again), *self.events(numbers), *self.events(twice)]
        items += [EventWrite("somebody-else", each.name, each.message_id) for each in self.events(other)]
        return items, len(again) + len(twice), len(other)

    def times(self, numbers: Numbers, instant: int) -> Instants:
        """Their times as stated; of those that state none, the instant of their receipt."""
        stated = self._deliveries.stated[numbers]
        return np.where(stated == MIN_INSTANT, instant, stated)

    def _event(self, number: int) -> EventWrite:
        supply, stated = self._supply, int(self._deliveries.stated[number])
        return EventWrite(
            supply.user_ids[supply.user[number]],
            supply.names[supply.name[number]],
            f"m{number}",
            None if stated == MIN_INSTANT else Micros(stated),
            orjson.loads(supply.payloads[number]),
            supply.contexts[supply.context[number]],
        )
