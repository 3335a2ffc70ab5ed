"""History of users who were merged or erased, of segments that ended, and of a log that was shortened."""

from __future__ import annotations

import asyncio

import pytest
from tests.service.opened import START, define
from tests.service.test_history import listed

from segmentd.errors import NotFound, OutOfRange, Reason
from segmentd.population.kinds import Json
from segmentd.service.history import Wanted
from segmentd.service.items import ProfileWrite
from segmentd.service.log_naming import NamedMove
from segmentd.service.merging import UserMerge
from segmentd.service.service import Service
from segmentd.times import DAY, HOUR, Micros, format_instant

RICH: Json = {"attribute": {"points": {"at_least": 5}}}


async def write(service: Service, user: str, points: int) -> None:
    await service.profiles.upsert([ProfileWrite(user, {"points": points})])


async def wait(service: Service, micros: int) -> None:
    await service.advance_clock(by=Micros(micros))


def told(moves: list[NamedMove]) -> list[tuple[str, bool, str]]:
    return [(move.user_id, move.logged.transition.entered, move.logged.transition.cause) for move in moves]


async def merged(service: Service) -> None:
    """The phone is rich from the first hour on, Ada is poor; on the second day the phone turns out to be hers."""
    await define(service, "rich", RICH)
    await write(service, "ada", 1)
    await wait(service, HOUR)
    await write(service, "phone", 9)
    await wait(service, DAY)
    await service.identity.merge([UserMerge("phone", "ada")])
    await wait(service, DAY)


def test_an_absorbed_id_has_the_history_of_the_survivor(service: Service) -> None:
    async def scenario() -> None:
        await merged(service)
        for name in ("ada", "phone"):
            was = await service.history.check_at(name, "rich", Micros(START + 2 * HOUR))
            assert (was.member, was.user_id) == (False, "ada")
            page = await service.history.moves(Wanted(name), None, 10)
            assert (page.moves, page.user_id) == ([], "ada")
        moves = await listed(service, Wanted(segment_id="rich"), 10)
        assert told(moves) == [("phone", True, "ATTRIBUTE"), ("phone", False, "MERGE")]

    asyncio.run(scenario())


def test_an_absorbed_user_counts_in_the_matrix_as_what_it_was(service: Service) -> None:
    async def scenario() -> None:
        await merged(service)
        before, between, after = (Micros(START + each) for each in (HOUR - 1, 2 * HOUR, 2 * DAY))
        matrix, _ = await service.history.migration(["rich"], before, between)
        assert matrix.counts.tolist() == [[0, 0], [1, 1]]
        assert (matrix.users, matrix.created_users, matrix.created.tolist()) == (2, 1, [1, 0])
        matrix, _ = await service.history.migration(["rich"], between, after)
        assert matrix.counts.tolist() == [[0, 1], [0, 1]]
        assert (matrix.users, matrix.created_users, matrix.moved) == (2, 0, 1)

    asyncio.run(scenario())


def test_ids_that_are_nobody_do_not_count_in_the_matrix(service: Service) -> None:
    async def scenario() -> None:
        await merged(service)
        await service.identity.merge([UserMerge("alias", "ada"), UserMerge("a", "b"), UserMerge("b", "ada")])
        await wait(service, HOUR)
        await service.identity.merge([UserMerge("new", "other")])
        await wait(service, HOUR)
        start, end = Micros(START + 2 * DAY), Micros(START + 2 * DAY + 3 * HOUR)
        matrix, _ = await service.history.migration(["rich"], start, end)
        assert (matrix.users, matrix.created_users) == (2, 1)
        assert matrix.counts.tolist() == [[0, 0], [0, 2]]
        assert (await service.status()).users == 2

    asyncio.run(scenario())


def test_of_an_erased_user_only_the_leaving_is_told(service: Service) -> None:
    async def scenario() -> None:
        await define(service, "rich", RICH)
        await write(service, "ada", 9)
        await write(service, "bob", 9)
        await wait(service, DAY)
        await service.identity.erase("ada")
        await wait(service, DAY)
        with pytest.raises(NotFound) as unknown:
            await service.history.check_at("ada", "rich", START)
        assert unknown.value.reason is Reason.USER_NOT_FOUND
        moves = await listed(service, Wanted(segment_id="rich"), 10)
        assert told(moves) == [("bob", True, "ATTRIBUTE"), ("", False, "ERASURE")]
        matrix, _ = await service.history.migration(["rich"], Micros(START + HOUR), Micros(START + 2 * DAY))
        assert (matrix.counts.tolist(), matrix.users) == ([[1, 0], [0, 0]], 1)

    asyncio.run(scenario())


def test_before_the_start_of_a_shortened_log_nothing_is_told(service: Service) -> None:
    async def scenario() -> None:
        await define(service, "rich", RICH)
        for points in (9, 1, 9):
            await wait(service, HOUR)
            await write(service, "ada", points)
        await wait(service, HOUR)
        second = (await listed(service, Wanted("ada"), 10))[1].logged
        engine = service._engine
        await asyncio.wrap_future(engine.thread.background(engine.store.compact(second.revision)))
        start = second.transition.effective_time
        refused = [
            service.history.check_at("ada", "rich", Micros(start - 1)),
            service.history.migration(["rich"], Micros(start - 1), Micros(start + HOUR)),
            service.history.moves(Wanted("ada", start=start), None, 10),
            service.history.moves(Wanted("ada", start=start, newest_first=True), None, 10),
        ]
        oldest = [start, start, Micros(start + 1), Micros(start + 1)]
        for question, instant in zip(refused, oldest, strict=True):
            with pytest.raises(OutOfRange) as compacted:
                await question
            assert compacted.value.reason is Reason.HISTORY_COMPACTED
            assert compacted.value.metadata == {"oldest_time": format_instant(instant)}
        for newest in (False, True):
            page = await service.history.moves(Wanted("ada", newest_first=newest), None, 10)
            assert (told(list(page.moves)), page.oldest) == ([("ada", True, "ATTRIBUTE")], Micros(start + 1))
        was = await service.history.check_at("ada", "rich", start)
        assert (was.member, was.since, was.until) == (False, None, start + HOUR)
        matrix, _ = await service.history.migration(["rich"], start, Micros(start + HOUR))
        assert matrix.counts.tolist() == [[0, 0], [1, 0]]

    asyncio.run(scenario())


def test_a_page_whose_moves_were_compacted_away_is_refused(service: Service) -> None:
    async def scenario() -> None:
        await define(service, "rich", RICH)
        for points in (9, 1, 9, 1):
            await wait(service, HOUR)
            await write(service, "ada", points)
        engine, history = service._engine, service.history
        first = await history.moves(Wanted("ada"), None, 1)
        assert first.after is not None
        third = (await listed(service, Wanted("ada"), 10))[2].logged
        await asyncio.wrap_future(engine.thread.background(engine.store.compact(third.revision)))
        with pytest.raises(OutOfRange) as compacted:
            await history.moves(Wanted("ada"), first.after, 1)
        assert compacted.value.reason is Reason.HISTORY_COMPACTED
        assert compacted.value.metadata == {"oldest_time": format_instant(Micros(third.transition.effective_time + 1))}
        page = await history.moves(Wanted("ada"), third.position, 10)
        assert told(list(page.moves)) == [("ada", False, "ATTRIBUTE")]

    asyncio.run(scenario())
