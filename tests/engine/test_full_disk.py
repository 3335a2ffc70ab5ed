"""A disk without room for what is due: nobody gets a wrong answer, and later every move is recorded, once."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
from tests.engine.driver import START, Driver, event, has, tally
from tests.engine.inline import run

from segmentd.engine.catalogue import State
from segmentd.errors import MovesWait, StorageFailed
from segmentd.service import commit
from segmentd.service.engine import Engine
from segmentd.service.items import ProfileWrite
from segmentd.service.pause import Pause
from segmentd.storage import Store
from segmentd.times import FOREVER, MINUTE, SECOND, Micros

WINDOW = 10 * SECOND
USERS = [f"u{number}" for number in range(500)]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Driver]:
    """An engine on a file; all users leave `recent` by the end of the window, each at an instant of its own."""
    driver = Driver(tmp_path / "db")
    driver.define("recent", tally(within=WINDOW))
    driver.write(*(event(user, at=-number) for number, user in enumerate(USERS)))
    driver.moves()
    yield driver
    driver.store.close()


def limit(engine: Driver, pages: int) -> None:
    engine.store._session.connection.execute(f"PRAGMA max_page_count = {pages}")


@contextmanager
def full(engine: Driver) -> Iterator[None]:
    """SQLite finds no room for another page."""
    connection = engine.store._session.connection
    limit(engine, connection.execute("PRAGMA page_count").fetchone()[0])
    try:
        yield
    finally:
        limit(engine, 1 << 30)


@contextmanager
def no_room_for_segments(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """The commit fails that would judge a segment anew."""

    def refuse(*_: object) -> None:
        raise StorageFailed("database or disk is full")

    with patch.context() as patched:
        patched.setattr(Store, "set_segment_basis", refuse)
        yield


def wait(engine: Driver) -> int:
    """Until what was put off may be tried again; for how many seconds."""
    now, due = engine.clock.now(), engine.engine.due_moves.next_due()
    assert due < FOREVER
    engine.clock.move_to(Micros(max(now, due)))
    return (engine.clock.now() - now) // SECOND


@contextmanager
def commits_fail(patch: pytest.MonkeyPatch, *, landed: bool) -> Iterator[None]:
    """Each commit fails after all that it writes, `landed`: although it is in the database."""
    transaction = Store.transaction

    @contextmanager
    def fails(self: Store) -> Iterator[None]:
        with transaction(self):
            yield
            if not landed:
                raise StorageFailed("the disk is gone")
        raise StorageFailed("the disk is gone")

    with patch.context() as patched:
        patched.setattr(Store, "transaction", fails)
        yield


def still_right(engine: Driver) -> bool:
    return not any(engine.member("recent", user) for user in USERS[:3])


def all_left_once(engine: Driver) -> bool:
    """Each user once, at the end of its own window; since the last look."""
    moves = [(each.user, each.entered, each.at) for each in engine.moves() if each.segment == "recent"]
    return sorted(moves) == sorted((user, False, WINDOW - number) for number, user in enumerate(USERS))


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


def test_a_commit_that_is_in_the_database_although_it_failed_is_loaded(
    engine: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.move(WINDOW, tick=False)
    with commits_fail(monkeypatch, landed=True), pytest.raises(StorageFailed, match="is gone"):
        engine.engine.step()
    engine.engine.recover()
    assert all_left_once(engine)
    assert still_right(engine)


def fail_toy(engine: Driver) -> None:
    """A segment that failed, and could be judged again."""
    engine.define("toy", {"broken": {"attribute": "mood", "breaks_at": "bad"}})
    engine.profile(USERS[0], mood="bad")
    engine.profile(USERS[0], mood="good")
    assert state(engine) is State.FAILED


def state(engine: Driver) -> State | None:
    entry = engine.engine.live.catalogue.entries.get("toy")
    return entry.state if entry is not None else None


@pytest.mark.parametrize("tries", range(1, 3))
def test_a_failed_segment_that_cannot_be_judged_anew_stays_failed(
    engine: Driver, monkeypatch: pytest.MonkeyPatch, tries: int
) -> None:
    """Starting again from disk tries failed segments again, which is a commit."""
    fail_toy(engine)
    failed = engine.state("toy")
    assert "failed: " in failed
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
    assert state(engine) is State.ACTIVE
    assert engine.member("toy", USERS[0])


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
