"""Which workers are replaced, and when the server gives up; with children that are no processes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from tests.server.live import run
from tests.workers.test_starting import orders

from segmentd.errors import Internal
from segmentd.server.workers import fleet as fleets
from segmentd.server.workers.child import Child
from segmentd.server.workers.fleet import Fleet
from segmentd.server.workers.orders import Orders, Report


class ToyChild:
    """Listens unless there is an error; ends when it is told to, or killed."""

    pid = 0

    def __init__(self, error: str) -> None:
        self.ready = not error
        self.error = error
        self.told = b""
        self.end: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def tell(self, line: bytes) -> None:
        self.told += line
        self.kill()

    async def report(self) -> Report:
        if self.error:
            self.kill()
        return Report(self.error)

    async def ended(self) -> int:
        return await asyncio.shield(self.end)

    def kill(self, code: int = -9) -> None:
        if not self.end.done():
            self.end.set_result(code)


class ToyChildren:
    """Spawns children as long as they are to start; `errors` says how the next ones do not."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made: list[ToyChild] = []
        self.errors: list[str] = []
        self.spawned = asyncio.Semaphore(0)
        monkeypatch.setattr(Child, "spawn", self.spawn)
        monkeypatch.setattr(fleets, "_FIRST_PAUSE", 0.0)

    async def spawn(self, given: Orders) -> ToyChild:
        self.made.append(ToyChild(self.errors.pop(0) if self.errors else ""))
        self.spawned.release()
        return self.made[-1]


def test_each_worker_that_ends_is_replaced_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        children = ToyChildren(monkeypatch)
        ends: list[int] = []
        fleet = Fleet([orders(tmp_path), replace(orders(tmp_path), number=1)], ends.append)
        await fleet.start()
        for turn in range(2, 12):
            children.made[-1].kill()
            for _ in range(2 if turn == 2 else 0):
                await children.spawned.acquire()
            await children.spawned.acquire()
            assert len(children.made) == turn + 1
        assert ends == [1] * 10
        assert not fleet.lost.done()
        await fleet.drain(5)
        assert children.made[0].told == children.made[-1].told == b"drain\n"

    run(test())


def test_a_worker_that_was_stopped_is_replaced_without_alarm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def test() -> None:
        children = ToyChildren(monkeypatch)
        ends: list[int] = []
        fleet = Fleet([orders(tmp_path)], ends.append)
        await fleet.start()
        children.made[0].kill(0)
        for _ in range(2):
            await children.spawned.acquire()
        assert ends == []
        await fleet.drain(5)

    with caplog.at_level("INFO"):
        run(test())
    first = caplog.records[0]
    assert (first.levelname, first.message) == (
        "INFO",
        "worker 0 (process 0) was stopped",
    )


def test_a_worker_that_cannot_be_replaced_ends_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        children = ToyChildren(monkeypatch)
        ends: list[int] = []
        fleet = Fleet([orders(tmp_path)], ends.append)
        await fleet.start()
        children.errors = ["the port is gone"] * 5
        children.made[0].kill()
        with pytest.raises(Internal, match="worker 0 cannot be replaced: the port is gone"):
            await fleet.lost
        assert (len(children.made), ends) == (6, [0] * 6), "who never listened is counted too"
        await fleet.drain(0)

    run(test())


def test_pauses_between_short_lives_grow_up_to_the_longest_however_many_there_were() -> None:
    pauses = [fleets._pause(short_lives) for short_lives in (0, 1, 2, 3, 6, 7, 2_000)]
    assert pauses == [0.0, 0.0, 0.4, 0.8, 6.4, 10.0, 10.0]
