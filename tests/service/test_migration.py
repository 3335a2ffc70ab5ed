"""The arithmetic of the migration matrix against counting user by user."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.service.matrix_oracle import SlowMatrix, slow_matrix

from segmentd.service.migration import Everybody, MigrationMatrix, key_bits, migration_matrix

SEGMENTS = ["a", "b", "c"]
KEYS = st.integers(1, 140)


def bits(keys: set[int], end: int) -> np.ndarray:
    return key_bits(np.array(sorted(keys), np.int64), end)


def fast(before: dict[str, set[int]], after: dict[str, set[int]], users: set[int], first_new: int) -> MigrationMatrix:
    end = max(users, default=0) + 1
    everybody = Everybody(end, len(users), first_new, sum(user >= first_new for user in users))
    return migration_matrix(
        [bits(before[name], end) for name in SEGMENTS], [bits(after[name], end) for name in SEGMENTS], everybody
    )


def as_slow(matrix: MigrationMatrix, segments: list[str]) -> SlowMatrix:
    """The same with names, and without what is zero."""
    names: list[str | None] = [*segments, None]
    cells = {(a, b): int(matrix.counts[i, j]) for i, a in enumerate(names) for j, b in enumerate(names)}
    before, after, created = (
        {name: n for name, n in zip(names, sizes.tolist(), strict=True) if n}
        for sizes in (matrix.before, matrix.after, matrix.created)
    )
    cells = {pair: n for pair, n in cells.items() if n}
    return SlowMatrix(cells, before, after, created, matrix.users, matrix.created_users, matrix.stayed, matrix.moved)


@given(st.data())
def test_the_matrix_is_what_counting_each_user_gives(data: st.DataObject) -> None:
    users = data.draw(st.sets(KEYS))
    first_new = data.draw(KEYS)
    new = {user for user in users if user >= first_new}
    some = st.sets(st.sampled_from(sorted(users))) if users else st.just(set[int]())
    old = st.sets(st.sampled_from(sorted(users - new))) if users - new else st.just(set[int]())
    before = {name: data.draw(old) for name in SEGMENTS}
    after = {name: data.draw(some) for name in SEGMENTS}
    found = as_slow(fast(before, after, users, first_new), SEGMENTS)
    assert found == slow_matrix(SEGMENTS, before, after, users, new)


def test_overlapping_segments_count_a_user_in_each_pair() -> None:
    before = {"a": {1}, "b": {1}, "c": set[int]()}
    after = {"a": {1}, "b": set[int](), "c": {1, 2}}
    found = as_slow(fast(before, after, {1, 2, 3}, 3), SEGMENTS)
    assert found.cells == {("a", "a"): 1, ("a", "c"): 1, ("b", "a"): 1, ("b", "c"): 1, (None, "c"): 1, (None, None): 1}
    assert (found.users, found.created_users, found.stayed, found.moved) == (3, 1, 0, 2)
    assert found.created == {None: 1}
