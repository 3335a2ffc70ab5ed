"""What leaves the store changes no answer, and what would change one is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.service.opened import START, define, opened

from segmentd.errors import FailedPrecondition, InvalidInput, Reason
from segmentd.population.kinds import Json
from segmentd.service.items import EventWrite, ProfileWrite
from segmentd.service.merging import UserMerge
from segmentd.service.retention import EventDeclaration
from segmentd.service.service import Service
from segmentd.times import DAY, HOUR, FrozenClock, Micros

ZONES = ["Pacific/Apia", "America/St_Johns", "UTC", "Nowhere/Else"]
USERS = ["ada", "bob", "cyn"]
RULES: dict[str, Json] = {
    "week": {"behavioral": {"event": "Buy", "within": "7d", "count": {"at_least": 2}}},
    "not": {"not": {"behavioral": {"event": "Buy", "within": "3d"}}},
    "month": {"behavioral": {"event": "Buy", "within": "1mo", "sum": {"property": "revenue", "at_least": 5}}},
    "days": {"behavioral": {"event": "Buy", "during": {"unit": "day", "count": 3}, "distinct_days": {"at_least": 2}}},
    "weeks": {"behavioral": {"event": "Buy", "during": {"unit": "week", "count": 2}, "first": {"more_than_ago": "2d"}}},
    "spend": {"rfm": {"within": "9d", "events": {"completed": "Buy"}, "spend": {"at_least": 4}}},
    "stage": {"lifecycle": {"stage": "dormant", "model": {"events": ["Buy"], "active_within": "2d",
        "dormant_after": "4d", "lost_after": "9d", "power_days": 1}}},
}  # fmt: skip
KEEP = "34d"

_times = st.integers(0, 40 * 24).map(lambda hours: START - hours * HOUR)
_event = st.tuples(st.just("buy"), st.sampled_from(USERS), _times, st.integers(0, 4))
_step = st.one_of(
    _event,
    st.tuples(st.just("pass"), st.sampled_from([HOUR, 7 * HOUR, DAY, 3 * DAY, 8 * DAY, 31 * DAY])),
    st.tuples(st.just("zone"), st.sampled_from(USERS), st.sampled_from(ZONES)),
    st.tuples(st.just("restart")),
    st.tuples(st.just("merge"), st.sampled_from(USERS), st.sampled_from(USERS)),
)


class Pair:
    """The same history in a database that takes old events out, and in one that keeps everything."""

    def __init__(self, folder: Path) -> None:
        self.paths = [folder / "pruned.db", folder / "whole.db"]
        self.services = [opened(path) for path in self.paths]
        self.now = START

    async def begin(self) -> None:
        for service in self.services:
            for name, rule in RULES.items():
                await define(service, name, rule)
        await self.services[0].retention.declare([EventDeclaration("Buy", KEEP)])

    async def do(self, number: int, step: Sequence[Any]) -> None:
        match step:
            case ("buy", user, time, revenue):
                when = Micros(time + self.now - START)
                event = EventWrite(user, "Buy", f"m{number}", when, {"revenue": revenue})
                for service in self.services:
                    await service.profiles.ingest([event])
            case ("pass", length):
                self.now = Micros(self.now + length)
                for service in self.services:
                    await service.advance_clock(to=self.now)
            case ("zone", user, zone):
                for service in self.services:
                    await service.profiles.upsert([ProfileWrite(user, {"timezone": zone})])
            case ("merge", one, other):
                for service in self.services:
                    await service.identity.merge([UserMerge(one, other)])
            case _:
                await settled(self.services[0])
                for place, service in enumerate(self.services):
                    service.close()
                    self.services[place] = opened(self.paths[place], self.now)

    async def answers(self) -> list[dict[tuple[str, str], bool]]:
        return [
            {(user, name): (await service.memberships.check(user, name)).member for user in USERS for name in RULES}
            for service in self.services
        ]

    def close(self) -> None:
        for service in self.services:
            service.close()


def moves_of(service: Service) -> list[tuple[int, bool, int]]:
    """The moves of the log: segment, entered or left, user."""
    found = service._engine.thread.call(lambda: service._engine.store.transitions(None, 10_000)).result()
    return [(each.transition.segment_key, each.transition.entered, each.transition.user_key) for each in found]


async def settled(service: Service) -> None:
    """Wait until no old events are being taken out."""

    def nothing() -> Any:
        yield from ()

    while service._engine.pruning._under_way:
        await asyncio.wrap_future(service._engine.thread.background(nothing()))


@settings(max_examples=40, deadline=None)
@given(steps=st.lists(_step, max_size=25))
def test_what_leaves_changes_no_answer(tmp_path_factory: pytest.TempPathFactory, steps: list[Sequence[Any]]) -> None:
    pair = Pair(tmp_path_factory.mktemp("pair"))

    async def scenario() -> None:
        await pair.begin()
        for number, step in enumerate(steps):
            await pair.do(number, step)
            await settled(pair.services[0])
            pruned, whole = await pair.answers()
            assert pruned == whole
        await pair.do(-1, ("pass", 40 * DAY))
        await settled(pair.services[0])
        assert (await pair.services[0].status()).events == 0
        pruned, whole = await pair.answers()
        assert pruned == whole

    try:
        asyncio.run(scenario())
        moves = [moves_of(service) for service in pair.services]
        assert moves[0] == moves[1]
    finally:
        pair.close()


def test_a_rule_that_looks_back_further_than_events_are_kept_is_refused_at_its_place(service: Service) -> None:
    async def scenario() -> None:
        await service.retention.declare([EventDeclaration("Buy", "30d")])
        rule: Json = {"all": [{"not": {"behavioral": {"event": "Buy", "within": "31d"}}}]}
        for call in (define(service, "s", rule), service.evaluations.count(rule)):
            with pytest.raises(InvalidInput, match="Buy for 31d, but it is kept for 30d") as refused:
                await call
            assert refused.value.reason is Reason.INVALID_RULE
            assert [each.field for each in refused.value.violations] == ["rule.all[0].not.behavioral"]
        with pytest.raises(InvalidInput, match="for all time"):
            await define(service, "s", {"behavioral": {"event": "Buy"}})
        await define(service, "s", {"behavioral": {"event": "Buy", "within": "30d"}})

    asyncio.run(scenario())


def test_a_retention_that_segments_exceed_is_refused_and_names_them(service: Service) -> None:
    async def scenario() -> None:
        await define(service, "b", {"behavioral": {"event": "Buy", "within": "31d"}})
        await define(service, "a", {"behavioral": {"event": "Buy"}})
        await define(service, "c", {"behavioral": {"event": "Buy", "within": "1d"}})
        found = await service.retention.declare(
            [
                EventDeclaration("Buy", "30d"),
                EventDeclaration("View", "1d"),
                EventDeclaration("View", "2d"),
                EventDeclaration("Open", "1mo"),
                EventDeclaration("", "1d"),
                EventDeclaration("Open", "soon"),
            ]
        )
        first, *rest = found.results
        assert isinstance(first, FailedPrecondition)
        assert (first.reason, first.metadata) == (Reason.RETENTION_TOO_SHORT, {"event": "Buy", "segments": "a,b"})
        assert [each is None for each in rest] == [True, False, False, False, False]
        await service.segments.archive("a", "")
        assert (await service.retention.declare([EventDeclaration("Buy", "31d")])).results == [None]
        assert [(each.name, each.keep) for each in (await service.retention.names())[0]] == [
            ("Buy", "31d"),
            ("View", "1d"),
        ]
        before = (await service.retention.declare([EventDeclaration("View", "")])).revision
        assert (await service.retention.declare([EventDeclaration("View", "")])).revision == before
        assert [each.name for each in (await service.retention.names())[0]] == ["Buy"]

    asyncio.run(scenario())


def test_many_old_events_leave_in_small_commits(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segmentd.service.pruning.EVENTS", 10)
    monkeypatch.setattr("segmentd.service.pruning.USERS", 3)

    async def scenario() -> None:
        await define(service, "s", {"behavioral": {"event": "Buy", "within": "2d"}})
        writes = [EventWrite(f"u{i % 7}", "Buy", f"m{i}", Micros(START - i * HOUR)) for i in range(100)]
        before = (await service.profiles.ingest(writes)).revision
        after = (await service.retention.declare([EventDeclaration("Buy", "2d")])).revision
        await settled(service)
        assert (await service.status()).events == 48
        assert before < after < (await service.status()).revision - 5
        assert len(service._engine.live.users.tables["Buy"]) == 48

    asyncio.run(scenario())


def test_a_clock_that_jumps_while_old_events_are_looked_for_makes_another_pass_due(service: Service) -> None:
    """What grew old by the jump leaves too, though the clock stands still from then on."""
    engine, clock = service._engine, service._engine.clock
    assert isinstance(clock, FrozenClock)

    def begin_and_jump() -> None:
        engine.pruning.hurry()
        engine.thread.change(lambda: clock.move_to(Micros(START + 9 * DAY)))

    async def scenario() -> None:
        await service.profiles.ingest([EventWrite("u1", "Buy", "m1", START, {})])
        await service.retention.declare([EventDeclaration("Buy", "8d")])
        await settled(service)
        await asyncio.wrap_future(engine.thread.call(begin_and_jump))
        while engine.pruning.next_due() <= clock.now() or engine.pruning._under_way:
            await settled(service)
        assert (await service.status()).events == 0

    asyncio.run(scenario())
