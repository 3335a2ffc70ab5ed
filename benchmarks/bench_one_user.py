"""One stored user against 100 segments, evaluated and explained, beside flagsmith-flag-engine and GrowthBook."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import cycle
from statistics import median
from typing import Any

from figures import medians, show, size_options
from flag_engines import COUNTRIES, PEERS, PLANS, Flagsmith, GrowthBook, wanted
from seeding import NOW

from segmentd.plugins.host import load_plugins
from segmentd.service.items import ProfileWrite
from segmentd.service.segment_info import SegmentSpec
from segmentd.service.service import Service
from segmentd.service.value_types import Currencies
from segmentd.times import FrozenClock

USERS = 1_000
Traits = dict[str, Any]


def drawn_users(size: int) -> dict[str, Traits]:
    draw = random.Random(7)
    return {
        f"u{number}": {
            "loyaltyPoints": draw.randrange(600),
            "country": draw.choice(COUNTRIES),
            "plan": draw.choice(PLANS),
            **{f"extra{place}": draw.random() for place in range(17)},
        }
        for number in range(size)
    }


async def filled(service: Service, users: dict[str, Traits], segments: int) -> None:
    await service.profiles.upsert([ProfileWrite(user, traits) for user, traits in users.items()])
    for name, each in wanted(segments).items():
        await service.segments.create(SegmentSpec(name, rule=each.rule()), "", "")


async def evaluated(service: Service, segments: list[str], user_id: str) -> set[str]:
    """The segments of a user, judged anew."""
    answer = (await service.evaluations.stored(user_id, {}, segments, None)).evaluations[0]
    return {name for name, judged in zip(segments, answer.segments, strict=True) if judged.member}


async def explained(service: Service, segments: list[str], user_id: str) -> None:
    """Why the user is in each of the segments or not, one question after another."""
    for name in segments:
        await service.memberships.explain(user_id, name, with_leaves=False)


async def awaited(ask: Callable[[str], Awaitable[object]], users: list[str]) -> float:
    """Median microseconds for one user."""
    taken = []
    for user in users:
        start = time.perf_counter()
        await ask(user)
        taken.append(time.perf_counter() - start)
    return median(taken) * 1e6


def called(ask: Callable[[str, Traits], object], users: list[tuple[str, Traits]]) -> float:
    """The same of a peer, which is given what it has to know about the user."""
    taken = []
    for user, traits in users:
        start = time.perf_counter()
        ask(user, traits)
        taken.append(time.perf_counter() - start)
    return median(taken) * 1e6


def main() -> None:
    sizes = size_options({"segments": 5, "rounds": 1, "calls": 3}, segments=100, rounds=5, calls=100)
    users, names = drawn_users(USERS), list(wanted(sizes.segments))
    engines = (Flagsmith(wanted(sizes.segments)), GrowthBook(wanted(sizes.segments)))
    service = Service.open(":memory:", load_plugins(), FrozenClock(NOW), Currencies())
    try:
        asyncio.run(filled(service, users, sizes.segments))
        for user, traits in list(users.items())[:50]:
            found = asyncio.run(evaluated(service, names, user))
            if any(engine.matches(user, traits) != found for engine in engines):
                raise SystemExit(f"the engines differ about {user}")
        following = cycle(list(users.items()))
        chosen = [next(following) for _ in range(sizes.calls)]
        few = [user for user, _ in chosen[: max(1, sizes.calls // 10)]]
        sides = (
            lambda: asyncio.run(awaited(partial(evaluated, service, names), [user for user, _ in chosen])),
            lambda: asyncio.run(awaited(partial(explained, service, names), few)),
            *(partial(called, engine.matches, chosen) for engine in engines),
        )
        evaluation, explanation, *others = medians(sizes.rounds, *sides)
        for peer, other in zip(PEERS, others, strict=True):
            show("one user: evaluated", evaluation, "µs", peer, other, segments=sizes.segments)
        quickest = min(others)
        peer = PEERS[others.index(quickest)]
        show("one user: evaluated, the quickest", evaluation, "µs", peer, quickest, segments=sizes.segments)
        show("one user: explained, a question a segment", explanation, "µs", peer, quickest, segments=sizes.segments)
    finally:
        service.close()


if __name__ == "__main__":
    main()
