"""The log is kept as long as the settings say, by age and by size, and nothing else changes."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from segmentd.errors import StorageFailed
from segmentd.records import END_OFFSET, MoveBatch, Position, TransitionRecord
from segmentd.service.log_retention import LogKeep, LogRetention
from segmentd.service.tail import Tail
from segmentd.storage import Store
from segmentd.times import DAY, FOREVER, HOUR, MINUTE, FrozenClock, Micros

START = Micros(0)


class Tasks:
    """The engine's thread, run by the test."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Generator[None, None, Any], Future[Any]]] = []

    def background(self, steps: Generator[None, None, Any]) -> Future[Any]:
        """Queue it."""
        future: Future[Any] = Future()
        self.waiting.append((steps, future))
        return future

    def run(self, tasks: int = 1_000) -> None:
        """Run what waits, and what that queues."""
        for _ in range(tasks):
            if not self.waiting:
                return
            steps, future = self.waiting.pop(0)
            try:
                for _ in steps:
                    pass
            except StorageFailed as error:
                future.set_exception(error)
            else:
                future.set_result(None)


class Kept:
    """A store whose log is written day by day, one move a day, by as many users as days."""

    def __init__(self, path: Path | str, keep: LogKeep) -> None:
        self.store = Store.open(path)
        self.clock = FrozenClock(START)
        self.tail = Tail()
        self.tasks = Tasks()
        self.retention = LogRetention(self.store, self.tail, self.clock, self.tasks, keep)
        self.retention.begin_due()

    def days(self, number: int) -> None:
        """Let so many days pass."""
        for _ in range(number):
            revision = self.store.state().revision + 1
            self.clock.move_to(Micros(self.clock.now() + DAY))
            move = MoveBatch.of([TransitionRecord(1, 1, revision, True, self.clock.now(), "TIME")])
            with self.store.transaction():
                self.store.advance(revision, self.clock.now())
                self.store.append_moves(revision, move)
            self.tail.append(revision, self.clock.now(), [move])
            self.retention.begin_due()

    def told(self) -> list[int]:
        """The revisions of which the log still tells."""
        start = self.store.log_start().revision
        return [each.revision for each in self.store.transitions(Position(start, END_OFFSET), 1_000)]


@pytest.fixture(params=["memory", "file"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    return ":memory:" if request.param == "memory" else tmp_path / "segments.db"


def test_moves_older_than_their_age_go(path: Path | str) -> None:
    kept = Kept(path, LogKeep(age=Micros(10 * DAY)))
    kept.days(10)
    kept.tasks.run()
    assert kept.told() == list(range(1, 11))
    for _ in range(6):
        kept.days(1)
        kept.tasks.run()
    assert kept.told() == list(range(6, 17))
    assert kept.store.members(1).tolist() == list(range(1, 17))
    kept.store.close()


def test_no_more_moves_than_allowed_are_kept_for_long() -> None:
    kept = Kept(":memory:", LogKeep(moves=20))
    for _ in range(50):
        kept.days(1)
        kept.tasks.run()
        assert len(kept.told()) <= 22 + 1
    assert len(kept.told()) >= 18
    assert kept.store.members(1).tolist() == list(range(1, 51))


def test_without_a_limit_nothing_is_looked_at() -> None:
    kept = Kept(":memory:", LogKeep())
    kept.days(100)
    assert kept.retention.next_due() == FOREVER
    assert not kept.tasks.waiting
    assert kept.told() == list(range(1, 101))


def test_time_alone_is_reason_enough() -> None:
    kept = Kept(":memory:", LogKeep(age=Micros(DAY)))
    kept.days(1)
    assert kept.retention.next_due() <= kept.clock.now() + DAY // 100
    kept.clock.move_to(Micros(kept.clock.now() + 2 * DAY))
    assert kept.retention.next_due() <= kept.clock.now()
    kept.retention.begin_due()
    kept.tasks.run()
    assert kept.told() == []
    assert kept.store.state().revision == 1


def test_a_short_age_does_not_make_it_look_all_the_time() -> None:
    kept = Kept(":memory:", LogKeep(age=Micros(1)))
    kept.days(1)
    kept.tasks.run()
    assert kept.retention.next_due() == kept.clock.now() + MINUTE


@pytest.mark.parametrize("tasks", range(6))
def test_what_a_stop_interrupted_is_finished_after_the_next_start(tmp_path: Path, tasks: int) -> None:
    kept = Kept(tmp_path / "segments.db", LogKeep(moves=3))
    kept.days(9)
    kept.tasks.run(tasks)
    kept.store.close()
    again = Kept(tmp_path / "segments.db", LogKeep())
    again.tasks.run()
    start = again.store.log_start().revision
    assert again.store._session.row("SELECT count(*) FROM transitions WHERE revision <= ?", (start,)) == (0,)
    assert again.store.members(1).tolist() == list(range(1, 10))
    again.store.close()


def test_a_failure_is_logged_and_tried_again(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    kept = Kept(":memory:", LogKeep(moves=3))

    def fails(*_: object) -> bool:
        raise StorageFailed("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(Store, "_fold", fails)
        kept.days(9)
        kept.tasks.run()
    assert "the log could not be shortened: the disk is full" in caplog.text
    assert kept.retention.next_due() <= kept.clock.now() + HOUR
    kept.clock.move_to(Micros(kept.clock.now() + HOUR))
    kept.retention.begin_due()
    kept.tasks.run()
    start = kept.store.log_start().revision
    assert start
    assert kept.store._session.row("SELECT count(*) FROM transitions WHERE revision <= ?", (start,)) == (0,)
    assert kept.store.members(1).tolist() == list(range(1, 10))
