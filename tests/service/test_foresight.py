"""A crowd whose deadlines are near: what becomes of it is known before, and nobody waits for the wave."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.mapping.site import Site
from tests.service.busy import busy_engine, move
from tests.service.opened import START, define, member, opened
from tests.service.test_on_the_spot import RECENT

from segmentd.errors import StorageFailed
from segmentd.mapping import private_files
from segmentd.mapping.elsewhere import Elsewhere, Why
from segmentd.service import aside, foresight
from segmentd.service.items import EventWrite
from segmentd.service.memberships import Memberships
from segmentd.service.segment_info import SegmentSpec
from segmentd.service.service import Service
from segmentd.times import HOUR, MINUTE, Micros

USERS = tuple("abcdefg")
DUE = START + HOUR


@pytest.fixture(autouse=True)
def a_few_are_a_crowd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foresight, "_CROWD", 5)
    monkeypatch.setattr(foresight, "_ROWS", 2)


async def crowd(service: Service, size: int = len(USERS)) -> None:
    """So many users who leave at DUE, a minute before that."""
    await define(service, "recent", RECENT)
    await service.profiles.ingest([EventWrite(user, "Login", time=START) for user in USERS[:size]])
    await service.advance_clock(to=Micros(DUE - MINUTE))
    await settled(service)


async def settled(service: Service) -> None:
    """The engine has looked ahead at this instant, and has done what there was to do."""
    engine = service._engine

    def looked() -> bool:
        return engine.foresight._next > engine.clock.now() and not engine.foresight._under_way

    while not await asyncio.wrap_future(engine.thread.call(looked)):
        pass


async def while_the_engine_is_busy(service: Service, asking: Callable[[], Awaitable[object]]) -> object:
    """What is answered meanwhile, just after the deadline."""
    async with busy_engine(service):
        move(service, DUE)
        return await asking()


def nobody_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("somebody was judged on the spot")

    monkeypatch.setattr(Memberships, "_judge_aside", refuse)
    monkeypatch.setattr(Memberships, "_on_engine", refuse)


def test_an_overdue_user_of_a_crowd_is_answered_without_being_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    async def steps(service: Service) -> object:
        await crowd(service)
        assert await member(service, "a", "recent")
        with monkeypatch.context() as patch:
            nobody_is_judged(patch)

            async def asked() -> list[bool]:
                return [await member(service, user, "recent") for user in USERS]

            return await while_the_engine_is_busy(service, asked)

    service = opened()
    try:
        assert asyncio.run(steps(service)) == [False] * len(USERS)
    finally:
        service.close()


def test_fewer_than_a_crowd_are_judged_on_the_spot() -> None:
    async def steps(service: Service) -> None:
        await crowd(service, 4)
        assert service._engine.live.memberships.foreseen is None

    service = opened()
    try:
        asyncio.run(steps(service))
    finally:
        service.close()


def test_what_is_written_about_a_user_ends_what_was_foreseen(monkeypatch: pytest.MonkeyPatch) -> None:
    async def steps(service: Service) -> object:
        await crowd(service)
        await service.profiles.ingest([EventWrite("a", "Login")])

        async def asked() -> list[bool]:
            return [await member(service, user, "recent") for user in ("a", "b")]

        return await while_the_engine_is_busy(service, asked)

    service = opened()
    try:
        assert asyncio.run(steps(service)) == [True, False]
    finally:
        service.close()


def test_a_definition_that_changes_ends_what_was_foreseen() -> None:
    async def steps(service: Service) -> object:
        await crowd(service)
        assert service._engine.live.memberships.foreseen is not None
        await define(service, "gone", {"not": {"segment": "recent"}})

        async def asked() -> list[bool]:
            return [await member(service, "a", name) for name in ("recent", "gone")]

        return await while_the_engine_is_busy(service, asked)

    service = opened()
    try:
        assert asyncio.run(steps(service)) == [False, True]
    finally:
        service.close()


def test_the_wave_makes_the_same_moves_and_gives_the_room_back() -> None:
    async def steps(service: Service) -> int:
        await crowd(service)
        advanced = await service.advance_clock(to=Micros(DUE))
        await service.advance_clock(to=Micros(DUE + MINUTE))
        engine = service._engine
        while await asyncio.wrap_future(engine.thread.call(lambda: engine.live.memberships.foreseen is not None)):
            pass
        return advanced.transitions

    service = opened()
    try:
        assert asyncio.run(steps(service)) == len(USERS)
    finally:
        service.close()


def test_a_worker_answers_what_was_foreseen_and_leaves_nobody_to_the_engine(tmp_path: Path) -> None:
    async def steps(site: Site) -> object:
        await crowd(site.service)

        async def asked() -> list[bool]:
            site.engine.live.publication.set_clock(site.engine.clock)
            single = [(await site.mapped.check(user, "recent")).member for user in USERS]
            seen = await site.mapped.see(USERS)
            plan = seen.catalogue.entries["recent"].plan
            assert plan is not None
            return [*single, *seen.members(plan).tolist()]

        return await while_the_engine_is_busy(site.service, asked)

    site = Site(tmp_path)
    try:
        assert asyncio.run(steps(site)) == [False] * 2 * len(USERS)
    finally:
        site.service.close()


def test_while_new_plans_are_judged_nobody_reads_what_was_foreseen_without_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def steps(site: Site) -> object:
        await crowd(site.service)
        spec = SegmentSpec("gone", rule={"not": {"segment": "recent"}})
        edit = site.engine._edited(lambda: site.service.segments._edits.creation(spec, "", ""))
        await asyncio.wrap_future(site.engine.thread.call(lambda: next(edit)))

        async def asked() -> str:
            site.engine.live.publication.set_clock(site.engine.clock)
            with pytest.raises(Elsewhere) as info:
                await site.mapped.check("g", "recent")
            return info.value.why

        found = await while_the_engine_is_busy(site.service, asked)
        edit.close()
        return found

    monkeypatch.setattr(aside, "CHUNK", 2)
    site = Site(tmp_path)
    try:
        assert asyncio.run(steps(site)) is Why.OVERDUE
    finally:
        site.service.close()


def test_without_room_on_the_disk_nothing_is_foreseen_and_the_engine_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    make = private_files.create

    def full(path: Path, size: int) -> int:
        if path.name.startswith("foreseen"):
            raise StorageFailed(f"{path} cannot be made: the disk is full")
        return make(path, size)

    async def steps(site: Site) -> tuple[object, bool]:
        monkeypatch.setattr(private_files, "create", full)
        await crowd(site.service)

        async def asked() -> list[bool]:
            site.engine.live.publication.set_clock(site.engine.clock)
            with pytest.raises(Elsewhere):
                await site.mapped.check("a", "recent")
            return [await member(site.service, user, "recent") for user in USERS]

        return await while_the_engine_is_busy(site.service, asked), "the disk is full" in caplog.text

    site = Site(tmp_path)
    try:
        assert asyncio.run(steps(site)) == ([False] * len(USERS), True)
    finally:
        site.service.close()
