"""Where some deadline is always due by the time the last one was walked, answers for all users are still given."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

import pytest
from tests.service.opened import START, define

from segmentd.plugins.host import load_plugins
from segmentd.population.kinds import Json
from segmentd.service.items import EventWrite
from segmentd.service.member_snapshot import take_snapshot
from segmentd.service.service import Service
from segmentd.service.value_types import Currencies
from segmentd.service.watch_filter import WatchFilter
from segmentd.times import HOUR, MINUTE, FrozenClock, Micros

T = TypeVar("T")
USERS = 60
RECENT: Json = {"behavioral": {"event": "Login", "count": {"at_least": 1}, "within": "1d"}}


class Hurried(FrozenClock):
    """While `hurried`, a minute passes with every look."""

    hurried = False

    def now(self) -> Micros:
        if self.hurried:
            self.move_to(Micros(self._now + MINUTE))
        return self._now


@pytest.fixture
def clock() -> Hurried:
    return Hurried(START)


def ask(clock: Hurried, question: Callable[[Service], T]) -> T:
    """The answer of the engine's thread, while time passes and one user after the other leaves, one a minute."""

    async def begin(service: Service) -> None:
        await define(service, "recent", RECENT)
        await service.profiles.ingest(
            [EventWrite(f"u{each}", "Login", time=Micros(START - 23 * HOUR + each * MINUTE)) for each in range(USERS)]
        )

    def hurried() -> T:
        clock.move_to(Micros(START + HOUR))
        clock.hurried = True
        try:
            return question(service)
        finally:
            clock.hurried = False

    service = Service.open(":memory:", load_plugins(), clock, Currencies())
    try:
        asyncio.run(begin(service))
        return service._engine.thread.call(hurried).result()
    finally:
        service.close()


def still_there(at: Micros) -> set[str]:
    return {f"u{each}" for each in range(USERS) if START + HOUR + each * MINUTE > at}


def test_a_snapshot_is_of_one_instant_and_does_not_wait_for_an_idle_one(clock: Hurried) -> None:
    found = ask(clock, lambda service: take_snapshot(service._engine, WatchFilter(service._engine.live, None, None)))
    members = {name for piece in found.pieces() for name in piece.user_ids}
    assert members == still_there(found.at)
    assert members


def test_a_page_of_members_says_the_instant_at_which_they_are_members(clock: Hurried) -> None:
    page = ask(clock, lambda service: service.memberships._members("recent", 0, 1_000))
    assert set(page.user_ids) == still_there(page.at)
    assert page.user_ids
