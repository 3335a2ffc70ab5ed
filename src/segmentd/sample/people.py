"""Draws the customers, all at once, and writes each as a profile in the names of the Segment spec."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from segmentd.sample.behaviours import BEHAVIOURS, Behaviour
from segmentd.sample.catalogue import FIRST_NAMES, GENDERS, INTERESTS, LAST_NAMES, PLANS
from segmentd.sample.cities import CITIES
from segmentd.sample.devices import DEVICES
from segmentd.sample.seasons import EPOCH
from segmentd.sample.stamps import stamps
from segmentd.times import DAY, MINUTE, Instants, Micros

_BLOCK: Final = 65_536
_NO_BIRTHDAY: Final = 0.08
_NO_GENDER: Final = 0.1


@dataclass(frozen=True, slots=True)
class People:
    """One array element a customer; `stopped` is the instant after which the customer came no more."""

    group: NDArray[np.int64]
    joined: Instants
    stopped: Instants
    city: NDArray[np.int64]
    device: NDArray[np.int64]
    other_device: NDArray[np.int64]
    lag_days: NDArray[np.int64]
    mail: NDArray[np.bool_]


def draw_people(random: np.random.Generator, count: int, until: Micros) -> People:
    """`count` customers; every group has its share, so that even a small shop has each of them."""
    group = _groups(random, count)
    device = _weighted(random, [device.weight for device in DEVICES], count)
    lag = random.exponential(9.0, count).astype(np.int64)
    on_the_web = np.array([device.type == "web" for device in DEVICES])[device]
    return People(
        group=group,
        joined=until - MINUTE - _ago(random, group, [behaviour.joined for behaviour in BEHAVIOURS]),
        stopped=until - _ago(random, group, [behaviour.stopped for behaviour in BEHAVIOURS]),
        city=_weighted(random, [city.weight for city in CITIES], count),
        device=device,
        other_device=_weighted(random, [device.weight for device in DEVICES], count),
        lag_days=np.where(on_the_web, 0, lag),
        mail=random.random(count) < 0.7,
    )


def profiles(people: People, random: np.random.Generator, until: Micros) -> Iterator[dict[str, Any]]:
    """One `{userId, timestamp, traits}` a customer, in the order of their ids."""
    for start in range(0, len(people.group), _BLOCK):
        block = slice(start, min(start + _BLOCK, len(people.group)))
        yield from _profiles(people, random, block, until)


def user_name(number: int) -> str:
    """The id of the customer with this index."""
    return f"u{number:07d}"


def _groups(random: np.random.Generator, count: int) -> NDArray[np.int64]:
    ends = np.cumsum([behaviour.share for behaviour in BEHAVIOURS]) * count
    return random.permutation(np.searchsorted(ends, np.arange(count) + 0.5)).clip(max=len(BEHAVIOURS) - 1)


def _weighted(random: np.random.Generator, weights: list[int], count: int) -> NDArray[np.int64]:
    shares = np.array(weights, dtype=np.float64)
    return random.choice(len(weights), size=count, p=shares / shares.sum())


def _ago(random: np.random.Generator, group: NDArray[np.int64], ranges: list[tuple[int, int]]) -> Instants:
    """Microseconds, uniform within each group's range of days."""
    bounds = np.array(ranges, dtype=np.float64)[group]
    days = bounds[:, 0] + random.random(len(group)) * (bounds[:, 1] - bounds[:, 0])
    return (days * DAY).astype(np.int64)


def _profiles(people: People, random: np.random.Generator, block: slice, until: Micros) -> Iterator[dict[str, Any]]:
    count = block.stop - block.start
    gender = random.choice(3, size=count, p=[0.52, 0.45, 0.03])
    ages = np.clip(random.gamma(9.0, 4.2, count) + 10, 16, 95)
    birthdays = until // DAY - (ages * 365.25).astype(np.int64)
    columns = zip(
        range(block.start, block.stop),
        [BEHAVIOURS[group] for group in people.group[block].tolist()],
        [CITIES[city] for city in people.city[block].tolist()],
        np.where(random.random(count) < _NO_GENDER, -1, gender).tolist(),
        random.integers(0, 1 << 30, size=(count, 2)).tolist(),
        np.where(random.random(count) < _NO_BIRTHDAY, 0, birthdays).tolist(),
        stamps(people.joined[block]),
        random.normal(0.0, 0.06, size=(count, 2)).tolist(),
        random.exponential(400.0, count).astype(np.int64).tolist(),
        (random.random((count, len(INTERESTS))) < 0.22).tolist(),
        np.searchsorted([0.7, 0.92], random.random(count)).tolist(),
        people.mail[block].tolist(),
        strict=True,
    )
    for number, behaviour, city, sex, names, birthday, joined, shift, points, likes, plan, mail in columns:
        first = FIRST_NAMES[sex if sex >= 0 else names[0] % 2]
        traits: dict[str, Any] = {
            "firstName": first[names[0] % len(first)],
            "lastName": LAST_NAMES[names[1] % len(LAST_NAMES)],
            "email": f"{user_name(number)}@example.com",
            "createdAt": joined,
            "address": {"city": city.name, "country": city.country},
            "location": {
                "latitude": round(city.latitude + shift[0], 4),
                "longitude": round(city.longitude + shift[1], 4),
            },
            "timezone": city.timezone,
            "locale": city.locale,
            "loyaltyPoints": _points(behaviour, points),
            "plan": PLANS[plan],
            "interests": [interest for interest, liked in zip(INTERESTS, likes, strict=True) if liked],
            "emailSubscribed": mail,
        }
        if sex >= 0:
            traits["gender"] = GENDERS[sex]
        if birthday:
            traits["birthday"] = (EPOCH + timedelta(days=birthday)).isoformat()
        yield {"userId": user_name(number), "timestamp": joined, "traits": traits}


def _points(behaviour: Behaviour, points: int) -> int:
    """Those who buy more have more points; nobody has more than 5,000."""
    return min(5_000, int(points * behaviour.visits * behaviour.buys / 3))
