"""Moves of a commit are ordered by instant, dependency order, left before entered, and row."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from segmentd.engine.plan import Joint, Plan
from segmentd.engine.stage import Moves, in_order

NONE: frozenset[str] = frozenset()


def plan(key: int) -> Plan:
    """A segment without a rule."""
    return Plan(f"s{key}", key, 1, key, Joint(conjunction=False, children=()), NONE, NONE, NONE, {}, False, (), ())


PLANS = [plan(key) for key in range(4)]


@st.composite
def passes(draw: st.DrawFn) -> list[Moves]:
    """What some passes found, each with its rows in order; all moves of a pass may be of one instant."""
    found = []
    for _ in range(draw(st.integers(1, 5))):
        order = draw(st.integers(0, 3))
        rows = sorted(draw(st.sets(st.integers(0, 9), min_size=1)))
        one = draw(st.booleans())
        instants = [5] * len(rows) if one else draw(st.lists(st.integers(4, 6), min_size=len(rows), max_size=len(rows)))
        entered = draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
        found.append(Moves(PLANS[order], order, np.array(rows), np.array(entered), np.array(instants)))
    return found


@given(passes())
def test_moves_are_in_order(moves: list[Moves]) -> None:
    listed = [
        (at, each.order, entered, row)
        for each in moves
        for row, entered, at in zip(each.rows.tolist(), each.entered.tolist(), each.at.tolist(), strict=True)
    ]
    found = in_order(moves)
    keys = [found.plans[owner].segment_key for owner in found.owners.tolist()]
    assert list(zip(found.at.tolist(), keys, found.entered.tolist(), found.rows.tolist(), strict=True)) == sorted(
        listed
    )
