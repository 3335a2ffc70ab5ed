"""Reading the log from its end, and who and what existed at an instant."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentd.records import (
    END_OFFSET,
    START,
    LoggedTransition,
    Position,
    ProfileRecord,
    SegmentRecord,
    SwitchRecord,
    TransitionRecord,
)
from segmentd.storage import Store
from segmentd.storage.backwards import LAST
from segmentd.storage.schema import MIGRATIONS
from segmentd.times import FOREVER, MIN_INSTANT, Micros

USERS, SEGMENTS = range(1, 9), (1, 2)
SINGLES = st.lists(st.tuples(st.sampled_from(SEGMENTS), st.sampled_from(USERS), st.booleans()), max_size=5)
SWITCHES = st.tuples(st.sampled_from(SEGMENTS), st.sets(st.sampled_from(USERS)), st.sets(st.sampled_from(USERS)))
COMMITS = st.lists(st.tuples(SINGLES, st.none() | SWITCHES), max_size=12)
Commits = list[tuple[list[tuple[int, int, bool]], tuple[int, set[int], set[int]] | None]]


def logged(store: Store, commits: Commits) -> None:
    """Commit number n is revision n at the instant 10 n; its single moves are effective up to 3 before."""
    for revision, (singles, switch) in enumerate(commits, 1):
        at = 10 * revision
        with store.transaction():
            store.advance(revision, Micros(at))
            times = sorted(at - (user % 4) for _, user, _ in singles)
            store.append_transitions(
                revision,
                [
                    TransitionRecord(segment, 1, user, entered, Micros(time), "EVENT", f"m{user}")
                    for (segment, user, entered), time in zip(singles, times, strict=True)
                ],
            )
            if switch is not None:
                segment, entered, left = switch
                who = keys(entered - left), keys(left)
                record = SwitchRecord(revision, segment, 1, 2, Micros(at), "DEFINITION", *who)
                store.append_switch(record)


def keys(users: set[int]) -> np.ndarray:
    return np.array(sorted(users), np.int64)


def pages(store: Store, size: int, **filters: int) -> Iterator[LoggedTransition]:
    before = LAST
    while found := store.history_backwards(before, size, **filters):  # type: ignore[arg-type]
        yield from found
        before = found[-1].position


@given(
    COMMITS,
    st.none() | st.sampled_from(USERS),
    st.none() | st.sampled_from(SEGMENTS),
    st.integers(1, 7),
    st.integers(0, 130),
    st.integers(0, 130),
)
def test_backwards_is_the_log_turned_round(
    commits: Commits, user: int | None, segment: int | None, size: int, start: int, end: int
) -> None:
    filters = {name: key for name, key in (("user", user), ("segment", segment)) if key is not None}
    with Store.open(":memory:") as store:
        logged(store, commits)
        expected = [
            each
            for each in store.transitions(START, 10_000)
            if user in (None, each.transition.user_key)
            and segment in (None, each.transition.segment_key)
            and start <= each.transition.effective_time < end
        ]
        assert list(pages(store, size, start=start, end=end, **filters)) == expected[::-1]


def test_a_long_switch_is_taken_up_anywhere(store: Store) -> None:
    logged(store, [([], (1, set(range(1, 200_001)), set())), ([(1, 5, False)], None)])
    times = {"start": MIN_INSTANT, "end": FOREVER}
    first = store.history_backwards(LAST, 3, segment=1, **times)
    assert [each.transition.user_key for each in first] == [5, 200_000, 199_999]
    middle = store.history_backwards(Position(1, 70_000), 2, segment=1, **times)
    assert [(each.offset, each.transition.user_key) for each in middle] == [(69_999, 70_000), (69_998, 69_999)]
    alone = store.history_backwards(Position(1, END_OFFSET), 10, user=131_073, **times)
    assert [each.transition.user_key for each in alone] == [131_073]


@given(st.lists(st.integers(0, 3), max_size=12), st.sets(st.integers(1, 30)), st.integers(0, 130))
def test_users_until_an_instant_are_those_created_by_then(counts: list[int], gone: set[int], at: int) -> None:
    """Commit number n is at the instant 10 n and makes so many users; those of `gone` are erased afterwards."""
    created: dict[int, int] = {}
    with Store.open(":memory:") as store:
        for revision, count in enumerate(counts, 1):
            new = range(len(created) + 1, len(created) + count + 1)
            created |= dict.fromkeys(new, 10 * revision)
            with store.transaction():
                store.insert_users([(key, f"u{key}") for key in new])
                store.write_profiles([ProfileRecord(key, create_time=Micros(10 * revision)) for key in new])
                store.advance(revision, Micros(10 * revision))
        with store.transaction():
            store.delete_users([key for key in created if key in gone])
        found = store.users_until(Micros(at))
        assert found.users == sum(time <= at for key, time in created.items() if key not in gone)
        assert all((key < found.end) == (time <= at) for key, time in created.items())
        assert [store.user_existed(key, Micros(at)) for key in created] == [time <= at for time in created.values()]


def test_a_database_of_before_knows_when_its_users_came(file: Path) -> None:
    with Store.open(file, MIGRATIONS[:1]) as old, old.transaction():
        old.insert_users([(key, f"u{key}") for key in (1, 2, 3)])
        old.write_profiles([ProfileRecord(key, create_time=Micros(time)) for key, time in ((1, 10), (2, 10), (3, 20))])
    with Store.open(file) as store:
        assert [store.last_user_key_at(Micros(at)) for at in (9, 10, 19, 20)] == [0, 2, 2, 3]


@pytest.mark.parametrize(("at", "version"), [(9, 0), (10, 1), (19, 1), (20, 2), (99, 2)])
def test_the_version_at_an_instant_is_the_last_made_by_then(store: Store, at: int, version: int) -> None:
    with store.transaction():
        for number in (1, 2):
            record = SegmentRecord(7, "vip", number, "{}", "active", "", "", "", Micros(10 * number))
            store.put_segment_version(record)
    assert store.segment_version_at(7, Micros(at)) == version
    assert store.segment_version_at(8, Micros(at)) == 0


def test_reading_backwards_passes_over_what_came_later(store: Store) -> None:
    for revision in range(1, 301):
        with store.transaction():
            store.advance(revision, Micros(revision))
            moves = [TransitionRecord(1, 1, user, bool(revision % 2), Micros(revision), "LIST") for user in range(9)]
            store.append_transitions(revision, moves)
    looks: list[None] = []
    store._session.connection.set_progress_handler(lambda: looks.append(None), 1_000)
    found = store.history_backwards(LAST, 5, segment=1, start=Micros(1), end=Micros(3))
    assert [each.position for each in found] == [Position(2, offset) for offset in (8, 7, 6, 5, 4)]
    assert len(looks) < 5
