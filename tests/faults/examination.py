"""What a database must be like after a kill, found out by opening it and by the engine tests' oracle."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from pathlib import Path

import numpy as np
from tests.engine.dialect import built_in_dialect
from tests.engine.oracle import Definition, Person, Rule, World

from segmentd.plugins.host import load_plugins
from segmentd.service.engine import Engine
from segmentd.service.seen import judge_overdue, see
from segmentd.service.segment_info import SegmentSpec
from segmentd.service.service import Service
from segmentd.service.value_types import Currencies
from segmentd.times import WallClock

SECOND = 1_000_000
RULES: dict[str, Rule] = {
    "often": {"tally": {"event": "E", "at_least": 40, "within": None}},
    "recent": {"tally": {"event": "E", "at_least": 1, "within": 2 * SECOND}},
    "calm": {"not": {"segment": "recent"}},
    "pro": {"all": [{"has": {"attribute": "plan", "equals": "pro"}}, {"not": {"segment": "often"}}]},
}


def prepare(path: Path) -> None:
    """A database with segments and nobody in them."""
    service = open_service(path)

    async def define() -> None:
        for name, rule in RULES.items():
            await service.segments.create(SegmentSpec(name, rule=built_in_dialect().said(rule)), "", "")

    asyncio.run(define())
    service.close()


def open_service(path: Path) -> Service:
    """The service as the server has it, on the wall clock."""
    return Service.open(path, load_plugins(), WallClock(), Currencies())


def examine(path: Path, acknowledged: set[str], batch: int) -> None:
    """Nothing acknowledged is missing, nothing is double or half there, and memberships are those of the data."""
    service = open_service(path)
    try:
        service._engine.thread.call(lambda: _examine(service._engine, acknowledged, batch)).result()
    finally:
        service.close()


def _examine(engine: Engine, acknowledged: set[str], batch: int) -> None:
    rows = engine.store._session.rows(
        "SELECT message_id, user_id, time FROM events JOIN users USING (user_key) ORDER BY event_key"
    )
    stored = [message_id for message_id, _, _ in rows]
    assert len(stored) == len(set(stored))
    assert acknowledged <= set(stored)
    assert engine.store.event_count() == len(stored)
    for message_id, user, time in rows:
        assert message_id.split("/")[2:] == [user, str(time)]
    _check_whole(stored, batch)
    assert engine.store._session.row("PRAGMA integrity_check") == ("ok",)
    _check_memberships(engine, [(user, time) for _, user, time in rows])
    _check_log(engine)


def _check_whole(stored: list[str], batch: int) -> None:
    """The events of one call were stored together or not at all: they are neighbours, in whole batches."""
    counts: dict[str, int] = defaultdict(int)
    for message_id in stored:
        counts[message_id.split("/")[0]] += 1
    assert all(count % batch == 0 for count in counts.values())


def _check_memberships(engine: Engine, events: list[tuple[str, int]]) -> None:
    live = engine.live
    world = World(segments={name: Definition(rule) for name, rule in RULES.items()})
    for user, row in live.users.index.items():
        key = int(live.user_keys(np.array([row]))[0])
        profile = engine.store.read_profiles([key])[key]
        world.people[user] = Person({"plan": "pro"} if b'"pro"' in profile.attributes else {})
    for user, time in events:
        world.people[user].events.append((time, "E"))
    users = list(world.people)
    seen = judge_overdue(live, see(live, users, engine.clock.now()))
    for plan in seen.catalogue.plans:
        members = {user for user, here in zip(users, seen.members(plan).tolist(), strict=True) if here}
        assert members == {user for user in users if world.member(plan.segment_id, user, seen.at)}


def _check_log(engine: Engine) -> None:
    """Played from the beginning, the log has everybody enter and leave in turns, and ends with the stored bits."""
    engine.tick()
    inside: dict[int, set[int]] = defaultdict(set)
    before = (0, 0)
    for each in engine.store.transitions(None, 10_000_000):
        assert (each.revision, each.offset) >= before
        before = each.revision, each.offset
        members = inside[each.transition.segment_key]
        assert (each.transition.user_key in members) is not each.transition.entered
        members ^= {each.transition.user_key}
    live = engine.live
    for plan in live.catalogue.plans:
        bits = live.memberships.bits(plan.slot, slice(0, len(live.users)))
        assert set(live.user_keys(np.flatnonzero(bits)).tolist()) == inside[plan.segment_key]
