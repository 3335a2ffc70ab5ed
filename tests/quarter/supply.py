"""What will happen in the shop, drawn by the project's own generator, as arrays: nobody knows any of it yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray
from tests.quarter.coded import Coded

from segmentd.population.kinds import Kind, Stored
from segmentd.sample import Shop
from segmentd.times import Instants, parse_instant

_MONEY: Final = ("revenue", "total", "discount")
_CLASSES: Final = {"ios": "phone", "android": "phone", "web": "desktop"}
"""What every phone and computer of the generator is; its tablets are those with iPadOS."""


@dataclass(frozen=True, slots=True, eq=False)
class Supply:
    """n users and m events by number. `user`, `name`, `time`, `context` int64 (m,): whose, which, when, on what.

    `payloads` are the properties as JSON; `properties` the values of those that somebody reads, (m,), by event and
    name. `devices` are attributes that contexts give, by name, a value for each context.
    """

    user_ids: list[str]
    traits: list[dict[str, Any]]
    joined: Instants
    user: NDArray[np.int64]
    name: NDArray[np.int64]
    time: Instants
    context: NDArray[np.int64]
    names: list[str]
    contexts: list[dict[str, Any]]
    payloads: list[bytes]
    properties: dict[tuple[str, str], Coded]
    devices: dict[str, Coded]


def draw(shop: Shop, reads: Mapping[str, frozenset[str]], guests: list[str]) -> Supply:
    """Everything of a shop; `reads` are the properties to keep, by event; `guests` users of whom nothing comes."""
    people = list(shop.profiles())
    user_ids = [each["userId"] for each in people] + guests
    numbers = {user: number for number, user in enumerate(user_ids)}
    events = _Events(numbers, reads)
    for each in shop.events():
        events.add(each)
    user, name, time, context = (np.array(column, dtype=np.int64) for column in events.columns)
    return Supply(
        user_ids,
        [each["traits"] for each in people] + [{} for _ in guests],
        np.array([parse_instant(each["timestamp"]) for each in people] + [0 for _ in guests], dtype=np.int64),
        user,
        name,
        time,
        context,
        list(events.names),
        list(events.contexts.values()),
        events.payloads,
        events.coded(),
        _devices(list(events.contexts.values())),
    )


class _Events:
    """Collects events one by one."""

    def __init__(self, numbers: Mapping[str, int], reads: Mapping[str, frozenset[str]]) -> None:
        self._numbers = numbers
        self._reads = reads
        self.columns: tuple[list[int], ...] = ([], [], [], [])
        self.names: dict[str, int] = {}
        self.contexts: dict[int, dict[str, Any]] = {}
        self._places: dict[int, int] = {}
        self.payloads: list[bytes] = []
        self._values: dict[tuple[str, str], list[tuple[int, Any]]] = {}

    def add(self, event: dict[str, Any]) -> None:
        name, context, properties = event["event"], event["context"], event["properties"]
        self.contexts[id(context)] = context  # the generator shares them between events
        row = (
            self._numbers[event["userId"]],
            self.names.setdefault(name, len(self.names)),
            parse_instant(event["timestamp"]),
            self._places.setdefault(id(context), len(self._places)),
        )
        for column, value in zip(self.columns, row, strict=True):
            column.append(value)
        for each in self._reads.get(name, frozenset()) & properties.keys():
            self._values.setdefault((name, each), []).append((len(self.payloads), properties[each]))
        self.payloads.append(bytes(memoryview(orjson.dumps(properties))))  # a copy without the room it was written in

    def coded(self) -> dict[tuple[str, str], Coded]:
        found: dict[tuple[str, str], Coded] = {}
        for (name, each), values in self._values.items():
            kind = Kind.MONEY if each in _MONEY else Kind.TEXT if isinstance(values[0][1], str) else Kind.NUMBER
            column = found[name, each] = Coded(kind, len(self.payloads))
            for position, value in values:
                column.put(position, round(value * 1_000_000) if kind is Kind.MONEY else value)
        return found


def _devices(contexts: list[dict[str, Any]]) -> dict[str, Coded]:
    """The attributes of each context that segments ask for; the class is what the user agent tells."""
    found = {name: Coded(Kind.TEXT, len(contexts)) for name in ("os.name", "os.version", "app.version", "device.class")}
    for place, context in enumerate(contexts):
        os, tablet = context["os"], context["os"]["name"] == "iPadOS"
        values: dict[str, Stored | None] = {
            "os.name": os["name"],
            "os.version": os.get("version"),
            "app.version": context["app"]["version"],
            "device.class": "tablet" if tablet else _CLASSES[context["device"]["type"]],
        }
        for name, value in values.items():
            found[name].put(place, value)
    return found
