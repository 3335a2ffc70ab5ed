"""A crowd whose deadlines are near: what becomes of it is known before, and nobody waits for the wave."""

from __future__ import annotations

import asyncio

import pytest
from tests.service.crowds import DUE, USERS, gather, make_a_few_a_crowd, overdue, recent
from tests.service.opened import define, member

from segmentd.service.items import EventWrite
from segmentd.service.memberships import Memberships
from segmentd.service.service import Service
from segmentd.times import MINUTE, Micros


@pytest.fixture(autouse=True)
def a_few_are_a_crowd(monkeypatch: pytest.MonkeyPatch) -> None:
    make_a_few_a_crowd(monkeypatch)


def nobody_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("somebody was judged on the spot")

    monkeypatch.setattr(Memberships, "_judge_aside", refuse)
    monkeypatch.setattr(Memberships, "_on_engine", refuse)


def test_an_overdue_user_of_a_crowd_is_answered_without_being_judged(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def steps() -> tuple[list[bool], list[bool]]:
        await gather(service)
        before = await recent(service)
        nobody_is_judged(monkeypatch)
        async with overdue(service):
            return before, await recent(service)

    assert asyncio.run(steps()) == ([True] * len(USERS), [False] * len(USERS))


def test_fewer_than_a_crowd_are_judged_on_the_spot(service: Service) -> None:
    async def steps() -> list[bool]:
        await gather(service, 4)
        assert service._engine.live.memberships.foreseen is None
        async with overdue(service):
            return await recent(service)

    assert asyncio.run(steps()) == [False] * len(USERS)


def test_what_is_written_about_a_user_ends_what_was_foreseen(service: Service) -> None:
    async def steps() -> list[bool]:
        await gather(service)
        await service.profiles.ingest([EventWrite("a", "Login")])
        async with overdue(service):
            return await recent(service)

    assert asyncio.run(steps()) == [True, *[False] * (len(USERS) - 1)]


def test_a_definition_that_changes_ends_what_was_foreseen(service: Service) -> None:
    async def steps() -> list[bool]:
        await gather(service)
        assert service._engine.live.memberships.foreseen is not None
        await define(service, "gone", {"not": {"segment": "recent"}})
        async with overdue(service):
            return [await member(service, "a", name) for name in ("recent", "gone")]

    assert asyncio.run(steps()) == [False, True]


def test_the_wave_makes_the_same_moves_and_gives_the_room_back(service: Service) -> None:
    async def steps() -> int:
        await gather(service)
        advanced = await service.advance_clock(to=Micros(DUE))
        await service.advance_clock(to=Micros(DUE + MINUTE))
        engine = service._engine
        while await asyncio.wrap_future(engine.thread.call(lambda: engine.live.memberships.foreseen is not None)):
            pass
        return advanced.transitions

    assert asyncio.run(steps()) == len(USERS)
