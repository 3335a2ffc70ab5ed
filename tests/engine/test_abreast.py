"""Rows that are judged on several threads get the answers that one pass over all of them gives."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentd.engine.abreast import judge_abreast, stretches
from segmentd.engine.compile import Definition, compile_plan
from segmentd.engine.judging import Pass
from segmentd.engine.memberships import Memberships
from segmentd.engine.plan import Plan
from segmentd.engine.rule import parse_rule
from segmentd.engine.settling import settle
from segmentd.plugins.host import load_plugins
from segmentd.population.build import build_dataset
from segmentd.population.dataset import Dataset
from segmentd.population.schema import Schema
from segmentd.testing import event, instant, user

NOW = instant("2026-11-21T10:00:00Z")
USERS = 50
RULES: list[dict[str, Any]] = [
    {"attribute": {"n": {"at_least": 25}}},
    {"behavioral": {"event": "e", "count": {"at_least": 2}, "within": "7d"}},
    {"all": [{"attribute": {"n": {"below": 40}}}, {"not": {"behavioral": {"event": "e", "within": "1d"}}}]},
]


def plan(rule: dict[str, Any], slot: int) -> Plan:
    node = parse_rule(rule, load_plugins().segment_types)
    return compile_plan(Definition(f"s{slot}", slot, 1, node, frozenset(), frozenset()), slot, {}, lambda _: None)


@pytest.fixture(scope="module")
def users() -> Dataset:
    people = [
        user(f"u{n}", {"n": n}, *(event("e", NOW - hours * 3_600_000_000) for hours in range(0, n * 5, 7)))
        for n in range(USERS)
    ]
    return build_dataset(people, Schema())


def settled(users: Dataset, bounds: list[tuple[int, int]], plans: list[Plan]) -> tuple[list[Any], set[int]]:
    memberships, failed = Memberships(), set[int]()
    views = [users.span(start, stop, NOW) for start, stop in bounds]
    passes = [Pass(view, view.at) for view in views]
    judge_abreast(passes, plans)
    for (start, _), judging in zip(bounds, passes, strict=True):
        failed |= {error.plan.slot for error in settle(memberships, judging, plans, start).values()}
    return [memberships.words.tolist(), memberships.horizons.tolist(), memberships.counts.tolist()], failed


@given(start=st.integers(0, USERS), length=st.integers(0, USERS), number=st.integers(1, 9))
def test_stretches_cover_the_rows_once(start: int, length: int, number: int) -> None:
    found = stretches(start, start + length, number)
    assert [row for begin, end in found for row in range(begin, end)] == list(range(start, start + length))
    assert len(found) <= number
    assert all(begin < end for begin, end in found)


@pytest.mark.parametrize("threads", [2, 3, 7])
def test_answers_are_those_of_one_pass(users: Dataset, threads: int) -> None:
    plans = [plan(rule, slot) for slot, rule in enumerate(RULES)]
    assert settled(users, stretches(0, USERS, threads), plans) == settled(users, [(0, USERS)], plans)


def test_what_fails_fails_alone_on_every_thread(users: Dataset) -> None:
    plans = [plan(rule, slot) for slot, rule in enumerate([*RULES, {"attribute": {"n": {"contains": "text"}}}])]
    answers, failed = settled(users, stretches(0, USERS, 3), plans)
    assert failed == {3}
    assert answers == settled(users, [(0, USERS)], plans[:3])[0]
