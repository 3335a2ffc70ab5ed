"""Commits that fail, or seem to: memory is as the disk again, and nothing is told twice."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.engine.driver import START, Driver
from tests.engine.inline import run
from tests.engine.room import USERS, WINDOW, all_left_once, commits_fail, crowded, full, still_right, wait

from segmentd.errors import MovesWait, StorageFailed
from segmentd.service import commit
from segmentd.service.engine import Engine
from segmentd.storage import Store
from segmentd.times import Micros


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Driver]:
    with crowded(tmp_path / "db") as driver:
        yield driver


def test_a_refused_write_amid_a_wave_ends_nothing(engine: Driver) -> None:
    with full(engine):
        engine.move(WINDOW, tick=False)
        for _ in range(2):
            with pytest.raises(StorageFailed, match="disk is full"):
                engine.event(USERS[0], at=WINDOW)
            engine.engine.recover()
            assert still_right(engine)
    engine.profile("another")
    assert all_left_once(engine)


def test_watchers_are_told_once_of_moves_whose_first_commit_failed(
    engine: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    tail, begin = engine.engine.tail, engine.engine.tail.end
    engine.move(WINDOW, tick=False)
    with commits_fail(monkeypatch, landed=False):
        engine.engine.step()
    wait(engine)
    engine.engine.step()
    told = tail.read(begin, 1_000)
    assert told is not None
    assert told.transitions == engine.logged()
    assert len(told.transitions) == len(USERS)


def test_an_advance_counts_no_moves_of_a_commit_that_failed(engine: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commit, "WAVE", 100)

    def steps() -> Generator[None, None, int]:
        return (yield from engine.engine._advanced(engine.clock, lambda: Micros(START + WINDOW)))[0]

    moving = steps()
    next(moving)
    with commits_fail(monkeypatch, landed=False), pytest.raises(MovesWait):
        engine.engine.tick()
    assert run(moving) == len(USERS)


def test_a_question_that_meets_a_commit_that_is_in_the_database_although_it_failed_loads_it(
    engine: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.move(WINDOW, tick=False)
    with commits_fail(monkeypatch, landed=True), pytest.raises(MovesWait):
        engine.engine.tick()
    assert engine.engine.live.revision == engine.store.state().revision
    assert all_left_once(engine)
    engine.profile("another")


def test_a_commit_that_is_in_the_database_although_it_failed_is_loaded(
    engine: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.move(WINDOW, tick=False)
    with commits_fail(monkeypatch, landed=True), pytest.raises(StorageFailed, match="is gone"):
        engine.engine.step()
    engine.engine.recover()
    assert all_left_once(engine)
    assert still_right(engine)


@contextmanager
def no_room_for_segments(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """The commit fails that would judge a segment anew."""

    def refuse(*_: object) -> None:
        raise StorageFailed("database or disk is full")

    with patch.context() as patched:
        patched.setattr(Store, "set_segment_basis", refuse)
        yield


def fail_toy(engine: Driver) -> None:
    """A segment that failed, and could be judged again."""
    engine.define("toy", {"broken": {"attribute": "mood", "breaks_at": "bad"}})
    engine.profile(USERS[0], mood="bad")
    engine.profile(USERS[0], mood="good")
    assert engine.state("toy").startswith("failed: ")


@pytest.mark.parametrize("tries", range(1, 3))
def test_a_failed_segment_that_cannot_be_judged_anew_stays_failed(
    engine: Driver, monkeypatch: pytest.MonkeyPatch, tries: int
) -> None:
    """Starting again from disk tries failed segments again, which is a commit."""
    fail_toy(engine)
    failed = engine.state("toy")
    with no_room_for_segments(monkeypatch):
        for _ in range(tries):
            engine.engine.recover()
            assert engine.state("toy") == failed
            assert not engine.engine.live.ahead
    assert engine.member("recent", USERS[0])
    with full(engine):
        engine.move(WINDOW, tick=False)
        engine.engine.recover()
        assert engine.state("toy") == failed
    wait(engine)
    engine.engine.step()
    assert engine.state("toy") == failed
    engine.engine.recover()
    assert engine.state("toy") == "active"
    assert engine.member("toy", USERS[0])


@pytest.mark.parametrize("landed", [False, True])
def test_a_wave_amid_a_start_from_disk_is_put_off(
    engine: Driver, monkeypatch: pytest.MonkeyPatch, landed: bool
) -> None:
    """Be it that its commit is in the database although it failed."""
    loads, load_again = [], Engine._load_again

    def loading(self: Engine) -> None:
        loads.append(self.live.revision)
        load_again(self)

    monkeypatch.setattr(Engine, "_load_again", loading)
    engine.move(WINDOW, tick=False)
    with commits_fail(monkeypatch, landed=landed):
        engine.engine.recover()
    assert len(loads) == 1 + landed
    assert still_right(engine)
    wait(engine)
    engine.engine.step()
    assert all_left_once(engine)


def test_a_database_that_cannot_be_read_any_more_ends_it(engine: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise StorageFailed("the disk is gone")

    engine.move(WINDOW, tick=False)
    with monkeypatch.context() as patch:
        patch.setattr(Store, "advance", gone)
        patch.setattr(Store, "state", gone)
        with pytest.raises(StorageFailed, match="is gone"):
            engine.engine.step()
        with pytest.raises(StorageFailed, match="is gone"):
            engine.engine.recover()
