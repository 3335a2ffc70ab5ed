"""Compaction, wherever it is interrupted, loses no member and no move after the start of the log."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tests.storage.log_oracle import COMMITS, SEGMENTS, USERS, LogOracle, Steps, empty_store, keys

from segmentd.errors import OutOfRange, Reason
from segmentd.records import END_OFFSET, START, MoveBatch, Position, SegmentRecord, SwitchRecord, TransitionRecord
from segmentd.storage import Store, block_streams, keypacking, runs
from segmentd.storage.part import Part
from segmentd.storage.session import Session
from segmentd.times import Micros, format_instant


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a few moves make several blocks, and a compaction several steps."""
    monkeypatch.setattr(keypacking, "BLOCK", 3)
    monkeypatch.setattr(runs, "RUN", 2)
    monkeypatch.setattr(Part, "batch_size", 4)
    monkeypatch.setattr(block_streams, "LARGEST", 3)
    monkeypatch.setattr(Store, "fold_size", 3)
    monkeypatch.setattr(Store, "fold_blocks", 2)


class _Interrupted(Exception):
    pass


class CompactedLog(RuleBasedStateMachine):
    """A store and a list; what the store still tells must be what the list says."""

    def __init__(self) -> None:
        super().__init__()
        self.store, self.oracle = empty_store(), LogOracle()

    @rule(steps=COMMITS)
    def commit(self, steps: Steps) -> None:
        """Moves and switches."""
        self.oracle.commit(self.store, steps)

    @rule(users=st.frozensets(st.sampled_from(USERS), max_size=2))
    def forget(self, users: frozenset[int]) -> None:
        """An erasure, also between the steps of a compaction."""
        with self.store.transaction():
            self.store.forget_users(users)
        self.oracle.forget(users)

    @rule(back=st.integers(0, 4), steps=st.integers(0, 12))
    def compact(self, back: int, steps: int) -> None:
        """Some steps of a compaction, perhaps all."""
        revision = len(self.oracle.instants) - 1 - back
        compaction = self.store.compact(revision)
        next(compaction)
        self._noted(revision)
        for _, _ in zip(range(steps), compaction, strict=False):
            pass
        compaction.close()

    @rule(back=st.integers(0, 2), writes=st.integers(0, 25))
    def fail(self, back: int, writes: int) -> None:
        """A compaction that ends at some write."""
        revision = len(self.oracle.instants) - 1 - back
        left, write = [writes], Session.write

        def failing(session: Session, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[object, ...]]:
            left[0] -= 1
            if left[0] < 0:
                raise _Interrupted
            return write(session, sql, parameters)

        with pytest.MonkeyPatch.context() as patch, suppress(_Interrupted):
            patch.setattr(Session, "write", failing)
            for _ in self.store.compact(revision):
                pass
        if self.store.log_start().revision > self.oracle.start.revision:
            self._noted(revision)

    @rule()
    def finish(self) -> None:
        """What was interrupted is done, and nothing of it is left."""
        for _ in self.store.compact():
            pass
        start = self.store.log_start().revision
        last = self.store.state().revision
        for table in ("transitions", "switches"):
            assert self.store._session.row(f"SELECT count(*) FROM {table} WHERE revision <= ?", (start,)) == (0,)
        assert self.store._session.rows("SELECT revision FROM revisions") == [
            (revision,) for revision in range(1, last + 1) if revision > start or revision == last
        ]

    @invariant()
    def members_are_kept(self) -> None:
        """The present, and every instant that the log still tells."""
        oracle, start = self.oracle, self.oracle.start
        for segment in SEGMENTS:
            assert self.store.members(segment).tolist() == oracle.members(segment, oracle.instants[-1])
        for instant in map(Micros, range(max(start.instant, oracle.instants[-1] - 3), oracle.instants[-1] + 1)):
            members = oracle.members(SEGMENTS[0], instant)
            assert self.store.members_at(SEGMENTS[0], instant).tolist() == members
            assert [each for each in USERS if self.store.member_at(SEGMENTS[0], each, instant)] == members
        if start.revision:
            for ask in (self.store.members_at, lambda segment, at: self.store.member_at(segment, 1, at)):
                with pytest.raises(OutOfRange) as seen:
                    ask(1, Micros(start.instant - 1))
                assert seen.value.reason is Reason.HISTORY_COMPACTED
                assert seen.value.metadata == {"oldest_time": format_instant(start.instant)}

    @invariant()
    def moves_after_the_start_are_kept(self) -> None:
        """For those who have seen all that is gone; the others are told."""
        store, oracle, start = self.store, self.oracle, self.oracle.start
        assert store.log_start() == start
        for after in (start.position, Position(start.revision, END_OFFSET)):
            assert store.transitions(after, 1000) == oracle.log
            assert store.transitions(after, 1000, segments=[1, 2], users=[1, 2, 3]) == oracle.wanted(
                after, {1, 2}, {1, 2, 3}
            )
        since = Micros(start.instant + 1)
        assert store.history(None, 1000, start=since, end=Micros(10**9)) == [
            each for each in oracle.log if each.transition.effective_time >= since
        ]
        if start.revision:
            with pytest.raises(OutOfRange) as seen:
                store.history(None, 1, start=start.instant, end=Micros(10**9))
            assert seen.value.reason is Reason.HISTORY_COMPACTED
        if start.position > START:
            with pytest.raises(OutOfRange) as seen:
                store.transitions(start.position._replace(offset=start.position.offset - 1), 1)
            assert seen.value.reason is Reason.POSITION_COMPACTED
            assert seen.value.metadata["oldest_revision"] == str(start.revision)

    def _noted(self, revision: int) -> None:
        if revision > self.oracle.start.revision:
            self.oracle.note_start(revision)


