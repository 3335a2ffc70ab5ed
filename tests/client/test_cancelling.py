"""A task that is cancelled ends cancelled, also where what it waits for is closed meanwhile."""

from __future__ import annotations

import asyncio

import pytest
from tests.client.scripted_log import Log, serving_log

from segmentd.client import AsyncClient

WAIT = 30.0
"""Seconds after which a test that waits has failed."""


def test_a_task_that_reads_a_watch_which_is_closed_at_once() -> None:
    async def life(address: str) -> None:
        async with AsyncClient(address) as client:
            watch = client.watch()
            for _ in range(3):
                await anext(watch)
            task = asyncio.ensure_future(anext(watch))
            await asyncio.sleep(0)
            task.cancel()
            await watch.close()
            with pytest.raises(asyncio.CancelledError):
                await task

    with serving_log(Log()) as address:
        asyncio.run(asyncio.wait_for(life(address), WAIT))


def test_a_task_that_closes_a_local_copy() -> None:
    async def life() -> None:
        async with AsyncClient("127.0.0.1:1") as client:
            local = await client.local(["low"]).__aenter__()
            await asyncio.sleep(0)
            closing = asyncio.ensure_future(local.close())
            await asyncio.sleep(0)
            closing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await closing
            await local.close()

    asyncio.run(asyncio.wait_for(life(), WAIT))
