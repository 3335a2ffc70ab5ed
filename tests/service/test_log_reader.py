"""The log is read beside the engine, as of one moment, and neither holds up the other."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from segmentd.errors import Reason, SegmentdError, StorageFailed, Unavailable
from segmentd.records import MoveBatch, TransitionRecord
from segmentd.service.log_reader import LogReader
from segmentd.storage import LogReads, Store
from segmentd.storage import reader as reader_module
from segmentd.times import Micros


class AtOnce:
    """The engine's thread, run by whoever calls."""

    def call(self, run: Any) -> Future[Any]:
        """Now."""
        future: Future[Any] = Future()
        future.set_result(run())
        return future


def _move(store: Store, revision: int, users: range = range(1, 4)) -> None:
    with store.transaction():
        store.advance(revision, Micros(revision))
        moves = [TransitionRecord(1, 1, user, True, Micros(revision), "TIME") for user in users]
        store.append_moves(revision, MoveBatch.of(moves))


def _users(reads: LogReads) -> list[int]:
    return [each.transition.user_key for each in reads.transitions(None, 100)]


@pytest.mark.parametrize("name", [":memory:", "segments.db", "odd %41?#ö.db"])
def test_what_is_committed_is_read(tmp_path: Path, name: str) -> None:
    store = Store.open(name if name == ":memory:" else tmp_path / name)
    reader = LogReader(store, AtOnce())
    assert reader.run(_users).result() == []
    _move(store, 1)
    assert reader.run(_users).result() == [1, 2, 3]
    reader.close()
    store.close()


def test_a_question_sees_one_moment_whatever_is_committed_meanwhile(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "segments.db")
    reader = LogReader(store, AtOnce())
    _move(store, 1)
    began, go_on = threading.Event(), threading.Event()

    def twice(reads: LogReads) -> tuple[list[int], list[int]]:
        first = _users(reads)
        began.set()
        go_on.wait()
        return first, _users(reads)

    asked = reader.run(twice)
    began.wait()
    _move(store, 2)
    for _ in store.compact(1):
        pass
    go_on.set()
    assert asked.result() == ([1, 2, 3], [1, 2, 3])
    with pytest.raises(SegmentdError) as seen:
        reader.run(_users).result()
    assert seen.value.reason is Reason.POSITION_COMPACTED
    reader.close()
    store.close()


def test_questions_without_a_pause_do_not_keep_the_write_ahead_log_growing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_module, "WAL_BYTES", 50_000)
    file = tmp_path / "segments.db"
    store = Store.open(file)
    reader = LogReader(store, AtOnce())
    began, go_on = threading.Event(), threading.Event()

    def slow(reads: LogReads) -> list[int]:
        found = _users(reads)
        began.set()
        go_on.wait()
        return found

    asked = reader.run(slow)
    next_one = reader.run(lambda reads: (len(_users(reads)), _wal_bytes(file)))
    began.wait()
    for revision in range(1, 30):
        _move(store, revision)
    assert _wal_bytes(file) > 50_000
    go_on.set()
    assert asked.result() == []
    assert next_one.result() == (87, 0)
    reader.close()
    store.close()


def _wal_bytes(file: Path) -> int:
    return Path(f"{file}-wal").stat().st_size


def test_the_second_connection_never_writes_and_never_checkpoints(tmp_path: Path) -> None:
    file = tmp_path / "segments.db"
    store = Store.open(file)
    reader = store.reader()
    assert reader is not None
    connection = reader._session.connection
    assert connection.execute("PRAGMA query_only").fetchone() == (1,)
    assert connection.execute("PRAGMA wal_autocheckpoint").fetchone() == (0,)
    assert type(connection) is type(store._session.connection)
    with pytest.raises(StorageFailed, match="outside of a transaction"):
        reader._session.write("DELETE FROM revisions")
    for statement in ("DELETE FROM revisions", "CREATE TABLE t (a)", "PRAGMA user_version = 3"):
        with pytest.raises(Exception, match=r"readonly|read-only"):
            connection.execute(statement)
    _move(store, 1)
    size = Path(f"{file}-wal").stat().st_size
    with reader.snapshot() as reads:
        assert _users(reads) == [1, 2, 3]
    reader.close()
    reader.close()
    assert Path(f"{file}-wal").stat().st_size == size
    assert store.state().revision == 1
    store.close()


def test_a_failed_question_fails_alone(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "segments.db")
    reader = LogReader(store, AtOnce())

    def fails(reads: LogReads) -> None:
        reads.transitions(None, 1)
        raise KeyError("fault")

    with pytest.raises(KeyError):
        reader.run(fails).result()
    _move(store, 1)
    assert reader.run(_users).result() == [1, 2, 3]
    reader.close()
    store.close()


@pytest.mark.parametrize("name", [":memory:", "segments.db"])
def test_after_close_questions_are_refused(tmp_path: Path, name: str) -> None:
    store = Store.open(name if name == ":memory:" else tmp_path / name)
    reader = LogReader(store, AtOnce())
    reader.close()
    reader.close()
    with pytest.raises(Unavailable) as seen:
        reader.run(_users)
    assert seen.value.reason is Reason.SHUTTING_DOWN
    store.close()


def test_questions_that_wait_at_close_are_refused(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "segments.db")
    reader = LogReader(store, AtOnce())
    began, go_on = threading.Event(), threading.Event()

    def slow(reads: LogReads) -> int:
        began.set()
        go_on.wait()
        return 1

    first, second = reader.run(slow), reader.run(_users)
    began.wait()
    closing = threading.Thread(target=reader.close)
    closing.start()
    while not reader._closed:
        pass
    go_on.set()
    closing.join()
    assert first.result() == 1
    with pytest.raises(Unavailable):
        second.result()
    store.close()


def test_a_store_closes_the_readers_that_were_left_open(tmp_path: Path) -> None:
    file = tmp_path / "segments.db"
    store = Store.open(file)
    reader = store.reader()
    assert reader is not None
    _move(store, 1)
    store.close()
    assert not Path(f"{file}-wal").exists()
    with pytest.raises(StorageFailed), reader.snapshot() as reads:
        reads.transitions(None, 1)
