"""The log compared with a plain list of moves: streams from any place, filters, history, memberships of the past."""

from __future__ import annotations

from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.storage.log_oracle import COMMITS, SEGMENTS, USERS, LogOracle, Steps, empty_store

from segmentd.records import END_OFFSET, START, LoggedTransition, Position
from segmentd.storage import Store, block_streams, keypacking, log_reads, runs, wanted
from segmentd.storage.part import Part
from segmentd.storage.wanted import LAST_REVISION
from segmentd.times import Micros

HISTORIES = st.lists(COMMITS, max_size=4)
Keys: TypeAlias = "frozenset[int] | None"
SOME_SEGMENTS = st.none() | st.frozensets(st.sampled_from(SEGMENTS))
SOME_USERS = st.none() | st.frozensets(st.sampled_from(USERS))


@pytest.fixture(autouse=True, params=[1, 64])
def _small(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a few moves make runs of several blocks, and both ways of filtering are taken."""
    monkeypatch.setattr(keypacking, "BLOCK", 3)
    monkeypatch.setattr(runs, "RUN", 2)
    monkeypatch.setattr(Part, "batch_size", 4)
    monkeypatch.setattr(block_streams, "LARGEST", 3)
    monkeypatch.setattr(wanted, "STREAMS", request.param)


def _written(history: list[Steps]) -> tuple[Store, LogOracle]:
    store, oracle = empty_store(), LogOracle()
    for steps in history:
        oracle.commit(store, steps)
    return store, oracle


@given(history=HISTORIES, segments=SOME_SEGMENTS, users=SOME_USERS, limit=st.integers(1, 9))
def test_pages_of_any_length_and_filter_give_exactly_the_list(
    history: list[Steps], segments: Keys, users: Keys, limit: int
) -> None:
    store, oracle = _written(history)
    read: list[LoggedTransition] = []
    place = START
    while page := store.transitions(place, limit, segments=segments, users=users):
        assert len(page) <= limit
        read += page
        place = page[-1].position
    assert read == oracle.wanted(START, segments, users)


@given(history=HISTORIES, segments=SOME_SEGMENTS, users=SOME_USERS, look=st.integers(1, 9))
def test_a_part_of_the_log_at_a_time_comes_to_the_same(
    history: list[Steps], segments: Keys, users: Keys, look: int
) -> None:
    store, oracle = _written(history)
    read: list[LoggedTransition] = []
    place = START
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_reads, "LOOK", look)
        while place < Position(LAST_REVISION, 0):
            last = store.last_to_look_at(place, segments=segments, users=users)
            assert last > place.revision
            read += store.transitions(place, 1_000, segments=segments, users=users, last_revision=last)
            place = Position(last, END_OFFSET)
    assert read == oracle.wanted(START, segments, users)


@given(history=HISTORIES, segments=SOME_SEGMENTS, users=SOME_USERS, data=st.data())
def test_a_reader_may_begin_anywhere(history: list[Steps], segments: Keys, users: Keys, data: st.DataObject) -> None:
    store, oracle = _written(history)
    for revision in range(len(oracle.instants)):
        after = Position(revision, data.draw(st.integers(-1, 30) | st.just(END_OFFSET)))
        limit = data.draw(st.sampled_from([1, 2, 100]))
        found = store.transitions(after, limit, segments=segments, users=users)
        assert found == oracle.wanted(after, segments, users)[:limit]


@given(history=HISTORIES, segments=SOME_SEGMENTS, users=SOME_USERS, start=st.integers(-1, 20), length=st.integers(0, 9))
def test_history_is_what_became_true_in_the_interval(
    history: list[Steps], segments: Keys, users: Keys, start: int, length: int
) -> None:
    store, oracle = _written(history)
    begin, end = Micros(start), Micros(start + length)
    expected = [each for each in oracle.wanted(START, segments, users) if begin <= each.transition.effective_time < end]
    read: list[LoggedTransition] = []
    place: Position | None = None
    while page := store.history(place, 2, segments=segments, users=users, start=begin, end=end):
        read += page
        place = page[-1].position
    assert read == expected


@given(history=HISTORIES, ago=st.integers(-1, 20), segment=st.sampled_from(SEGMENTS))
def test_members_at_an_instant_equal_a_replay(history: list[Steps], ago: int, segment: int) -> None:
    store, oracle = _written(history)
    instant = Micros(oracle.instants[-1] - ago)
    members = oracle.members(segment, instant)
    found = store.members_at(segment, instant)
    assert found.dtype == "int64"
    assert found.tolist() == members
    assert [user for user in USERS if store.member_at(segment, user, instant)] == members


@given(history=HISTORIES, erased=st.frozensets(st.sampled_from(USERS), max_size=3), more=COMMITS)
def test_forgetting_users_changes_nothing_for_others(history: list[Steps], erased: frozenset[int], more: Steps) -> None:
    store, oracle = _written(history)
    for each in (erased, erased, {USERS[0]}):
        with store.transaction():
            store.forget_users(each)
        oracle.forget(each)
    oracle.commit(store, more)
    for after in (START, *(each.position for each in oracle.log[::5])):
        assert store.transitions(after, 100) == oracle.wanted(after, None, None)[:100]
    for user in erased:
        assert store.transitions(None, 100, users=[user]) == oracle.wanted(START, None, [user])
    for segment in SEGMENTS:
        assert store.members(segment).tolist() == oracle.members(segment, oracle.instants[-1])


@given(history=HISTORIES, data=st.data())
def test_the_size_of_the_log_counts_moves(history: list[Steps], data: st.DataObject) -> None:
    store, oracle = _written(history)
    assert store.log_size() == len(oracle.log)
    moves = data.draw(st.integers(0, len(oracle.log)))
    revision = store.revision_keeping(moves)
    assert sum(each.revision > revision for each in oracle.log) <= moves
    if revision:
        assert sum(each.revision >= revision for each in oracle.log) > moves
    instant = Micros(data.draw(st.integers(-1, oracle.instants[-1] + 2)))
    before = [number for number, each in enumerate(oracle.instants) if number and each < instant]
    assert store.revision_before(instant) == (before[-1] if before else 0)
