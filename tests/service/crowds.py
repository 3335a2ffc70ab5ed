"""A few users who are a crowd, all of whom leave a segment at one instant."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import pytest
from tests.service.busy import busy_engine, move
from tests.service.opened import START, define, member
from tests.service.test_on_the_spot import RECENT

from segmentd.service import foresight
from segmentd.service.items import EventWrite
from segmentd.service.service import Service
from segmentd.times import HOUR, MINUTE, Micros

USERS: Final = tuple("abcdefg")
DUE: Final = START + HOUR


def make_a_few_a_crowd(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five are a crowd, and two are judged at a time."""
    monkeypatch.setattr(foresight, "_CROWD", 5)
    monkeypatch.setattr(foresight, "_ROWS", 2)


async def gather(service: Service, size: int = len(USERS)) -> None:
    """So many users of "recent" who leave at DUE; it is a minute before, and the engine has looked ahead."""
    await define(service, "recent", RECENT)
    await service.profiles.ingest([EventWrite(user, "Login", time=START) for user in USERS[:size]])
    await service.advance_clock(to=Micros(DUE - MINUTE))
    engine = service._engine

    def looked() -> bool:
        return engine.foresight._next > engine.clock.now() and not engine.foresight._under_way

    while not await asyncio.wrap_future(engine.thread.call(looked)):
        pass


@asynccontextmanager
async def overdue(service: Service) -> AsyncIterator[None]:
    """It is DUE, also for readers of mapped files, and the engine has no time to make the moves."""
    async with busy_engine(service):
        move(service, DUE)
        service._engine.live.publication.set_clock(service._engine.clock)
        yield


async def recent(service: Service) -> list[bool]:
    """Who of all is a member."""
    return [await member(service, user, "recent") for user in USERS]
