"""A transaction is kept whole or leaves nothing, whatever ends it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest

from segmentd.errors import StorageFailed
from segmentd.records import (
    EventBatch,
    KindRecord,
    ModelRecord,
    MoveBatch,
    ProfileRecord,
    SegmentRecord,
    TransitionRecord,
)
from segmentd.storage import Store
from segmentd.times import MAX_INSTANT, MIN_INSTANT, Micros

NOW = Micros(1_000)
LOGIN = EventBatch(NOW, ["Login"], [NOW], [b"{}"], [None], ["m1"], [b"d" * 16], [None])


def _write_everything(store: Store) -> None:
    store.insert_users([(store.next_user_key(), "ann")])
    store.write_profiles([ProfileRecord(1)])
    store.insert_event_batch([1], LOGIN)
    store.write_kinds([KindRecord("", "plan", "text", False)])
    store.put_segment_version(SegmentRecord(1, "vip", 1, "{}", "active", "", "", "", NOW))
    store.put_model(ModelRecord("rfm", 1, "rfm", b"{}", b"{}", 3, b"{}", NOW))
    store.append_transitions(1, [TransitionRecord(1, 1, 1, True, NOW, "ATTRIBUTE")])
    store.set_meta("derivation", b"1")
    store.advance(1, NOW)


def _transact(store: Store, *steps: Callable[[Store], object]) -> None:
    with store.transaction():
        for step in steps:
            step(store)


def _raise(error: BaseException) -> Callable[[Store], None]:
    def step(_: Store) -> None:
        raise error

    return step


def _contents(store: Store) -> list[object]:
    counts = [
        store._session.row(f"SELECT count(*) FROM {table}")
        for table in ("users", "profiles", "events", "event_names", "kinds", "segments", "segment_versions", "models")
    ]
    keys = store.next_user_key(), store.next_segment_key()
    return [*counts, keys, store.state(), store.transitions(None, 10), store.meta("derivation"), store.event_names()]


def test_an_exception_leaves_nothing(store: Store) -> None:
    before = _contents(store)
    with pytest.raises(KeyError):
        _transact(store, _write_everything, _raise(KeyError()))
    assert _contents(store) == before
    with store.transaction():
        _write_everything(store)
    assert _contents(store) != before


def test_a_failed_commit_is_an_error_and_leaves_nothing(store: Store) -> None:
    before = _contents(store)
    with pytest.raises(StorageFailed, match="commit"):
        _transact(store, _write_everything, lambda s: s.write_profiles([ProfileRecord(99)]))
    assert _contents(store) == before
    with store.transaction():
        _write_everything(store)


def _swallow(step: Callable[[Store], object]) -> Callable[[Store], None]:
    def swallowed(store: Store) -> None:
        with pytest.raises((StorageFailed, OverflowError)):
            step(store)

    return swallowed


@pytest.mark.parametrize("bad", [[(2, "bob"), (3, "ann")], [(2, "bob"), (2**63, "cid")]])
def test_a_failed_write_dooms_the_transaction_even_where_it_was_caught(
    store: Store, bad: list[tuple[int, str]]
) -> None:
    # The first row of the bad batch was written; committing would keep half of a batch.
    with pytest.raises(StorageFailed, match="commit"):
        _transact(store, lambda s: s.insert_users([(1, "ann")]), _swallow(lambda s: s.insert_users(bad)))
    assert list(store.users()) == []
    with pytest.raises(StorageFailed, match="earlier write"):
        _transact(store, _swallow(lambda s: s.insert_users([(2**63, "cid")])), _write_everything)
    with store.transaction():
        _write_everything(store)


def test_a_revision_with_log_entries_must_be_recorded(store: Store) -> None:
    with pytest.raises(StorageFailed, match="commit"), store.transaction():
        store.append_transitions(1, [TransitionRecord(1, 1, 1, True, NOW, "TIME")])
    assert store.transitions(None, 1) == []


def test_a_connection_lost_within_a_transaction(file: Path) -> None:
    store = Store.open(file)
    with pytest.raises(StorageFailed):
        _transact(store, _write_everything, lambda s: s._session.connection.close())
    store.close()
    with Store.open(file) as again:
        assert again.user_key("ann") is None


def test_an_interrupt_rolls_back(store: Store) -> None:
    with pytest.raises(KeyboardInterrupt):
        _transact(store, _write_everything, _raise(KeyboardInterrupt()))
    assert store.user_key("ann") is None


@pytest.mark.parametrize(
    "write",
    [
        lambda s: s.insert_users([(1, "ann")]),
        lambda s: s.write_profiles([ProfileRecord(1)]),
        lambda s: s.insert_event_batch([1], LOGIN),
        lambda s: s.advance(1, NOW),
        lambda s: s.append_moves(1, MoveBatch.of([TransitionRecord(1, 1, 1, True, NOW, "TIME")])),
        lambda s: s.set_meta("a", b"b"),
    ],
)
def test_a_write_outside_of_a_transaction_is_refused(store: Store, write: Callable[[Store], None]) -> None:
    with pytest.raises(StorageFailed, match="outside of a transaction"):
        write(store)
    assert store.state().revision == 0


def test_transactions_do_not_nest(store: Store) -> None:
    with pytest.raises(StorageFailed, match="already open"), store.transaction(), store.transaction():
        pass
    with store.transaction():
        store.insert_users([(1, "ann")])
    assert store.user_key("ann") == 1


def test_state_begins_before_every_instant_and_survives(file: Path) -> None:
    with Store.open(file) as store:
        assert (store.state().revision, store.state().instant) == (0, MIN_INSTANT)
        with store.transaction():
            store.advance(1, NOW)
            store.advance(7, MAX_INSTANT)
    with Store.open(file) as store:
        assert (store.state().revision, store.state().instant) == (7, MAX_INSTANT)


@pytest.mark.parametrize(("revision", "instant"), [(5, 200), (4, 200), (6, 100), (6, 99), (0, 0)])
def test_neither_revision_nor_instant_goes_back(store: Store, revision: int, instant: int) -> None:
    with store.transaction():
        store.advance(5, Micros(100))
    with pytest.raises(StorageFailed, match="does not follow"):
        _transact(store, lambda s: s.insert_users([(1, "ann")]), lambda s: s.advance(revision, Micros(instant)))
    assert store.state().revision == 5
    assert store.user_key("ann") is None


def test_a_store_may_be_opened_by_one_thread_and_used_by_another(store: Store) -> None:
    def write() -> None:
        with store.transaction():
            store.insert_users([(1, "ann")])

    thread = Thread(target=write)
    thread.start()
    thread.join()
    assert store.user_key("ann") == 1


_WRITE = "INSERT INTO users (user_key, user_id) VALUES (?, ?)"


def test_what_is_written_beside_is_there_for_whatever_comes_next(store: Store) -> None:
    session = store._session
    with store.transaction():
        session.write_beside(_WRITE, (1, "ann"))
        assert store.user_key("ann") == 1
        session.write_beside(_WRITE, (2, "bob"))
        session.write_beside(_WRITE, (3, "cid"))
    assert list(store.users()) == [[(1, "ann"), (2, "bob"), (3, "cid")]]


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (lambda s: s.user_key("ann"), "write"),
        (lambda s: s.set_meta("derivation", b"1"), "write"),
        (lambda _: None, "write"),
        (_swallow(lambda s: s.user_key("ann")), "commit"),
    ],
)
def test_a_write_beside_that_fails_dooms_its_transaction(
    store: Store, step: Callable[[Store], None], told: str
) -> None:
    with pytest.raises(StorageFailed, match=told):
        _transact(store, lambda s: s._session.write_beside(_WRITE, (1, "ann")), _write_twice, step)
    assert list(store.users()) == []
    with store.transaction():
        _write_everything(store)


def _write_twice(store: Store) -> None:
    store._session.write_beside(_WRITE, (1, "ann"))


def test_a_write_beside_ends_before_its_transaction_is_undone(store: Store) -> None:
    with pytest.raises(KeyError):
        _transact(store, lambda s: s._session.write_beside(_WRITE, (1, "ann")), _raise(KeyError()))
    assert list(store.users()) == []
    with pytest.raises(StorageFailed, match="outside"):
        store._session.write_beside(_WRITE, (1, "ann"))
