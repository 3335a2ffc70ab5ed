"""A user whose own horizon has passed is judged on the spot, whatever the engine's thread is busy with."""

from __future__ import annotations

import asyncio

import pytest
from tests.service.busy import busy_engine, move
from tests.service.opened import START, define, member

from segmentd.engine.stage import Stage
from segmentd.errors import Internal, MovesWait, Reason, StorageFailed
from segmentd.population.kinds import Json
from segmentd.service.change import Change
from segmentd.service.engine import Engine
from segmentd.service.items import EventWrite
from segmentd.service.seen import Seen
from segmentd.service.segment_info import SegmentSpec
from segmentd.service.service import Service
from segmentd.service.written import Written
from segmentd.storage import Store
from segmentd.times import HOUR, Micros

RECENT: Json = {"behavioral": {"event": "Login", "count": {"at_least": 1}, "within": "1h"}}


async def one_login(service: Service) -> None:
    await define(service, "recent", RECENT)
    await service.profiles.ingest([EventWrite("u", "Login")])


def test_an_overdue_user_does_not_wait_for_the_engines_thread(service: Service) -> None:
    async def steps() -> tuple[bool, bool, bool]:
        await one_login(service)
        async with busy_engine(service):
            before = await member(service, "u", "recent")
            move(service, START + 2 * HOUR)
            after = await member(service, "u", "recent")
        return before, after, await member(service, "u", "recent")

    assert asyncio.run(steps()) == (True, False, False)


class Refused(Change):
    """A change that finds out that it cannot be made."""

    def write(self, store: Store, instant: Micros) -> Written:
        return Written()

    def judged(self, store: Store, stage: Stage, revision: int, instant: Micros) -> None:
        raise Internal(Reason.EVALUATION_FAILED, "the new model cannot be judged with")


def test_a_change_that_was_refused_leaves_columns_that_may_be_judged_by(service: Service) -> None:
    async def steps() -> None:
        await one_login(service)
        committer = service._engine.committer
        with pytest.raises(Internal):
            await asyncio.wrap_future(
                service._engine.thread.change(lambda: committer.commit(Refused(), committer.next_instant()))
            )
        assert not service._engine.live.ahead

    asyncio.run(steps())


def test_columns_that_are_ahead_of_the_published_answers_are_not_judged_by(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit failed after it changed a column: until memory is loaded anew, an overdue user waits for the engine."""

    def refuse(*_: object) -> None:
        raise StorageFailed("the disk is full")

    async def steps() -> tuple[list[Seen | None], bool]:
        await one_login(service)
        move(service, START + 2 * HOUR)
        live, memberships = service._engine.live, service.memberships
        commit = service._engine.committer.commit
        seen: list[Seen | None] = []

        def commit_and_look(*arguments: object, **more: object) -> int:
            try:
                return commit(*arguments, **more)  # type: ignore[arg-type]  # passed on as it came
            finally:
                assert live.ahead
                seen.append(memberships._judge_aside(["u"]))

        with monkeypatch.context() as patch:
            patch.setattr(Store, "insert_event_batch", refuse)
            patch.setattr(service._engine.committer, "commit", commit_and_look)
            with pytest.raises(StorageFailed):
                await service.profiles.ingest([EventWrite("u", "Login")])
        return seen, await member(service, "u", "recent")

    assert asyncio.run(steps()) == ([None], False)
    assert not service._engine.live.ahead


def test_what_needs_all_moves_is_refused_where_they_cannot_be_recorded_and_nothing_is_loaded_anew(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise StorageFailed("the disk is full")

    async def steps() -> list[str]:
        await one_login(service)
        move(service, START + 2 * HOUR)
        refused = []
        with monkeypatch.context() as patch:
            patch.setattr(Store, "advance", refuse)
            patch.setattr(Engine, "recover", lambda _: pytest.fail("nothing is ahead of the disk"))
            for ask in (
                lambda: service.memberships.members("recent", -1, 10),
                lambda: service.evaluations.count(RECENT),
                lambda: service.segments.preview_update(SegmentSpec("recent", rule=RECENT), ["rule"], "", "", "", 5),
                lambda: anext(service.exports.export("u")),
                lambda: service.history.check_at("u", "recent", Micros(START + HOUR)),
            ):
                with pytest.raises(MovesWait) as refusal:
                    await ask()
                refused.append(refusal.value.message)
            assert not await member(service, "u", "recent")
        assert (await service.memberships.members("recent", -1, 10)).user_ids == []
        assert not (await service.history.check_at("u", "recent", Micros(START + 2 * HOUR))).member
        return refused

    assert asyncio.run(steps()) == ["the disk is full"] * 5
