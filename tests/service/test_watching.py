"""A watch sees every move of the log once and in order, wherever it begins, ends and goes on."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.service.opened import define, opened
from tests.service.watched import (
    ALWAYS,
    PRO,
    USERS,
    Step,
    all_moves,
    logged,
    make,
    members,
    moves,
    parts,
    replayed,
    segments,
    small,
    steps,
)

from segmentd.errors import InvalidInput, NotFound
from segmentd.records import END_OFFSET, START, Position
from segmentd.service.items import ProfileWrite
from segmentd.service.log_naming import NamedMove
from segmentd.service.service import Service
from segmentd.service.watch_parts import Checkpoint, Led, Members, Part, Start, Wanted

SLOW = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


async def history(service: Service, made: list[Step]) -> None:
    await segments(service)
    for step in made:
        await make(service, step)


@SLOW
@given(made=steps(), page=st.integers(1, 7), tail=st.integers(1, 40), in_memory=st.booleans())
def test_a_watch_resumed_after_any_position_sees_the_rest(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    made: list[Step],
    page: int,
    tail: int,
    in_memory: bool,
) -> None:
    async def test(service: Service) -> None:
        await history(service, made)
        log = await logged(service)
        assert [move.logged for move in await all_moves(service)] == log
        for index, each in enumerate(log):
            wanted = Wanted(start=each.position, checkpoint_interval=0.001)
            rest = moves(await parts(service, wanted, service._engine.tail.end))
            assert [move.logged for move in rest] == log[index + 1 :]

    service = opened(":memory:" if in_memory else tmp_path_factory.mktemp("watch") / "db")
    small(service, monkeypatch, page, tail)
    try:
        asyncio.run(test(service))
    finally:
        service.close()


@SLOW
@given(made=steps(), page=st.integers(1, 7), tail=st.integers(1, 40), segment=st.sampled_from(("pro", "both")))
def test_watches_that_begin_amid_the_history_see_what_follows(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    made: list[Step],
    page: int,
    tail: int,
    segment: str,
) -> None:
    """Each begins with a snapshot, or with nothing, and at its end has the members that there are."""

    async def snapshot_and_moves(service: Service, until: asyncio.Future[Position]) -> None:
        found: list[Part] = []
        async with aclosing(service.watching.watch(Wanted(start=Start.SNAPSHOT, checkpoint_interval=0.005))) as watch:
            async for part in watch:
                found.append(part)
                if not isinstance(part, Members | Led) and until.done() and part.position >= until.result():
                    break
        assert replayed(members(found), moves(found)) == await now(service)

    async def filtered(service: Service, until: asyncio.Future[Position], first: list[Position]) -> None:
        wanted = Wanted([segment], ["a", "z", "c"], checkpoint_interval=0.005)
        found: list[NamedMove] = []
        async with aclosing(service.watching.watch(wanted)) as watch:
            async for part in watch:
                if isinstance(part, Checkpoint) and not first:
                    first.append(part.position)
                found += moves([part])
                if not isinstance(part, Members | Led) and until.done() and part.position >= until.result():
                    break
        everything = [move for move in await all_moves(service) if move.logged.position > first[0]]
        assert found == [move for move in everything if move.segment_id == segment and move.user_id in "ac"]

    async def test(service: Service) -> None:
        await segments(service)
        until: asyncio.Future[Position] = asyncio.get_running_loop().create_future()
        watches = []
        for step in made:
            watches += [asyncio.create_task(snapshot_and_moves(service, until))]
            watches += [asyncio.create_task(filtered(service, until, []))]
            await make(service, step)
        until.set_result(service._engine.tail.end)
        await asyncio.wait_for(asyncio.gather(*watches), 60)

    service = opened(tmp_path_factory.mktemp("watch") / "db")
    small(service, monkeypatch, page, tail)
    try:
        asyncio.run(test(service))
    finally:
        service.close()


async def now(service: Service) -> dict[str, set[str]]:
    """Who is a member of what, by asking for each user."""
    result: dict[str, set[str]] = {}
    for user in USERS:
        found = await service.memberships.user_segments(user, {}, "", 100, with_leaves=False)
        for plan, _ in found.members:
            result.setdefault(plan.segment_id, set()).add(user)
    return result


def test_a_quiet_watch_gets_checkpoints_that_move_on(service: Service) -> None:
    async def test() -> None:
        await segments(service)
        wanted = Wanted(["recent"], checkpoint_interval=0.005)
        seen: list[Position] = []
        async with aclosing(service.watching.watch(wanted)) as watch:
            async for part in watch:
                assert isinstance(part, Checkpoint)
                assert part.revision == part.position.revision
                seen.append(part.position)
                if len(seen) == 4:
                    break
                await make(service, ("plan", "a", len(seen) % 2))
        assert seen == sorted(set(seen))
        assert seen[-1].revision > seen[0].revision
        assert not moves(await parts(service, Wanted(["recent"], start=seen[1], checkpoint_interval=0.005), seen[3]))

    asyncio.run(test())


def test_a_user_nobody_has_written_about_is_followed_from_its_first_move(service: Service) -> None:
    async def test() -> None:
        await segments(service)
        async with aclosing(service.watching.watch(Wanted(user_ids=["new"]))) as watch:
            assert isinstance(await anext(watch), Checkpoint)
            waiting = asyncio.ensure_future(anext(watch))
            await make(service, ("all", "a", 0))
            await service.profiles.upsert([ProfileWrite("new", {"plan": "pro"})])
            assert [move.user_id for move in moves([await waiting])] == ["new"]

    asyncio.run(test())


def test_a_segment_that_is_created_later_is_in_a_watch_of_all(service: Service) -> None:
    async def test() -> None:
        await make(service, ("all", "a", 0))
        async with aclosing(service.watching.watch(Wanted())) as watch:
            await anext(watch)
            await define(service, "late", PRO)
            assert {move.segment_id for move in moves([await anext(watch)])} == {"late"}

    asyncio.run(test())


def test_an_archived_segment_has_a_past_and_its_id_a_future(service: Service) -> None:
    async def test() -> None:
        await segments(service)
        await make(service, ("all", "a", 0))
        await service.segments.archive("both", "")
        await service.segments.archive("pro", "")
        past = await all_moves(service, segment_ids=["pro"])
        assert [move.logged.transition.entered for move in past] == [True] * len(USERS) + [False] * len(USERS)
        async with aclosing(service.watching.watch(Wanted(["pro"]))) as watch:
            await anext(watch)
            await define(service, "pro", ALWAYS)
            assert len(moves([await anext(watch)])) == len(USERS)
        assert len(await all_moves(service, segment_ids=["pro"])) == 3 * len(USERS)

    asyncio.run(test())


def test_an_unknown_segment_is_refused(service: Service) -> None:
    async def test() -> None:
        with pytest.raises(NotFound, match="nowhere"):
            await anext(service.watching.watch(Wanted(["nowhere"])))

    asyncio.run(test())


@pytest.mark.parametrize("position", [Position(99, 0), Position(0, -2), Position(-1, 0), Position(3, END_OFFSET + 1)])
def test_a_position_that_is_none_of_this_log_is_refused(service: Service, position: Position) -> None:
    async def test() -> None:
        await segments(service)
        with pytest.raises(InvalidInput) as seen:
            await anext(service.watching.watch(Wanted(start=position)))
        assert seen.value.reason == "POSITION_INVALID"

    asyncio.run(test())


def test_a_failed_segment_has_its_logged_members_in_a_snapshot(tmp_path: Path) -> None:
    async def before(service: Service) -> None:
        await segments(service)
        await make(service, ("login", "a", 0))
        await make(service, ("plan", "b", 0))

    async def after(service: Service) -> None:
        found = await parts(service, Wanted(start=Start.SNAPSHOT), START)
        assert members(found) == {"recent": {"a"}, "pro": {"b"}}
        chosen = await parts(service, Wanted(["recent"], ["b"], start=Start.SNAPSHOT), START)
        assert members(chosen) == {}

    for disabled, scenario in (((), before), (("behavioral",), after)):
        service = opened(tmp_path / "db", disabled=disabled)
        try:
            asyncio.run(scenario(service))
        finally:
            service.close()


def test_what_watchers_share_is_gone_with_the_last_of_them(service: Service) -> None:
    async def test() -> None:
        watches = [service.watching.watch(Wanted()) for _ in range(3)]
        for watch in watches:
            await anext(watch)
        assert len(service._engine.tail._callbacks) == 1
        for watch in watches:
            await watch.aclose()
        assert not service._engine.tail._callbacks
        assert not service.watching._desks

    asyncio.run(test())
