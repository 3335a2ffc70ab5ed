"""A combined verdict holds exactly as long as its operands leave no doubt, whatever they become afterwards."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentd.population.deferred import Deferred
from segmentd.population.verdict import Verdict
from segmentd.times import FOREVER

LEAVES = 3
HORIZONS = st.one_of(st.integers(1, 6), st.just(FOREVER))
LEAF = st.tuples(st.booleans(), HORIZONS)
TREES = st.recursive(
    st.integers(0, LEAVES - 1),
    lambda inner: st.one_of(st.tuples(st.just("not"), inner), st.tuples(st.sampled_from(["and", "or"]), inner, inner)),
    max_leaves=6,
)


def combined(tree: Any, leaf: Callable[[int], Any]) -> Any:
    """The tree over any values with `~`, `&` and `|`."""
    if isinstance(tree, int):
        return leaf(tree)
    if tree[0] == "not":
        return ~combined(tree[1], leaf)
    left, right = (combined(each, leaf) for each in tree[1:])
    return left & right if tree[0] == "and" else left | right


def possible(tree: Any, leaves: list[tuple[bool, int]], instant: int) -> set[bool]:
    """Every value that the tree can have at an instant: a leaf is known before its horizon only."""
    choices = [[member] if instant < until else [True, False] for member, until in leaves]
    return {bool(combined(tree, np.array(each, dtype=np.bool_).__getitem__)) for each in product(*choices)}


def verdict_of(members: list[bool], horizons: list[int], form: str) -> Verdict:
    """The same answers at once, deferred, or deferred and asked for before."""
    member, until = np.array(members), np.array(horizons, dtype=np.int64)
    if form == "at once":
        return Verdict(member, until)
    deferred = Deferred(member, lambda rows: until if rows is None else np.where(rows, until, FOREVER))
    return deferred if form == "deferred" or deferred.holds_until is until else Verdict(member, until)


FORMS = st.tuples(*[st.sampled_from(["at once", "deferred", "asked before"])] * LEAVES)


@given(TREES, st.lists(st.tuples(*[LEAF] * LEAVES), min_size=1, max_size=4), FORMS)
def test_member_and_horizon_of_every_row(
    tree: Any, rows: list[tuple[tuple[bool, int], ...]], forms: tuple[str, ...]
) -> None:
    verdicts = [verdict_of([row[i][0] for row in rows], [row[i][1] for row in rows], forms[i]) for i in range(LEAVES)]
    verdict = combined(tree, verdicts.__getitem__)
    for row, member, until in zip(rows, verdict.member.tolist(), verdict.holds_until.tolist(), strict=True):
        assert possible(tree, list(row), 0) == {member}
        # Sound: before the horizon there is one possible value, the verdict's.
        for instant in range(min(until, 7)):
            assert possible(tree, list(row), instant) == {member}


@given(st.sampled_from(["and", "or"]), LEAF, LEAF)
def test_two_operands_hold_as_long_as_there_is_no_doubt(
    operator: str, left: tuple[bool, int], right: tuple[bool, int]
) -> None:
    leaves = [left, right]
    verdict = combined((operator, 0, 1), [Verdict(np.array([m]), np.array([u])) for m, u in leaves].__getitem__)
    until = int(verdict.holds_until[0])
    if until == FOREVER:
        assert len(possible((operator, 0, 1), leaves, 100)) == 1
    else:
        assert len(possible((operator, 0, 1), leaves, until)) == 2


@pytest.mark.parametrize("size", [0, 1, 5])
def test_what_holds_forever_is_the_same_in_both_forms(size: int) -> None:
    member = np.arange(size) % 2 == 0
    short, long = Verdict.forever(member), Verdict(member, np.full(size, FOREVER, dtype=np.int64))
    for verdict in (short & short, short & long, long & short, short | ~short, ~short):
        assert verdict.holds_until.tolist() == [FOREVER] * size
        assert verdict.holds_until.dtype == np.int64
    limited = short.until(np.arange(size, dtype=np.int64))
    assert limited.holds_until.tolist() == list(range(size))


@given(st.lists(st.tuples(st.booleans(), HORIZONS, st.booleans(), st.booleans()), min_size=1, max_size=5))
def test_where_is_the_conjunction_with_what_lasts(rows: list[tuple[bool, int, bool, bool]]) -> None:
    members, horizons, *masks = (list(each) for each in zip(*rows, strict=True))
    for form in ("at once", "deferred", "asked before"):
        verdict = verdict_of(members, horizons, form)
        for mask in masks:
            verdict = verdict.where(np.array(mask))
        left = [all(each) for each in zip(*masks, strict=True)]
        assert verdict.member.tolist() == [member and here for member, here in zip(members, left, strict=True)]
        expected = [until if here else FOREVER for until, here in zip(horizons, left, strict=True)]
        assert verdict.holds_until.tolist() == expected


def test_horizons_that_nobody_asks_for_are_not_worked_out() -> None:
    def refuse(_: Any) -> Any:
        raise AssertionError

    verdict = Verdict.forever(np.array([True, False])) & Deferred(np.array([True, True]), refuse)
    assert (~verdict.where(np.array([False, True]))).member.tolist() == [True, True]
