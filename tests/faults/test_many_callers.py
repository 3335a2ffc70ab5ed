"""Many callers at once, each in a thread and loop of its own: everybody sees what it wrote."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from segmentd.plugins.host import load_plugins
from segmentd.service.items import EventWrite, ProfileWrite
from segmentd.service.segment_info import SegmentSpec
from segmentd.service.service import Service
from segmentd.service.value_types import Currencies
from segmentd.times import WallClock

THREADS = 8
TASKS = 4
WRITES = 12


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    service = Service.open(tmp_path / "segmentd.db", load_plugins(), WallClock(), Currencies())
    rules = {
        "even": {"attribute": {"turn": {"equals": "even"}}},
        "many": {"behavioral": {"event": "E", "count": {"at_least": WRITES}}},
        "not-even": {"not": {"segment": "even"}},
    }

    async def define() -> None:
        for name, rule in rules.items():
            await service.segments.create(SegmentSpec(name, rule=rule), "", "")  # type: ignore[arg-type]  # Json

    asyncio.run(define())
    yield service
    service.close()


def test_everybody_reads_its_own_writes(service: Service) -> None:
    async def caller(user: str) -> None:
        last = 0
        for turn in range(WRITES):
            word = "odd" if turn % 2 else "even"
            outcome = await service.profiles.upsert([ProfileWrite(user, {"turn": word})])
            assert outcome.revision > last
            last = outcome.revision
            for segment, expected in (("even", word == "even"), ("not-even", word == "odd")):
                check = await service.memberships.check(user, segment)
                assert (check.member, check.user_known) == (expected, True)
                assert check.revision >= last
            last = (await service.profiles.ingest([EventWrite(user, "E", f"{user}-{turn}")])).revision
            assert (await service.memberships.check(user, "many")).member is (turn == WRITES - 1)

    async def callers(thread: int) -> None:
        await asyncio.gather(*(caller(f"u{thread}-{task}") for task in range(TASKS)))

    with ThreadPoolExecutor(THREADS) as threads:
        for done in [threads.submit(asyncio.run, callers(thread)) for thread in range(THREADS)]:
            done.result()
    status = asyncio.run(service.status())
    assert (status.users, status.events) == (THREADS * TASKS, THREADS * TASKS * WRITES)


def test_a_caller_that_gives_up_harms_nobody(service: Service) -> None:
    async def impatient(number: int) -> None:
        task = asyncio.ensure_future(service.profiles.ingest([EventWrite("u", "E", f"m{number}")]))
        await asyncio.sleep(0)
        task.cancel()

    async def callers() -> int:
        await asyncio.gather(*(impatient(number) for number in range(50)))
        outcome = await service.profiles.ingest([EventWrite("v", "E", "last")])
        await service.memberships.at_least(outcome.revision)
        return (await service.status()).events

    assert 1 <= asyncio.run(callers()) <= 51


def test_a_reader_waits_for_the_revision_that_it_demands(service: Service) -> None:
    async def waits() -> bool:
        revision = (await service.status()).revision + 1
        waiting = asyncio.ensure_future(service.memberships.at_least(revision))
        await asyncio.sleep(0)
        assert not waiting.done()
        outcome = await service.profiles.upsert([ProfileWrite("u", {"turn": "even"})])
        await asyncio.wait_for(waiting, 30)
        return outcome.revision >= revision and (await service.memberships.check("u", "even")).member

    assert asyncio.run(waits())
