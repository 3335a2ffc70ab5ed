"""Watches of users who are merged or erased, and of a log that is shortened."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import pytest
from tests.service.opened import opened
from tests.service.watched import all_moves, logged, make, moves, parts, segments

from segmentd.errors import OutOfRange
from segmentd.records import START
from segmentd.service.items import ProfileWrite
from segmentd.service.log_naming import NamedMove
from segmentd.service.merging import UserMerge
from segmentd.service.service import Service
from segmentd.service.watch_parts import Part, Start, Wanted


def brief(found: list[NamedMove]) -> list[tuple[str, bool, str]]:
    return [(move.user_id, move.logged.transition.entered, str(move.logged.transition.cause)) for move in found]


async def plan(service: Service, user: str, name: str) -> None:
    await service.profiles.upsert([ProfileWrite(user, {"plan": name})])


def test_the_id_of_a_merged_user_is_followed_to_its_survivor(tmp_path: Path) -> None:
    """Also by a watch that was there before, and by one that begins after a restart."""
    expected = [
        ("anonymous", True, "ATTRIBUTE"),
        ("anonymous", False, "MERGE"),
        ("known", False, "ATTRIBUTE"),
    ]

    async def before(service: Service) -> None:
        await segments(service)
        async with aclosing(service.watching.watch(Wanted(["pro"], ["anonymous"]))) as watch:
            await anext(watch)
            await plan(service, "anonymous", "pro")
            found = moves([await anext(watch)])
            waiting = asyncio.ensure_future(anext(watch))
            await service.identity.merge([UserMerge("anonymous", "known")])
            found += moves([await waiting])
            await plan(service, "known", "free")
            while len(found) < 4:
                found += moves([await anext(watch)])
        assert [each for each in brief(found) if each != ("known", True, "MERGE")] == expected

    async def after(service: Service) -> None:
        found = brief(await all_moves(service, segment_ids=["pro"], user_ids=["anonymous"]))
        assert [each for each in found if each != ("known", True, "MERGE")] == expected

    for scenario in (before, after):
        service = opened(tmp_path / "db")
        try:
            asyncio.run(scenario(service))
        finally:
            service.close()


def test_an_erased_user_leaves_a_move_without_its_id(tmp_path: Path) -> None:
    async def test(service: Service) -> None:
        await segments(service)
        for user in ("a", "b"):
            await plan(service, user, "pro")
        whole = await all_moves(service)
        live = service.watching.watch(Wanted())
        await anext(live)
        await service.identity.erase("a")
        for found in (
            moves([await anext(live)]),
            moves(await parts(service, Wanted(start=whole[1].logged.position), service._engine.tail.end)),
        ):
            assert brief(found) == [("", False, "ERASURE")]
            assert found[0].logged.transition.user_key == whole[0].logged.transition.user_key
        resumed = Wanted(user_ids=["a"], start=whole[1].logged.position)
        assert brief(moves(await parts(service, resumed, service._engine.tail.end))) == [("", False, "ERASURE")]
        assert brief(await all_moves(service)) == [("b", True, "ATTRIBUTE"), ("", False, "ERASURE")]
        await live.aclose()

    service = opened(tmp_path / "db")
    try:
        asyncio.run(test(service))
    finally:
        service.close()


def compact(service: Service, revision: int) -> None:
    """On the engine's thread, as the service does it."""

    def run() -> None:
        for _ in service._engine.store.compact(revision):
            pass

    service._engine.thread.call(run).result()


async def last_of(watch: AsyncGenerator[Part, None]) -> list[Part]:
    return [part async for part in watch]


@pytest.mark.parametrize("begun", [False, True])
def test_a_position_that_was_compacted_away_says_so(tmp_path: Path, begun: bool) -> None:
    """Also to a watcher that is overtaken."""

    async def test(service: Service) -> None:
        await segments(service)
        for number in range(6):
            await make(service, ("plan", "a", number % 2))
        whole = await all_moves(service)
        watch = service.watching.watch(Wanted(start=whole[0].logged.position))
        checkpoint = await anext(watch) if begun else None
        service._engine.tail.clear()
        compact(service, whole[3].logged.revision)
        with pytest.raises(OutOfRange) as seen:
            await last_of(watch)
        assert (seen.value.reason, checkpoint is not None) == ("POSITION_COMPACTED", begun)
        assert "snapshot" in seen.value.message
        rest = [move.logged for move in whole if move.logged.position > whole[3].logged.position]
        assert [move.logged for move in await all_moves(service)] == rest == await logged(service)
        (snapshot_end,) = await parts(service, Wanted(start=Start.SNAPSHOT), START)
        assert not moves([snapshot_end])

    service = opened(tmp_path / "db")
    try:
        asyncio.run(test(service))
    finally:
        service.close()
