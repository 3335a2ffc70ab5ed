"""What has been said so far, in plain arrays that only grow; and a population made of all of it, anew each time."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from tests.quarter.coded import Coded
from tests.quarter.supply import Supply

from segmentd.population.dataset import Dataset
from segmentd.population.kinds import Kind, Stored
from segmentd.times import MINUTE, Instants

SKEW: Final = 5 * MINUTE
KINDS: Final = {
    "gender": Kind.TEXT,
    "address.city": Kind.TEXT,
    "address.country": Kind.TEXT,
    "timezone": Kind.TEXT,
    "locale": Kind.TEXT,
    "plan": Kind.TEXT,
    "birthday": Kind.DATE,
    "createdAt": Kind.INSTANT,
    "location.latitude": Kind.NUMBER,
    "location.longitude": Kind.NUMBER,
    "loyaltyPoints": Kind.NUMBER,
    "emailSubscribed": Kind.FLAG,
    "interests": Kind.TAGS,
    "list:beta": Kind.FLAG,
}
"""The attributes that are known apart from what devices tell; others are nobody's concern."""
Numbers = NDArray[np.int64]


class Knowledge:
    """Users are known by number. `arrived` are numbers of events in the order of arrival, beside them their times."""

    def __init__(self, supply: Supply) -> None:
        self.supply = supply
        size = len(supply.user_ids)
        self.known = np.zeros(size, dtype=np.bool_)
        self._attributes = {name: Coded(kind, size) for name, kind in KINDS.items()}
        self._arrived: list[tuple[Numbers, Instants, Instants]] = []

    @property
    def events(self) -> int:
        """How many events are known."""
        return sum(len(numbers) for numbers, _, _ in self._arrived)

    def say(self, user: int, values: Mapping[str, Stored | None]) -> None:
        """Attributes of one user; None removes one."""
        self.known[user] = True
        for name, value in values.items():
            if name in KINDS:
                self._attributes[name].put(user, value)

    def arrive(self, numbers: Numbers, stated: Instants, instant: int) -> None:
        """Events that came at an instant; their times as stated, the receipt's where that is a little ahead."""
        self.known[self.supply.user[numbers]] = True
        ahead = (stated > instant) & (stated <= instant + SKEW)
        self._arrived.append((numbers, np.where(ahead, instant, stated), np.full(len(numbers), instant)))

    def attributes(self) -> dict[str, Coded]:
        """The value that each user, known or not, has of each attribute."""
        numbers, times, receipts = self._all()
        return {name: each.copy() for name, each in self._attributes.items()} | self._devices(
            numbers, np.minimum(times, receipts)
        )

    def population(self, attributes: Mapping[str, Coded], events: Mapping[str, Set[str]]) -> tuple[Dataset, Numbers]:
        """A dataset of all known users, made anew, with these attributes and events; and the user of each row."""
        users = np.flatnonzero(self.known)
        dataset = Dataset()
        for user in users.tolist():
            dataset.add_user(self.supply.user_ids[user])
        for name, coded in attributes.items():
            coded.fill(dataset.column(name, coded.kind), users)
        rows = np.cumsum(self.known) - 1
        numbers, times, _ = self._all()
        for name, properties in events.items():
            if name in self.supply.names:
                here = self.supply.name[numbers] == self.supply.names.index(name)
                self._load(dataset, rows, name, properties, numbers[here], times[here])
        return dataset, users

    def _all(self) -> tuple[Numbers, Instants, Instants]:
        empty = np.zeros(0, dtype=np.int64)
        columns: Any = zip(*self._arrived, strict=True) if self._arrived else [(empty,)] * 3
        numbers, times, receipts = (np.concatenate(each) for each in columns)
        return numbers, times, receipts

    def _devices(self, numbers: Numbers, times: Instants) -> dict[str, Coded]:
        """What the latest context that has it says, by the event's time, then by arrival."""
        users = self.supply.user[numbers]
        order = np.lexsort((np.arange(len(numbers)), times, users))
        users, contexts = users[order], self.supply.context[numbers[order]]
        found = {}
        for name, values in self.supply.devices.items():
            latest = found[name] = Coded(values.kind, len(self.known), values.distinct)
            codes = values.data[contexts]
            latest.data[users[codes >= 0]] = codes[codes >= 0]  # of several for one user the last one stays
        return found

    def _load(
        self, dataset: Dataset, rows: Numbers, name: str, properties: Set[str], numbers: Numbers, times: Instants
    ) -> None:
        owners = rows[self.supply.user[numbers]]
        order = np.lexsort((np.arange(len(numbers)), times, owners))
        known = {each: self.supply.properties.get((name, each)) for each in sorted(properties)}
        table = dataset.tables[name] = dataset.new_table({key: c.kind if c else None for key, c in known.items()})
        table.load(owners[order], times[order])
        for key, coded in known.items():
            if coded is not None:
                coded.fill(table.columns[key], numbers[order])
