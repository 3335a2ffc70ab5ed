"""Profiles as they are written: the first ones, and what people change about themselves later."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
from tests.quarter.knowledge import KINDS

from segmentd.population.flatten import flatten_attributes
from segmentd.population.kinds import Kind, Stored
from segmentd.sample.catalogue import GENDERS, INTERESTS, PLANS
from segmentd.sample.cities import CITIES
from segmentd.times import DAY, Micros, format_instant, parse_instant

Traits = Mapping[str, Any]
_EPOCH: Final = date(1970, 1, 1)


def stored(traits: Traits) -> dict[str, Stored | None]:
    """Traits as the arrays keep them, worked out here."""
    flat = flatten_attributes(traits)
    return {name: _stored(KINDS[name], value) for name, value in flat.items() if name in KINDS}


def _stored(kind: Kind, value: Any) -> Stored | None:
    match kind, value:
        case _, None:
            return None
        case Kind.DATE, _:
            return (date.fromisoformat(value) - _EPOCH).days
        case Kind.INSTANT, _:
            return int(parse_instant(value))
        case Kind.TAGS, _:
            return tuple(sorted(set(value)))
    return value  # type: ignore[no-any-return]


def change(random: np.random.Generator, now: Micros) -> Traits:
    """What somebody changes: one thing, or several that go together."""
    day = _EPOCH + timedelta(days=now // DAY)
    city = CITIES[random.integers(len(CITIES))]
    liked = random.random(len(INTERESTS)) < 0.25
    near = day + timedelta(days=int(random.integers(-3, 12)))
    choices: list[Traits] = [
        {"plan": PLANS[random.integers(len(PLANS))]},
        {"loyaltyPoints": int(random.integers(0, 1_000))},
        {"emailSubscribed": bool(random.random() < 0.5)},
        {"gender": [*GENDERS, None][random.integers(len(GENDERS) + 1)]},
        {"birthday": None},
        {"birthday": near.replace(year=1956 + 4 * int(random.integers(0, 12)), day=min(near.day, 28)).isoformat()},
        {"birthday": "1996-02-29"},
        {"interests": [name for name, like in zip(INTERESTS, liked, strict=True) if like]},
        {"timezone": [None, "Mars/Olympus", "Pacific/Auckland", "America/New_York"][random.integers(4)]},
        {"createdAt": format_instant(Micros(now - int(random.integers(0, 400 * DAY))))},
        {
            "address": {"city": city.name, "country": city.country},
            "location": {"latitude": city.latitude, "longitude": city.longitude},
            "timezone": city.timezone,
            "locale": city.locale,
        },
    ]
    return choices[random.integers(len(choices))]