TestCompactedLog = CompactedLog.TestCase
TestCompactedLog.settings = settings(max_examples=40, stateful_step_count=12, deadline=None)


@given(history=st.lists(COMMITS, max_size=4))
def test_compacting_all_of_it_keeps_the_members_and_the_last_revision(history: list[Steps]) -> None:
    store, oracle = empty_store(), LogOracle()
    for steps in history:
        oracle.commit(store, steps)
    state = store.state()
    for _ in store.compact(10**6):
        pass
    assert store.state() == state
    assert store.log_size() == 0
    assert store.log_start().revision == state.revision
    for segment in SEGMENTS:
        assert store.members(segment).tolist() == oracle.members(segment, oracle.instants[-1])


def test_a_quiet_reader_at_the_last_move_has_missed_nothing(store: Store) -> None:
    for revision, moves in ((1, [1, 2]), (2, []), (3, [])):
        with store.transaction():
            store.advance(revision, Micros(revision))
            records = [TransitionRecord(1, 1, user, True, Micros(revision), "TIME") for user in moves]
            store.append_moves(revision, MoveBatch.of(records))
    for _ in store.compact(3):
        pass
    assert store.transitions(Position(1, 1), 10) == []
    with pytest.raises(OutOfRange):
        store.transitions(Position(1, 0), 10)


def test_a_reader_who_lacks_only_erased_moves_has_missed_nothing(store: Store) -> None:
    with store.transaction():
        store.advance(1, Micros(1))
        store.append_switch(SwitchRecord(1, 1, 0, 1, Micros(1), "DEFINITION", entered=keys({1, 2})))
    with store.transaction():
        store.forget_users([2])
    for _ in store.compact(1):
        pass
    assert store.transitions(Position(1, 0), 10) == []


def test_a_segment_deleted_long_ago_leaves_nothing(store: Store) -> None:
    with store.transaction():
        store.put_segment_version(SegmentRecord(1, "vip", 1, "{}", "active", "", "", "", Micros(1)))
        store.advance(1, Micros(1))
        store.append_switch(SwitchRecord(1, 1, 0, 1, Micros(1), "DEFINITION", entered=keys({1, 2, 3, 4})))
    for _ in store.compact(1):
        pass
    assert store.members(1).tolist() == [1, 2, 3, 4]
    with store.transaction():
        store.delete_segment("vip")
        store.advance(2, Micros(2))
        store.append_switch(SwitchRecord(2, 1, 1, 0, Micros(2), "DEFINITION", left=keys({1})))
    for _ in store.compact(2):
        pass
    assert store._session.rows("SELECT * FROM baselines") == []


def test_baselines_stay_in_blocks_of_the_right_size(store: Store) -> None:
    for revision in range(1, 60):
        with store.transaction():
            store.advance(revision, Micros(revision))
            store.append_moves(
                revision, MoveBatch.of([TransitionRecord(1, 1, revision * 37 % 60, True, Micros(revision), "TIME")])
            )
        for _ in store.compact(revision):
            pass
    rows = store._session.rows("SELECT first_key, last_key, user_keys FROM baselines ORDER BY first_key")
    assert len(rows) <= 59
    found = [keypacking.unpack(packed).tolist() for _, _, packed in rows]
    assert [key for block in found for key in block] == list(range(1, 60))
    assert [(block[0], block[-1]) for block in found] == [row[:2] for row in rows]
    assert max(map(len, found)) <= 3


def test_what_was_compacted_away_does_not_wait_for_anybody(store: Store) -> None:
    for revision in (1, 2, 3):
        with store.transaction():
            store.advance(revision, Micros(revision))
            records = [TransitionRecord(1, 1, user, revision != 2, Micros(revision), "LIST") for user in (1, 2, 3)]
            store.append_moves(revision, MoveBatch.of(records))
    places = [Position(1, 0), Position(2, 0), Position(2, 2), Position(2, END_OFFSET), Position(3, 0)]
    assert [store.moves_after(place) for place in places] == [8, 5, 3, 3, 2]
    for _ in store.compact(2):
        pass
    assert [store.moves_after(place) for place in places] == [3, 3, 3, 3, 2]
