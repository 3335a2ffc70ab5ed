"""The log keeps its order, can be left and taken up anywhere, and its replay is the membership."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from segmentd.errors import StorageFailed
from segmentd.records import LoggedTransition, SwitchRecord, TransitionRecord, UserKeys
from segmentd.storage import Store, keypacking
from segmentd.storage.keypacking import pack, unpack
from segmentd.storage.part import Part
from segmentd.times import Micros

NOW = Micros(1_000)


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that switches have several blocks and replays several batches."""
    monkeypatch.setattr(keypacking, "BLOCK", 3)
    monkeypatch.setattr(Part, "batch_size", 4)


def _keys(*keys: int) -> UserKeys:
    return np.array(keys, np.int64)


def _moves(segment: int, keys: Sequence[int], entered: bool) -> list[TransitionRecord]:
    return [TransitionRecord(segment, 1, key, entered, NOW, "TIME", f"m{key}") for key in keys]


@dataclass
class Oracle:
    """Plain sets and a plain list."""

    members: dict[int, set[int]] = field(default_factory=lambda: {1: set(), 2: set()})
    log: list[tuple[int, int, int, bool]] = field(default_factory=list)

    def move(self, revision: int, segment: int, keys: Sequence[int]) -> list[TransitionRecord]:
        """Turn each of these users' membership over."""
        moves = []
        for key in keys:
            entered = key not in self.members[segment]
            (self.members[segment].add if entered else self.members[segment].discard)(key)
            self.log.append((revision, segment, key, entered))
            moves += _moves(segment, [key], entered)
        return moves

    def switch(self, revision: int, segment: int, target: set[int]) -> SwitchRecord:
        """Make `target` the members at once."""
        before = self.members[segment]
        left, entered = sorted(before - target), sorted(target - before)
        self.log += [(revision, segment, key, False) for key in left]
        self.log += [(revision, segment, key, True) for key in entered]
        self.members[segment] = set(target)
        return SwitchRecord(revision, segment, 1, 2, NOW, "DEFINITION", _keys(*entered), _keys(*left))


USERS = st.integers(1, 12)
MOVES = st.tuples(st.just("move"), st.sampled_from([1, 2]), st.lists(USERS, max_size=6))
SWITCHES = st.tuples(st.just("switch"), st.sampled_from([1, 2]), st.sets(USERS))
REVISIONS = st.lists(st.lists(MOVES | SWITCHES, max_size=4), max_size=6)


def _write(store: Store, revisions: list[list[tuple[str, int, list[int] | set[int]]]]) -> Oracle:
    oracle = Oracle()
    for revision, steps in enumerate(revisions, 1):
        with store.transaction():
            store.advance(revision, Micros(revision * 10))
            for what, segment, users in steps:
                if what == "move":
                    store.append_transitions(revision, oracle.move(revision, segment, list(users)))
                else:
                    store.append_switch(oracle.switch(revision, segment, set(users)))
    return oracle


@given(revisions=REVISIONS)
def test_the_replay_equals_plain_sets(revisions: list[list[tuple[str, int, list[int] | set[int]]]]) -> None:
    with Store.open(":memory:") as store:
        oracle = _write(store, revisions)
        for segment, members in oracle.members.items():
            replayed = store.members(segment)
            assert replayed.dtype == np.int64
            assert replayed.tolist() == sorted(members)


@given(revisions=REVISIONS, limit=st.integers(1, 9))
def test_reading_on_from_any_place_gives_the_whole_log(
    revisions: list[list[tuple[str, int, list[int] | set[int]]]], limit: int
) -> None:
    with Store.open(":memory:") as store:
        oracle = _write(store, revisions)
        read: list[LoggedTransition] = []
        place = None
        while page := store.transitions(place, limit):
            assert len(page) <= limit
            read += page
            place = page[-1].revision, page[-1].offset
        found = [(t.revision, t.transition.segment_key, t.transition.user_key, t.transition.entered) for t in read]
        assert found == oracle.log
        assert all(t.recorded_time == t.revision * 10 for t in read)
        for revision in range(1, len(revisions) + 1):
            offsets = [t.offset for t in read if t.revision == revision]
            assert offsets == list(range(len(offsets)))


def test_a_logged_transition_is_whole(store: Store) -> None:
    move = TransitionRecord(3, 4, 5, True, Micros(-7), "EVENT", "message")
    with store.transaction():
        store.append_transitions(1, [move])
        store.append_switch(SwitchRecord(1, 3, 4, 5, Micros(8), "DEFINITION", entered=_keys(9)))
        store.append_switch(SwitchRecord(1, 3, 5, 0, Micros(8), "DEFINITION", left=_keys(9)))
        store.advance(1, NOW)
    assert store.transitions(None, 9) == [
        LoggedTransition(1, 0, NOW, move),
        LoggedTransition(1, 1, NOW, TransitionRecord(3, 5, 9, True, Micros(8), "DEFINITION")),
        LoggedTransition(1, 2, NOW, TransitionRecord(3, 5, 9, False, Micros(8), "DEFINITION")),
    ]
    assert store.transitions((1, 2), 9) == []
    assert store.transitions(None, 0) == []


def test_the_log_of_an_erased_user_still_adds_up(store: Store) -> None:
    with store.transaction():
        store.insert_users([(1, "ann"), (2, "bob")])
        store.append_transitions(1, _moves(1, [1, 2], True))
        store.advance(1, NOW)
    with store.transaction():
        store.delete_users([1])
        store.append_transitions(2, _moves(1, [1], False))
        store.advance(2, Micros(NOW + 1))
    assert store.members(1).tolist() == [2]
    assert len(store.transitions(None, 10)) == 3


@pytest.mark.parametrize("keys", [[2, 1], [1, 1], [1, 2, 3, 3]])
def test_keys_out_of_order_are_refused(store: Store, keys: list[int]) -> None:
    with pytest.raises(StorageFailed, match="ascend"), store.transaction():
        store.append_switch(SwitchRecord(1, 1, 0, 1, NOW, "DEFINITION", entered=_keys(*keys)))


@given(keys=hnp.arrays(np.int64, st.integers(1, 60), elements=st.integers(-(2**62), 2**62), unique=True))
def test_packed_keys_come_back(keys: UserKeys) -> None:
    ordered = np.sort(keys)
    assert np.array_equal(unpack(pack(ordered)), ordered)


@pytest.mark.parametrize("step", [1, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**61])
def test_every_width_of_difference(step: int) -> None:
    keys = _keys(1, 1 + step, 2 + step)
    assert unpack(pack(keys)).tolist() == keys.tolist()


def test_a_million_keys_are_compact() -> None:
    assert len(pack(np.arange(1, 1_000_001, dtype=np.int64))) < 10_000
    assert len(pack(np.arange(1, 7_000_001, 7, dtype=np.int64))) < 10_000


@pytest.mark.parametrize("damage", [b"", b"\x00", b"\x09" + pack(_keys(1, 2))[1:], pack(_keys(1, 2))[:-3]])
def test_a_damaged_block_is_an_error(damage: bytes) -> None:
    with pytest.raises(StorageFailed, match="damaged"):
        unpack(damage)
