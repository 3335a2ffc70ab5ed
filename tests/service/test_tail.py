"""The tail gives what the log would give, as far back as it reaches, and says where it does not."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentd.records import (
    END_OFFSET,
    START,
    LoggedTransition,
    MoveBatch,
    Position,
    SwitchRecord,
    TransitionRecord,
)
from segmentd.service import tail as tail_module
from segmentd.service.tail import Tail
from segmentd.times import Micros

_KEYS = st.sampled_from([1, 2, 3])
_MOVES = st.lists(st.tuples(_KEYS, _KEYS, st.booleans(), st.sampled_from(["EVENT", "TIME"]), st.none() | st.just("m")))
_SWITCHES = st.lists(st.tuples(_KEYS, st.frozensets(st.integers(1, 9)), st.frozensets(st.integers(1, 9))), max_size=2)
Parts: TypeAlias = list[MoveBatch | SwitchRecord]
Keys: TypeAlias = "frozenset[int] | None"
_FILTERS = st.none() | st.frozensets(_KEYS)


def _switch(revision: int, segment: int, left: Sequence[int], entered: Sequence[int], to: int = 2) -> SwitchRecord:
    keys = [np.array(each, np.int64) for each in (entered, left)]
    return SwitchRecord(revision, segment, 1, to, Micros(revision), "DEFINITION", *keys)


def _commit(revision: int, moves: list[Any], switches: list[Any]) -> tuple[Parts, list[LoggedTransition]]:
    """The parts of a commit, and the moves that the log has of it."""
    records = [
        TransitionRecord(segment, 1, user, entered, Micros(revision), cause, message)
        for segment, user, entered, cause, message in moves
    ]
    parts: Parts = [MoveBatch.of(records)]
    for segment, left, entered in switches:
        parts.append(_switch(revision, segment, sorted(left), sorted(entered)))
        records += [
            TransitionRecord(segment, 2, user, here, Micros(revision), "DEFINITION")
            for users, here in ((left, False), (entered, True))
            for user in sorted(users)
        ]
    return parts, [LoggedTransition(revision, offset, Micros(7), record) for offset, record in enumerate(records)]


@given(
    commits=st.lists(st.tuples(_MOVES, _SWITCHES), max_size=8),
    size=st.integers(1, 30),
    limit=st.integers(0, 5) | st.just(100),
    segments=_FILTERS,
    users=_FILTERS,
    data=st.data(),
)
def test_reading_equals_the_list_or_is_refused(
    commits: list[Any], size: int, limit: int, segments: Keys, users: Keys, data: st.DataObject
) -> None:
    log: list[LoggedTransition] = []
    tail = Tail(moves=size)
    for revision, steps in enumerate(commits, 1):
        parts, moves = _commit(revision, *steps)
        tail.append(revision, Micros(7), parts)
        log += moves
    after = data.draw(st.sampled_from([START, *(each.position for each in log), Position(len(commits), END_OFFSET)]))
    found = tail.read(after, limit, segments=segments, users=users)
    left = [each for each in log if each.position > after]
    if found is None:
        assert after < tail.begin  # of a commit that is not held whoever is before its end goes to the log
        return
    wanted = [
        each
        for each in left
        if (segments is None or each.transition.segment_key in segments)
        and (users is None or each.transition.user_key in users)
    ]
    assert found.transitions == wanted[:limit]
    assert all(each.position > found.position for each in wanted[limit:])
    assert all(each.position <= found.position for each in wanted[:limit])
    assert found.position >= after


@given(sizes=st.lists(st.integers(0, 6), max_size=12), size=st.integers(1, 12))
def test_as_much_is_held_as_fits(sizes: list[int], size: int) -> None:
    log: list[LoggedTransition] = []
    tail = Tail(moves=size)
    for revision, moves in enumerate(sizes, 1):
        parts, logged = _commit(revision, [(1, user, True, "TIME", None) for user in range(moves)], [])
        tail.append(revision, Micros(7), parts)
        log = [] if moves > size else [*log, *logged][-size:]
    found = tail.read(tail.begin, 1000)
    assert found is not None
    assert found.transitions == log
    assert found.position == tail.end == Position(len(sizes), END_OFFSET if sizes else -1)
    assert tail.appended == sum(sizes)


def test_a_segment_that_ends_is_left_in_the_version_that_was_served() -> None:
    tail = Tail()
    tail.append(1, Micros(1), [_switch(1, 1, [5], [], to=0)])
    found = tail.read(START, 9)
    assert found is not None
    assert [each.transition.segment_version for each in found.transitions] == [1]


def test_after_a_restart_from_disk_readers_go_to_the_log() -> None:
    tail = Tail(Position(3, END_OFFSET))
    assert tail.read(Position(3, 5), 1) is None
    tail.append(4, Micros(1), _commit(4, [(1, 1, True, "TIME", "m")], [])[0])
    tail.clear(5)
    assert tail.end == Position(5, END_OFFSET)
    assert tail.read(Position(4, END_OFFSET), 1) is None
    assert tail.read(Position(5, END_OFFSET), 1) == ([], tail.end)
    assert "m" not in tail._columns._messages


def test_an_erasure_empties_the_tail_and_what_comes_after_is_held() -> None:
    tail = Tail()
    tail.append(1, Micros(1), _commit(1, [(1, 1, True, "TIME", None)], [])[0])
    tail.clear()
    parts, moves = _commit(2, [(1, 1, False, "EVENT", None)], [])
    tail.append(2, Micros(7), parts)
    assert tail.read(START, 9) is None
    assert tail.read(Position(1, END_OFFSET), 9) == (moves, tail.end)


def test_everybody_is_woken_once_a_commit_even_where_one_fails(caplog: pytest.LogCaptureFixture) -> None:
    calls: list[int] = []
    tail = Tail()

    def fails() -> None:
        raise KeyError

    tail.subscribe(fails)
    ends = [tail.subscribe(lambda: calls.append(tail.end.revision)) for _ in range(2)]
    tail.append(1, Micros(1), _commit(1, [(1, 1, True, "TIME", None)] * 3, [])[0])
    ends[0]()
    ends[0]()
    tail.append(2, Micros(1), [])
    assert calls == [1, 1, 2]
    assert "a subscriber of the log failed" in caplog.text


def _faults_of(page: Sequence[LoggedTransition], place: Position) -> list[str]:
    """What is wrong with a page that follows a place; every move says where it stands."""
    faults = []
    for each in page:
        number = each.revision * 10 + each.offset
        gap = place.revision == each.revision and each.offset != place.offset + 1
        wrong = (each.transition.user_key, each.transition.message_id) != (number, str(number))
        if each.position <= place or gap or wrong:
            faults.append(f"after {place}: {each}")
        place = each.position
    return faults


def _follow(tail: Tail, end: Position) -> list[str]:
    """Read page by page up to an end; where that is too slow, go on at what is still held."""
    place, faults = START, list[str]()
    while place < end:
        found = tail.read(place, 10)
        if found is None:
            place = tail.begin
            continue
        faults += _faults_of(found.transitions, place)
        place = found.position
    return faults


def test_readers_beside_a_writer_see_every_move_in_order_or_are_sent_to_the_log(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tail_module, "_SCAN", 8)
    tail, end = Tail(moves=64), Position(3_000, END_OFFSET)
    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(_follow, tail, end) for _ in range(3)]
        for revision in range(1, end.revision + 1):
            numbers = range(revision * 10, revision * 10 + revision % 7)
            moves = [TransitionRecord(1, 1, number, True, Micros(1), "TIME", str(number)) for number in numbers]
            tail.append(revision, Micros(1), [MoveBatch.of(moves)])
        assert [reader.result() for reader in readers] == [[], [], []]


def test_who_waits_is_woken_where_memory_was_loaded_anew() -> None:
    """A commit may have reached the disk although it failed."""
    tail = Tail(Position(3, END_OFFSET))
    woken: list[Position] = []
    tail.subscribe(lambda: woken.append(tail.end))
    tail.clear()
    assert woken == []
    tail.clear(4)
    assert woken == [Position(4, END_OFFSET)]
