"""The sample shop's people as profiles of twenty attributes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import orjson

from segmentd.population.flatten import flatten_attributes
from segmentd.records import ProfileRecord
from segmentd.sample.devices import context_of, release_of
from segmentd.sample.shop import Shop
from segmentd.sample.visits import Span
from segmentd.times import DAY, Micros

BATCH = 20_000
Profile = tuple[str, dict[str, Any]]
"""A user's id and attributes, flat."""


def people(shop: Shop) -> Iterator[Profile]:
    """Sixteen attributes of the person and four of the device, in the order of the ids. Some are missing for some."""
    day = shop.until // DAY - Span.year_before(shop.until).first_day
    for number, profile in enumerate(shop.profiles()):
        attributes = flatten_attributes(profile["traits"])
        lag = shop.people.lag_days[number : number + 1]
        context = context_of(int(shop.people.device[number]), int(release_of(day - lag * 0, lag)[0]))
        attributes["app.version"] = context["app"]["version"]
        attributes["os.name"] = context["os"]["name"]
        attributes["device.type"] = context["device"]["type"]
        if "model" in context["device"]:
            attributes["device.model"] = context["device"]["model"]
        yield profile["userId"], attributes


def records(profiles: Iterator[Profile], at: Micros) -> Iterator[tuple[list[tuple[int, str]], list[ProfileRecord]]]:
    """Batches of users with keys from 1 on, and their profiles, all written at one instant."""
    first = 1
    while batch := list(islice(profiles, BATCH)):
        users = [(key, user_id) for key, (user_id, _) in enumerate(batch, first)]
        written = [
            ProfileRecord(
                key,
                orjson.dumps(attributes),
                b"{}",
                orjson.dumps(dict.fromkeys(attributes, at)),
                Micros(at),
                Micros(at),
            )
            for key, (_, attributes) in enumerate(batch, first)
        ]
        yield users, written
        first += len(batch)
