"""Snapshots wait for room, in memory and not for ever."""

from __future__ import annotations

import asyncio

import pytest

from segmentd.errors import ResourceExhausted
from segmentd.service.snapshot_room import SnapshotRoom


async def held(room: SnapshotRoom, size: int, entered: list[int], leave: asyncio.Event) -> None:
    async with room.taken(size):
        entered.append(size)
        await leave.wait()


async def turns() -> None:
    """Let everybody come as far as they can."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_what_has_no_room_waits_and_what_has_room_does_not() -> None:
    async def test() -> None:
        room, entered, leave = SnapshotRoom(room=10), list[int](), asyncio.Event()
        tasks = [asyncio.create_task(held(room, size, entered, leave)) for size in (6, 4, 3)]
        await turns()
        assert entered == [6, 4]
        leave.set()
        await asyncio.gather(*tasks)
        assert entered == [6, 4, 3]

    asyncio.run(test())


def test_one_that_is_larger_than_all_the_room_has_it_alone() -> None:
    async def test() -> None:
        room, entered, leave = SnapshotRoom(room=10), list[int](), asyncio.Event()
        tasks = [asyncio.create_task(held(room, size, entered, leave)) for size in (50, 1)]
        await turns()
        assert entered == [50]
        leave.set()
        await asyncio.gather(*tasks)

    asyncio.run(test())


def test_one_who_gives_up_takes_no_room() -> None:
    async def test() -> None:
        room, entered, leave = SnapshotRoom(room=10), list[int](), asyncio.Event()
        tasks = [asyncio.create_task(held(room, size, entered, leave)) for size in (10, 10, 5)]
        await turns()
        tasks[1].cancel()
        leave.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert entered == [10, 5]

    asyncio.run(test())


def test_room_is_given_up_only_where_somebody_waits_for_long() -> None:
    async def test() -> None:
        room, entered, leave = SnapshotRoom(room=10, patience=-1.0), list[int](), asyncio.Event()
        async with room.taken(10) as place:
            place.check()
            waiting = asyncio.create_task(held(room, 1, entered, leave))
            await turns()
            with pytest.raises(ResourceExhausted):
                place.check()
        leave.set()
        await waiting

    asyncio.run(test())
