"""An engine's thread that has no time, and a clock that goes on without it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from segmentd.service.service import Service
from segmentd.times import FrozenClock, Micros


@asynccontextmanager
async def busy_engine(service: Service) -> AsyncIterator[None]:
    """Until the end of the block the thread does nothing else, for 30 seconds at most."""
    done, told = threading.Event(), threading.Event()

    def work() -> bool:
        told.set()
        return done.wait(30)

    working = service._engine.thread.call(work)
    await asyncio.to_thread(told.wait)
    try:
        yield
    finally:
        done.set()
    assert await asyncio.wrap_future(working), "the thread had time again before the end"


def move(service: Service, to: int) -> None:
    """The clock goes on, and nobody has told the engine."""
    clock = service._engine.clock
    assert isinstance(clock, FrozenClock)
    clock.move_to(Micros(to))
