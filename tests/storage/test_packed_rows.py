"""Rows that come in by one statement are the rows that come in one by one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.storage.stored_events import insert_events

from segmentd.errors import StorageFailed
from segmentd.records import EventBatch, EventRecord, MoveBatch, TransitionRecord
from segmentd.storage import Store, event_rows, move_rows, runs
from segmentd.times import MAX_INSTANT, MIN_INSTANT, Micros

RECEIVED = Micros(1_790_000_000_000_000)
MESSAGE_IDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=12)
INSTANTS = st.integers(MIN_INSTANT, MAX_INSTANT).map(Micros)
JSONS = st.sampled_from([b"{}", b'{"a":"\\u0000\\"\\\\"}', '{"k":"€𝄞"}'.encode(), b'{"n":1.0}', b'{"deep":{"x":[1]}}'])
EVENTS = st.builds(
    EventRecord,
    user_key=st.integers(1, 2**62),
    name=st.sampled_from(["Login", "1", "null", ""]),
    time=INSTANTS,
    received=st.just(RECEIVED),
    properties=JSONS,
    context=st.none() | JSONS,
    rate=st.none() | st.sampled_from(["1.25", "1e3", "0"]),
)
TOLD_APART = st.none() | MESSAGE_IDS | st.integers(0, 99).map(str)


@pytest.fixture(autouse=True)
def _few_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a handful of rows is many, and fewer are several statements."""
    monkeypatch.setattr(event_rows, "_FEW", 0)
    monkeypatch.setattr(event_rows, "_MANY", 6)
    monkeypatch.setattr(event_rows, "_AT_ONCE", 2)
    monkeypatch.setattr(move_rows, "_SHORT", 2)


def _batch(events: list[EventRecord]) -> EventBatch:
    names = ("name", "time", "properties", "context", "message_id", "digest", "rate")
    return EventBatch(RECEIVED, *([getattr(each, name) for each in events] for name in names))


def _with_ids(events: list[EventRecord], ids: list[str | None]) -> list[EventRecord]:
    """Events with unique message ids, each with a digest, or none of both."""
    seen: set[str | None] = set()
    told = []
    for number, (event, message_id) in enumerate(zip(events, ids, strict=False)):
        known = None if message_id in seen else message_id
        seen.add(known)
        told.append(replace(event, message_id=known, digest=None if known is None else number.to_bytes(16, "big")))
    return told


def _table(store: Store, name: str) -> list[tuple[Any, ...]]:
    """All columns, and the type that each value is stored as."""
    columns = [row[1] for row in store._session.rows(f"PRAGMA table_info({name})")]
    wanted = ", ".join([*columns, *(f"typeof({each})" for each in columns)])
    return store._session.rows(f"SELECT {wanted} FROM {name} ORDER BY 1, 2")


@given(
    st.lists(EVENTS, max_size=9),
    st.lists(TOLD_APART, min_size=9, max_size=9),
    st.booleans(),
)
def test_events_are_stored_like_events_one_by_one(events: list[EventRecord], ids: list[str | None], bare: bool) -> None:
    events = _with_ids(events, ids)
    if bare:
        events = [replace(each, context=None, rate=None) for each in events]
    with Store.open(":memory:") as alone, Store.open(":memory:") as together:
        with alone.transaction():
            insert_events(alone, events)
        with together.transaction():
            together.insert_event_batch([each.user_key for each in events], _batch(events))
        assert _table(together, "events") == _table(alone, "events")
        assert together.event_names() == alone.event_names()


@pytest.mark.parametrize("size", [1, 40])
def test_large_events_are_bound_row_by_row(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_rows, "_LARGE", 100)
    raw = b'{"k":"%s"}' % (b"x" * (100 * size))
    events = [EventRecord(key, "E", RECEIVED, RECEIVED, raw) for key in range(9)]
    with Store.open(":memory:") as store:
        with store.transaction():
            store.insert_event_batch([each.user_key for each in events], _batch(events))
        assert [row[:2] for row in _table(store, "events")] == [(key + 1, key) for key in range(9)]
        assert [each.properties for each in store.events_of(3)] == [raw]


def test_a_message_id_that_is_stored_dooms_the_transaction() -> None:
    events = _with_ids([EventRecord(1, "E", RECEIVED, RECEIVED, b"{}")] * 4, ["a", "b", "c", "d"])
    with Store.open(":memory:") as store:
        with store.transaction():
            insert_events(store, events[3:])
        with pytest.raises(StorageFailed, match="UNIQUE"), store.transaction():
            store.insert_event_batch([1] * 4, _batch(events))
        assert store.event_count() == 1
        assert len(store.events_of(1)) == 1


MOVES = st.builds(
    TransitionRecord,
    segment_key=st.integers(1, 2),
    segment_version=st.integers(1, 2),
    user_key=st.integers(1, 9),
    entered=st.booleans(),
    effective_time=st.integers(0, 1).map(Micros),
    cause=st.sampled_from(["EVENT", "TIME"]),
    message_id=TOLD_APART,
)


@given(st.lists(st.tuples(MOVES, st.integers(1, 5)), max_size=6), st.sampled_from([2, 3, 64]))
def test_moves_are_logged_like_moves_one_by_one(stretches: list[tuple[TransitionRecord, int]], run: int) -> None:
    moves = [replace(move, user_key=move.user_key + at) for move, times in stretches for at in range(times)]
    with pytest.MonkeyPatch.context() as patch, Store.open(":memory:") as alone, Store.open(":memory:") as together:
        patch.setattr(runs, "RUN", run)
        for store, shortest in ((alone, 10**9), (together, 2)):
            patch.setattr(move_rows, "_SHORT", shortest)
            with store.transaction():
                store.advance(1, RECEIVED)
                for _ in range(2):
                    store.append_moves(1, MoveBatch.of(moves))
        assert _table(together, "transitions") == _table(alone, "transitions")
        assert _table(together, "switches") == _table(alone, "switches")


def test_stretches_of_like_moves_are_told_by_all_but_user_and_message() -> None:
    first = TransitionRecord(1, 1, 7, True, Micros(5), "EVENT", "m")
    moves = [
        first,
        replace(first, user_key=3, message_id="n"),
        replace(first, message_id=None),
        replace(first, entered=False),
        replace(first, entered=False, cause="TIME"),
        replace(first, entered=False, cause="TIME", effective_time=Micros(6)),
    ]
    batch = MoveBatch.of(moves)
    assert runs.like_moves(batch, 0, 6).tolist() == [0, 3, 4, 5, 6]
    assert runs.like_moves(batch, 1, 4).tolist() == [1, 3, 4]
    assert np.array_equal(runs.like_moves(MoveBatch.of([first]), 0, 1), [0, 1])


def test_each_move_is_compared_twice_at_most_however_many_runs_are_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once to find the runs, once to find those like each other between them: a wave has hundreds of thousands."""
    compared = []
    differing = runs._differing

    def counted(batch: MoveBatch, start: int, stop: int) -> NDArray[np.bool_]:
        compared.append(stop - start)
        return differing(batch, start, stop)

    monkeypatch.setattr(runs, "_differing", counted)
    first = TransitionRecord(1, 1, 7, True, Micros(5), "TIME", None)
    moves = [replace(first, user_key=at, effective_time=Micros(at // 74 * 2 + (at % 74 >= 64))) for at in range(2_000)]
    with Store.open(":memory:") as store, store.transaction():
        store.advance(1, RECEIVED)
        store.append_moves(1, MoveBatch.of(moves))
    assert len(compared) > 20
    assert sum(compared) <= 2 * len(moves)
