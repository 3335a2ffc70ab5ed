"""The present is never earlier than the last recorded instant."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.service.opened import START, opened

from segmentd.service.items import ProfileWrite
from segmentd.service.service import Advanced, Service
from segmentd.times import DAY, HOUR, Micros


def test_a_clock_frozen_before_the_last_instant_stands_at_that_instant(tmp_path: Path) -> None:
    """Moving it by an hour is an hour from the present that everybody sees."""

    async def write(service: Service) -> None:
        await service.profiles.upsert([ProfileWrite("u", {"x": 1})])

    async def advance(service: Service) -> tuple[Micros, Advanced, Micros]:
        before = (await service.status()).clock
        return before, await service.advance_clock(by=Micros(HOUR)), (await service.status()).clock

    first = opened(tmp_path / "db")
    asyncio.run(write(first))
    first.close()
    second = opened(tmp_path / "db", at=Micros(START - DAY))
    before, advanced, after = asyncio.run(advance(second))
    second.close()
    assert before == START
    assert advanced.clock == after == START + HOUR
