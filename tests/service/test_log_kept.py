"""A service that keeps little of its log answers as before, resumes, restarts, and says what it no longer tells."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pytest
from tests.service.opened import START, define, member

from segmentd.errors import OutOfRange, Reason
from segmentd.plugins.host import load_plugins
from segmentd.population.kinds import Json
from segmentd.records import END_OFFSET, Position
from segmentd.records import START as LOG_START
from segmentd.service.items import EventWrite, ProfileWrite
from segmentd.service.log_retention import LogKeep
from segmentd.service.service import Service
from segmentd.service.value_types import Currencies
from segmentd.storage import LogReads
from segmentd.times import DAY, FrozenClock, Micros

SHORT = LogKeep(moves=20)
USERS = [f"u{number}" for number in range(7)]


def _opened(path: str | Path, at: Micros = START, keep: LogKeep = SHORT, disabled: Collection[str] = ()) -> Service:
    return Service.open(path, load_plugins(disabled), FrozenClock(at), Currencies(), log_keep=keep)


async def _toggle(service: Service, days: int) -> None:
    """Each day every third user goes in or out."""
    for day in range(days):
        await service.advance_clock(by=Micros(DAY))
        chosen = USERS[day % 3 :: 3]
        await service.profiles.upsert([ProfileWrite(user, {"plan": "pro" if day % 2 else "free"}) for user in chosen])
        _finish(service)


def _finish(service: Service) -> None:
    """Until the log is as short as it is to be."""
    thread, retention = service._engine.thread, service._engine.log_retention
    while thread.call(lambda: retention._under_way is not None).result():
        pass


async def _told(service: Service) -> tuple[int, int]:
    """How many moves the log tells, and its members of the segment compared with the checks: the same or not."""
    engine = service._engine
    key = engine.live.segments["pro"].segment_key
    start = engine.log_reader.run(lambda reads: reads.log_start()).result().position
    moves = engine.log_reader.run(lambda reads: reads.transitions(start, 10_000)).result()
    members = engine.log_reader.run(lambda reads: reads.members(key)).result()
    checked = [user for user in USERS if user in engine.live.users.index and await member(service, user, "pro")]
    rows = np.array(sorted(engine.live.users.index[user] for user in checked), np.int64)
    assert members.tolist() == engine.live.user_keys(rows).tolist()
    return len(moves), len(checked)


@pytest.mark.parametrize("name", [":memory:", "segments.db"])
def test_a_short_log_changes_no_answer(tmp_path: Path, name: str) -> None:
    async def scenario() -> None:
        service = _opened(name if name == ":memory:" else tmp_path / name)
        try:
            await define(service, "pro", {"attribute": {"plan": {"equals": "pro"}}})
            await _toggle(service, 60)
            moves, members = await _told(service)
            assert 10 <= moves <= 25
            assert 0 < members < len(USERS)
            with pytest.raises(OutOfRange) as seen:
                service._engine.log_reader.run(_from_start).result()
            assert seen.value.reason is Reason.POSITION_COMPACTED
        finally:
            service.close()

    asyncio.run(scenario())


def _from_start(reads: LogReads) -> object:
    return reads.transitions(LOG_START, 10)


def test_after_a_restart_the_log_goes_on(tmp_path: Path) -> None:
    async def scenario() -> None:
        service = _opened(tmp_path / "segments.db")
        await define(service, "pro", {"attribute": {"plan": {"equals": "pro"}}})
        await _toggle(service, 40)
        now, end = service._engine.clock.now(), service._engine.tail.end
        service.close()
        service = _opened(tmp_path / "segments.db", now)
        try:
            assert service._engine.tail.end == end
            await _told(service)
            await _toggle(service, 5)
            found = service._engine.log_reader.run(lambda reads: reads.transitions(end, 1_000)).result()
            held = service._engine.tail.read(end, 1_000)
            assert held is not None
            assert held.transitions == found
            assert held.position == Position(service._engine.live.revision, END_OFFSET)
            await _told(service)
        finally:
            service.close()

    asyncio.run(scenario())


def test_tail_and_log_say_the_same(tmp_path: Path) -> None:
    async def scenario() -> None:
        service = _opened(tmp_path / "segments.db", keep=LogKeep())
        try:
            begin = service._engine.tail.end
            await define(service, "pro", {"attribute": {"plan": {"equals": "pro"}}})
            await _toggle(service, 10)
            await service.segments.archive("pro", "")
            found = service._engine.log_reader.run(lambda reads: reads.transitions(begin, 1_000)).result()
            held = service._engine.tail.read(begin, 1_000)
            assert held is not None
            assert held.transitions == found
            assert len(found) > 10
        finally:
            service.close()

    asyncio.run(scenario())


def test_the_log_is_looked_at_although_there_is_always_a_deadline() -> None:
    async def steps(service: Service) -> int:
        recent: Json = {"behavioral": {"event": "Login", "count": {"at_least": 1}, "within": "1h"}}
        await define(service, "recent", recent)
        await service.profiles.ingest([EventWrite("u", "Login")])
        engine = service._engine

        def late() -> int:
            assert isinstance(engine.clock, FrozenClock)
            engine.clock.move_to(Micros(START + 2 * DAY))
            engine.step()
            return engine.log_retention.next_due()

        return await asyncio.wrap_future(engine.thread.call(late))

    service = _opened(":memory:", keep=LogKeep(age=Micros(30 * DAY)))
    try:
        assert asyncio.run(steps(service)) > START + 2 * DAY
    finally:
        service.close()


def test_who_was_in_a_segment_since_before_the_log_leaves_it_by_erasure_though_it_cannot_be_judged(
    tmp_path: Path,
) -> None:
    async def before(service: Service) -> Micros:
        await define(service, "buyers", {"behavioral": {"event": "Buy"}})
        await service.profiles.ingest([EventWrite("ada", "Buy"), EventWrite("bob", "Buy")])
        await define(service, "pro", {"attribute": {"plan": {"equals": "pro"}}})
        await _toggle(service, 60)
        return service._engine.clock.now()

    async def erased(service: Service) -> None:
        engine = service._engine
        key, ada = (engine.live.segments["buyers"].segment_key, engine.live.user_key(engine.live.users.index["ada"]))
        start = engine.log_reader.run(lambda reads: reads.log_start()).result().position
        told = engine.log_reader.run(lambda reads: reads.transitions(start, 100, users=[ada])).result()
        assert not told, "it is before the log"
        await service.identity.erase("ada")
        (left,) = engine.log_reader.run(lambda reads: reads.transitions(start, 100, users=[ada])).result()
        assert (left.transition.segment_key, left.transition.entered, left.transition.cause) == (key, False, "ERASURE")
        members = engine.log_reader.run(lambda reads: reads.members(key)).result()
        assert members.tolist() == [engine.live.user_key(engine.live.users.index["bob"])]

    service = _opened(tmp_path / "db")
    now = asyncio.run(before(service))
    service.close()
    service = _opened(tmp_path / "db", now, disabled=["behavioral"])
    asyncio.run(erased(service))
    service.close()
