"""A disk without room for what is due: nobody gets a wrong answer, and later every move is recorded, once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from tests.engine.driver import START, Driver, has, tally
from tests.engine.room import USERS, WINDOW, all_left_once, crowded, full, still_right, wait

from segmentd.errors import MovesWait, StorageFailed
from segmentd.service import commit
from segmentd.service.engine import Engine
from segmentd.service.items import ProfileWrite
from segmentd.service.pause import Pause
from segmentd.storage import Store
from segmentd.times import FOREVER, MINUTE, SECOND, Micros


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Driver]:
    with crowded(tmp_path / "db") as driver:
        yield driver


def test_a_wave_waits_for_room_and_is_tried_after_ever_longer_pauses(
    engine: Driver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    revision, walk = engine.engine.live.revision, commit.Committer._walk
    pauses, walks = [], []

    def walked(self: commit.Committer, wave: commit.Wave) -> None:
        walks.append(wave)
        walk(self, wave)

    monkeypatch.setattr(commit.Committer, "_walk", walked)
    with full(engine):
        engine.move(WINDOW, tick=False)
        for _ in range(8):
            engine.engine.step()
            engine.engine.step()  # before its time nothing is tried
            pauses.append(wait(engine))
            assert still_right(engine)
            assert engine.engine.next_deadline() <= engine.clock.now()
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    assert len(walks) == len(pauses)
    assert sum("disk is full" in each for each in caplog.messages) == len(pauses)
    assert engine.engine.live.revision == revision
    caplog.set_level("INFO")
    engine.engine.step()
    assert caplog.messages[-1] == "what is due is recorded again"
    assert engine.engine.live.revision == revision + 1
    assert all_left_once(engine)
    engine.engine.step()
    assert engine.engine.next_deadline() == FOREVER


def test_the_pause_is_over_where_the_clock_is_set_back(engine: Driver) -> None:
    with full(engine):
        engine.move(2 * MINUTE, tick=False)
        engine.engine.step()
    engine.clock._now = Micros(engine.clock.now() - 90 * SECOND)
    engine.engine.step()
    assert all_left_once(engine)


def test_nothing_waits_where_nothing_is_due_any_more(engine: Driver, caplog: pytest.LogCaptureFixture) -> None:
    with full(engine):
        engine.move(2 * MINUTE, tick=False)
        engine.engine.step()
        engine.clock._now = Micros(START + SECOND)
        caplog.set_level("INFO")
        caplog.clear()
        engine.engine.step()
        assert engine.engine.due_moves.next_due() == engine.engine.live.memberships.next_deadline()
        assert caplog.messages == []


CHANGES: dict[str, Callable[[Driver], object]] = {
    "a group larger than a wave": lambda engine: engine.profile("another"),
    "an edit": lambda engine: engine.define("other", has("plan", "pro")),
    "a relabelling": lambda engine: engine.define("recent", tally(within=WINDOW), include=["new"]),
    "an advance": lambda engine: advanced(engine, 2 * WINDOW),
    "a dry run": lambda engine: next(engine.engine._previewed(lambda: pytest.fail("too early"), 5)),
}


def advanced(engine: Driver, to: int) -> int:
    """How many memberships changed while the clock was moved."""
    moved = engine.engine.advance(engine.clock, lambda: Micros(START + to))
    engine.background.run()
    return moved.result()[0]


@pytest.mark.parametrize("change", CHANGES)
def test_what_cannot_begin_for_want_of_room_for_moves_loads_nothing_anew(
    engine: Driver, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    monkeypatch.setattr(commit, "WAVE", 100)
    with full(engine), monkeypatch.context() as patch:
        patch.setattr(Engine, "_load_again", lambda _: pytest.fail("nothing is ahead of the disk"))
        engine.move(WINDOW + 1, tick=False)
        with pytest.raises(MovesWait, match="disk is full"):
            CHANGES[change](engine)
        assert not engine.engine.live.ahead
        assert still_right(engine)
    engine.engine.tick()
    assert all_left_once(engine)
    assert engine.stored("recent") == set()


def test_an_edit_that_finds_room_ends_the_pause(engine: Driver, caplog: pytest.LogCaptureFixture) -> None:
    with full(engine):
        engine.move(WINDOW, tick=False)
        engine.engine.step()
    caplog.set_level("INFO")
    engine.define("other", has("plan", "pro"))
    assert caplog.messages[-1] == "what is due is recorded again"
    assert not engine.engine.due_moves.wait()
    assert all_left_once(engine)


def test_what_is_due_is_walked_by_the_first_write_that_finds_room(
    engine: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commit, "WAVE", 400)
    with full(engine):
        engine.move(WINDOW + 1, tick=False)
        engine.engine.step()
    engine.profile("another")
    assert all_left_once(engine)
    engine.engine.step()
    assert engine.engine.next_deadline() == FOREVER


def test_questions_do_not_lengthen_the_pause_and_the_first_that_finds_room_ends_it(engine: Driver) -> None:
    with full(engine):
        engine.move(WINDOW, tick=False)
        for _ in range(5):
            with pytest.raises(MovesWait, match="disk is full"):
                engine.engine.tick()
        assert wait(engine) == 1
    engine.engine.tick()
    assert all_left_once(engine)
    assert engine.engine.next_deadline() == FOREVER


def test_a_revision_of_a_wave_that_ran_out_of_room_is_told(engine: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commit, "WAVE", 400)
    record = Store.append_moves
    made: list[int] = []

    def once(self: Store, *arguments: Any) -> None:
        if made:
            raise StorageFailed("database or disk is full")
        made.append(1)
        record(self, *arguments)

    engine.move(WINDOW, tick=False)
    with monkeypatch.context() as patch:
        patch.setattr(Store, "append_moves", once)
        with pytest.raises(MovesWait):
            engine.engine.tick()
    assert made
    assert engine.engine.revisions.reached(engine.engine.live.revision)
    engine.engine.tick()
    assert all_left_once(engine)


def test_a_pause_ends_at_once_where_the_clock_was_set_back_and_goes_on() -> None:
    """Who asks whether it is over by the instant before is told that it is, and does not ask for ever."""
    pause = Pause(SECOND, MINUTE)
    pause.begin(Micros(5 * MINUTE))
    assert pause.until(Micros(5 * MINUTE)) == 5 * MINUTE + SECOND
    assert pause.until(Micros(MINUTE + 1)) <= MINUTE


def test_a_model_that_doubled_is_not_fitted_again_and_again_where_there_is_no_room(
    engine: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise StorageFailed("database or disk is full")

    engine.profile("first", points=1)
    engine.define("rich", {"richer": {"attribute": "points"}})
    with monkeypatch.context() as patch:
        patch.setattr(Store, "put_model", refuse)
        engine.profile("second", points=5)
        for _ in range(2):
            with pytest.raises(StorageFailed, match="disk is full"):
                engine.background.run()
            engine.engine.recover()
            engine.background.run()  # nothing, for a while
            engine.clock.move_to(Micros(engine.clock.now() + 10 * SECOND))
            engine.profile("first", seen=str(engine.now))
    engine.background.run()
    assert engine.plan("rich").models[0].version == 2


def test_a_segment_that_fails_is_told_when_that_is_recorded(engine: Driver, caplog: pytest.LogCaptureFixture) -> None:
    engine.define("toy", {"broken": {"attribute": "mood", "breaks_at": "bad"}})
    told = []
    for fits in (False, True):
        caplog.clear()
        with nullcontext() if fits else full(engine):
            moods = [ProfileWrite(user, {"mood": "bad", "note": "x" * 40}) for user in USERS]
            with nullcontext() if fits else pytest.raises(StorageFailed):
                engine.write(*moods)
        if not fits:
            engine.engine.recover()
        told.append([each for each in caplog.messages if "toy is failed" in each])
    assert [len(each) for each in told] == [0, 1]
