"""The engine's thread and schedules of refits: due ones are made without being asked, and hold up no end."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

from tests.service.opened import START, define, opened

from segmentd.population.kinds import Json
from segmentd.service.items import EventWrite
from segmentd.service.service import Service
from segmentd.times import DAY, FrozenClock, Micros

T = TypeVar("T")
BEST: Json = {"rfm": {"m": {"equals": 5}, "refit": {"every": "1d"}}}


async def scored(service: Service) -> None:
    """Five customers, and the best of them."""
    orders = [EventWrite(f"u{i}", "Order Completed", properties={"revenue": 10.0 * i}) for i in range(5)]
    await service.profiles.ingest(orders)
    await define(service, "best", BEST)


async def version(service: Service) -> int:
    """That of the model in force, once background work that was queued before is done."""
    await asyncio.wrap_future(service._engine.refit([]))
    [model] = service.segments.get("best").models
    assert model.fitted is not None
    return model.fitted.version


def jump(service: Service, by: int) -> None:
    """As the wall clock does: nobody says so."""
    clock = service._engine.clock
    assert isinstance(clock, FrozenClock)
    clock.move_to(Micros(START + by))


def test_what_is_due_is_made_without_being_asked(service: Service) -> None:
    async def scenario() -> None:
        await scored(service)
        assert await version(service) == 1
        jump(service, 3 * DAY + 7)
        while await version(service) == 1:
            await service.status()  # wakes the thread, as its clock would
        await service.status()
        assert await version(service) == 2

    asyncio.run(scenario())


def test_a_stop_while_a_refit_is_due_ends(tmp_path: Path) -> None:
    first = opened(tmp_path / "db")
    asyncio.run(scored(first))
    jump(first, 3 * DAY)
    first.close()
    second = opened(tmp_path / "db", at=Micros(START + 3 * DAY))
    assert asyncio.run(version(second)) == 2
    second.close()


def test_a_schedule_that_is_set_later_counts_from_the_fit_that_there_is(service: Service) -> None:
    async def scenario() -> None:
        await scored(service)
        await define(service, "other", {"rfm": {"m": {"equals": 4}, "refit": {"every": "12h"}}})
        await service.advance_clock(by=Micros(DAY // 2))
        assert await version(service) == 2

    asyncio.run(scenario())


def test_a_long_move_of_the_clock_queues_no_refit_behind_itself(service: Service) -> None:
    async def scenario() -> list[int]:
        await scored(service)
        await define(service, "recent", {"behavioral": {"event": "Login", "within": "1h"}})
        logins = [EventWrite("u1", "Login", time=Micros(START + day * DAY + 7)) for day in range(1, 200)]
        await service.profiles.ingest(logins)
        queued: list[int] = []
        background = service._engine.thread.background

        def counted(steps: Generator[None, None, T]) -> Future[T]:
            queued.append(1)
            return background(steps)

        service._engine.thread.background = counted  # type: ignore[method-assign]  # to count
        await service.advance_clock(by=Micros(200 * DAY))
        return queued

    assert len(asyncio.run(scenario())) < 20
    assert asyncio.run(version(service)) == 201
