"""Watchers are woken together, by one call into their loop for each commit, and never miss one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from segmentd.service.wakeups import Wakeups


class Log:
    """Commits by hand."""

    def __init__(self) -> None:
        self.commit: Callable[[], None] = lambda: None

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        self.commit = callback

        def unsubscribe() -> None:
            self.commit = lambda: None

        return unsubscribe


FAR = 1e12


def test_all_wake_by_one_call_into_the_loop_however_many_commits_there_were() -> None:
    async def test() -> None:
        log = Log()
        wakeups = Wakeups(log.subscribe)
        waiting = [asyncio.create_task(wakeups.wait(0, FAR)) for _ in range(1_000)]
        await asyncio.sleep(0)
        calls = []
        loop = asyncio.get_running_loop()
        into_the_loop = loop.call_soon_threadsafe
        loop.call_soon_threadsafe = lambda *given: calls.append(into_the_loop(*given))  # type: ignore[assignment,method-assign]
        for _ in range(5):
            log.commit()
        await asyncio.gather(*waiting)
        assert (len(calls), wakeups.turn) == (1, 1)
        log.commit()
        await wakeups.wait(1, FAR)
        assert (len(calls), wakeups.turn) == (2, 2)

    asyncio.run(test())


def test_who_comes_after_the_log_has_grown_does_not_wait() -> None:
    async def test() -> None:
        log = Log()
        wakeups = Wakeups(log.subscribe)
        turn = wakeups.turn
        log.commit()
        await asyncio.sleep(0)
        await wakeups.wait(turn, FAR)

    asyncio.run(test())


def test_without_a_commit_the_wait_ends_at_its_time() -> None:
    async def test() -> None:
        wakeups = Wakeups(Log().subscribe)
        await wakeups.wait(0, asyncio.get_running_loop().time())
        assert wakeups.turn == 0

    asyncio.run(test())


def test_others_have_their_turn_while_a_crowd_wakes() -> None:
    async def test() -> None:
        log = Log()
        wakeups = Wakeups(log.subscribe)
        woken = 0
        between = []

        async def watcher() -> None:
            nonlocal woken
            await wakeups.wait(0, FAR)
            woken += 1

        async def other() -> None:
            while woken < 500:
                between.append(woken)
                await asyncio.sleep(0)

        crowd = [asyncio.create_task(watcher()) for _ in range(500)]
        await asyncio.sleep(0)
        log.commit()
        await asyncio.gather(other(), *crowd)
        assert len(set(between)) > 5

    asyncio.run(test())


def test_a_commit_after_the_loop_has_ended_disturbs_nobody() -> None:
    log = Log()

    async def test() -> None:
        Wakeups(log.subscribe)

    asyncio.run(test())
    log.commit()
    log.commit()
