"""The database has a commit a moment before it is published; who reads the log then loses nothing of it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import Any

from tests.service.opened import define, opened
from tests.service.watched import PRO, moves

from segmentd.records import START
from segmentd.service.consumers.cursor import Cursor, Page
from segmentd.service.items import ProfileWrite
from segmentd.service.service import Service
from segmentd.service.watch_parts import Part, Start, Wanted


@contextmanager
def held(service: Service) -> Iterator[tuple[threading.Event, threading.Event]]:
    """The next commit is in the database when the first event is set, and published once the second one is."""
    committer: Any = service._engine.committer
    written, looked, publish = threading.Event(), threading.Event(), committer._publish

    def late(*arguments: Any) -> None:
        written.set()
        looked.wait(30)
        publish(*arguments)

    committer._publish = late
    try:
        yield written, looked
    finally:
        looked.set()
        committer._publish = publish


async def begun(service: Service) -> None:
    """A log with a move, and nothing of it in memory, as after a restart."""
    await define(service, "pro", PRO)
    await service.profiles.upsert([ProfileWrite("a", {"plan": "pro"})])
    service._engine.tail.clear()


def test_a_consumer_gets_the_moves_of_a_segment_that_is_new(tmp_path: Path) -> None:
    async def scenario(service: Service) -> list[Page]:
        await begun(service)
        cursor = Cursor(service._engine, frozenset(["later"]), 100)
        pages = [await asyncio.to_thread(cursor.next, START)]
        with held(service) as (written, looked):
            defining = asyncio.create_task(define(service, "later", PRO))
            await asyncio.to_thread(written.wait, 30)
            pages.append(await asyncio.to_thread(cursor.next, START))
            looked.set()
            await defining
        pages.append(await asyncio.to_thread(cursor.next, pages[-1].position))
        return pages

    service = opened(tmp_path / "test.db")
    try:
        pages = asyncio.run(scenario(service))
    finally:
        service.close()
    assert [len(page.moves) for page in pages] == [0, 0, 1]


def test_a_watcher_gets_the_moves_of_a_user_who_is_new(tmp_path: Path) -> None:
    async def scenario(service: Service) -> list[Part]:
        await begun(service)
        wanted = Wanted(user_ids=["b"], start=Start.LOG, checkpoint_interval=0.01)
        async with aclosing(service.watching.watch(wanted)) as watch:
            found = [await anext(watch)]
            with held(service) as (written, looked):
                writing = asyncio.create_task(service.profiles.upsert([ProfileWrite("b", {"plan": "pro"})]))
                await asyncio.to_thread(written.wait, 30)
                found.append(await anext(watch))
                looked.set()
                await writing
            while found[-1].position < service._engine.tail.end:  # type: ignore[union-attr]  # there is no snapshot
                found.append(await anext(watch))
        return found

    service = opened(tmp_path / "test.db")
    try:
        assert [move.user_id for move in moves(asyncio.run(scenario(service)))] == ["b"]
    finally:
        service.close()
