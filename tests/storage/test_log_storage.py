"""How the log is stored: what is packed, what the indexes do, and a log that an earlier release wrote."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentd.records import START, MoveBatch, Position, SwitchRecord, TransitionRecord, UserKeys
from segmentd.storage import Store, forgetting, keypacking, runs
from segmentd.storage.keypacking import pack, pack_gaps, ranks_of
from segmentd.storage.schema import MIGRATIONS
from segmentd.storage.session import Row, Session
from segmentd.times import Micros


def _alike(users: Sequence[int], **different: Any) -> list[TransitionRecord]:
    fields = {"segment_key": 1, "segment_version": 1, "entered": True, "effective_time": Micros(1), "cause": "TIME"}
    return [TransitionRecord(user_key=user, **{**fields, **different}) for user in users]


def _write(store: Store, moves: list[TransitionRecord], revision: int = 1) -> None:
    with store.transaction():
        store.advance(revision, Micros(revision))
        store.append_moves(revision, MoveBatch.of(moves))


def _stored(store: Store) -> tuple[int, int]:
    """How many rows and how many blocks."""
    rows = store._session.row("SELECT count(*) FROM transitions")
    blocks = store._session.row("SELECT count(*) FROM switches")
    assert rows is not None
    assert blocks is not None
    return rows[0], blocks[0]


@pytest.mark.parametrize(("users", "stored"), [(63, (63, 0)), (64, (0, 1)), (4_096, (0, 1)), (4_097, (0, 2))])
def test_long_runs_are_packed(store: Store, users: int, stored: tuple[int, int]) -> None:
    moves = _alike(range(1, users + 1))
    _write(store, moves)
    assert _stored(store) == stored
    assert [each.transition for each in store.transitions(None, 10_000)] == moves
    assert [each.offset for each in store.transitions(None, 10_000)] == list(range(users))


@pytest.mark.parametrize(
    "different",
    [
        {"segment_key": 2},
        {"segment_version": 2},
        {"entered": False},
        {"effective_time": Micros(2)},
        {"cause": "EVENT"},
        {"message_id": "m"},
        {"cause": "EVENT", "message_id": "m"},
    ],
)
def test_a_different_move_ends_a_run(store: Store, different: dict[str, Any]) -> None:
    moves = _alike(range(1, 101)) + _alike([101], **different) + _alike(range(102, 202))
    _write(store, moves)
    assert _stored(store) == (1, 2)
    assert [each.transition for each in store.transitions(None, 10_000)] == moves


@pytest.mark.parametrize("again", [100, 99, 1])
def test_a_user_who_does_not_ascend_ends_a_run(store: Store, again: int) -> None:
    moves = _alike(range(1, 101)) + _alike(range(again, again + 100))
    _write(store, moves)
    assert _stored(store) == (0, 2)
    assert [each.transition for each in store.transitions(None, 10_000)] == moves


@given(
    st.lists(
        st.builds(
            TransitionRecord,
            st.integers(1, 2),
            st.integers(1, 2),
            st.integers(1, 9),
            st.booleans(),
            st.sampled_from([Micros(1), Micros(2)]),
            st.sampled_from(["TIME", "EVENT"]),
            st.none() | st.just("m"),
        )
    )
)
def test_runs_cover_the_batch_and_packed_ones_are_alike(moves: list[TransitionRecord]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "RUN", 2)
        found = list(runs.runs(MoveBatch.of(moves)))
    assert [number for start, stop, _ in found for number in range(start, stop)] == list(range(len(moves)))
    for start, stop, packed in found:
        if packed:
            users = [each.user_key for each in moves[start:stop]]
            assert users == sorted(set(users))
            assert (
                len(
                    {
                        (m.segment_key, m.segment_version, m.entered, m.effective_time, m.cause)
                        for m in moves[start:stop]
                    }
                )
                == 1
            )
            assert all(each.message_id is None for each in moves[start:stop])


def test_blocks_say_between_which_users_they_are(store: Store) -> None:
    _write(store, _alike(range(5, 9_000, 2)))
    rows = store._session.rows("SELECT first_key, last_key, user_keys FROM switches ORDER BY offset")
    assert len(rows) == 2
    for first, last, packed in rows:
        keys = keypacking.unpack(packed)
        assert (first, last) == (keys[0], keys[-1])


@given(size=st.integers(1, 40), data=st.data())
def test_gaps_come_back(size: int, data: st.DataObject) -> None:
    gaps = sorted(data.draw(st.sets(st.integers(0, size - 1))))
    ranks = ranks_of(size, pack_gaps(np.array(gaps, np.int64)))
    assert sorted([*gaps, *ranks.tolist()]) == list(range(size))
    assert (pack_gaps(np.array(gaps, np.int64)) is None) == (not gaps)


def test_no_read_sorts_or_goes_through_a_whole_table(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for revision in range(1, 4):
        _write(store, _alike(range(1, 200)) + _alike([7], entered=False), revision)
    plans: list[str] = []
    rows = Session.rows

    def explained(session: Session, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        plans.extend(row[3] for row in rows(session, f"EXPLAIN QUERY PLAN {sql}", parameters))
        return rows(session, sql, parameters)

    monkeypatch.setattr(Session, "rows", explained)
    for segments, users in ((None, None), ([1], None), (None, [7]), ([1], [7]), (list(range(99)), list(range(99)))):
        assert store.transitions(Position(2, 5), 10, segments=segments, users=users)
        assert store.history(None, 10, segments=segments, users=users, start=Micros(1), end=Micros(3))
    store.members_at(1, Micros(2))
    store.member_at(1, 7, Micros(2))
    store.log_size()
    store.revision_before(Micros(2))
    store.revision_keeping(100)
    for _ in store.compact(1):
        pass
    assert len(plans) > 50
    assert [plan for plan in plans if "TEMP B-TREE" in plan] == []
    assert [plan for plan in plans if re.match(r"SCAN (t|s|transitions|switches|baselines)\b", plan)] == []


def test_a_log_that_an_earlier_release_wrote_is_read(file: Path) -> None:
    with Store.open(file, MIGRATIONS[:1]) as old, old.transaction():
        write = old._session.write
        for revision in (1, 2):
            write("INSERT INTO revisions (revision, instant) VALUES (?, ?)", (revision, revision * 10))
        write("INSERT INTO transitions VALUES (1, 0, 1, 1, 5, 1, 10, 'EVENT', 'm')")
        packed = pack(np.array([3, 4, 5], np.int64))
        write("INSERT INTO switches VALUES (2, 0, 3, 1, 1, 2, 0, 20, 'DEFINITION', ?)", (packed,))
    with Store.open(file) as store:
        found = store.transitions(START, 10)
        assert [(each.revision, each.offset, each.recorded_time) for each in found] == [
            (1, 0, 10),
            (2, 0, 20),
            (2, 1, 20),
            (2, 2, 20),
        ]
        assert [each.transition.user_key for each in store.transitions(None, 10, users=[4, 5])] == [5, 4, 5]
        assert [store.member_at(1, 5, Micros(at)) for at in (9, 10, 19, 20)] == [False, True, True, False]
        assert (store.log_size(), store.revision_keeping(3), store.revision_keeping(2)) == (4, 1, 2)
        with store.transaction():
            store.advance(3, Micros(30))
            store.append_switch(SwitchRecord(3, 1, 2, 3, Micros(30), "DEFINITION", entered=np.array([9], np.int64)))
        assert store.log_size() == 5
        for _ in store.compact(2):
            pass
        assert store.members(1).tolist() == [9]


def test_erasing_two_users_unpacks_only_the_blocks_that_may_have_them(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keypacking, "BLOCK", 100)
    _write(store, _alike(range(1, 2_001)))
    unpacked: list[bytes] = []

    def counted(packed: bytes) -> UserKeys:
        unpacked.append(packed)
        return keypacking.unpack(packed)

    monkeypatch.setattr(forgetting, "unpack", counted)
    with store.transaction():
        store.forget_users([50, 1_950])
    assert len(unpacked) == 2
    assert len(store.transitions(None, 10_000)) == 1_998
