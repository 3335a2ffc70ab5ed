"""Rows that are judged on several threads get the answers that one pass over all of them gives."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentd.engine import abreast, counting
from segmentd.engine.abreast import each_stretch, judge_abreast, stretches
from segmentd.engine.compile import Definition, compile_plan
from segmentd.engine.counting import count_members
from segmentd.engine.judging import EvaluationFailed, Pass
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


@pytest.mark.parametrize("idle", [0, 1, 4])
@given(rows=st.integers(0, 60), length=st.integers(1, 20))
def test_each_stretch_is_judged_once_and_told_in_order(idle: int, rows: int, length: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(abreast, "idle_cores", lambda: idle)
        found = each_stretch(lambda start, stop: list(range(start, stop)), rows, length)
    assert [row for each in found for row in each] == list(range(rows))
    assert all(0 < len(each) <= length for each in found)


@pytest.mark.parametrize("failing", [{0}, {2}, {0, 1, 2}])
def test_what_one_stretch_raises_is_raised_when_nobody_judges_any_more(failing: set[int]) -> None:
    """The others are still being judged when one fails."""
    begun, ended, failed = [], [], threading.Event()

    def judge(start: int, _: int) -> None:
        begun.append(start)
        if start in failing:
            ended.append(start)
            failed.set()
            raise LookupError(start)
        failed.wait(10)
        ended.append(start)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(abreast, "idle_cores", lambda: 2)
        with pytest.raises(LookupError):
            each_stretch(judge, 3, 1)
    assert sorted(begun) == sorted(ended)
    assert not failing.isdisjoint(begun)


def test_helpers_yield_to_whatever_else_wants_to_run() -> None:
    if sys.platform != "linux":
        pytest.skip("threads have a priority of their own on Linux only")
    helping = abreast._helpers().submit(lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
    assert helping.result() == 10
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) < 10


@pytest.fixture
def three_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stretches of seven rows, or of three where events are read."""
    monkeypatch.setattr(abreast, "idle_cores", lambda: 2)
    monkeypatch.setattr(counting, "STRETCH", 7)
    monkeypatch.setattr(counting, "STRETCH_OF_EVENTS", 3)


@pytest.mark.usefixtures("three_threads")
@pytest.mark.parametrize("rule", RULES)
def test_members_are_counted_like_those_of_one_pass(users: Dataset, rule: dict[str, Any]) -> None:
    counted = plan(rule, 0)
    everybody = users.span(0, USERS, NOW)
    expected = int(Pass(everybody, everybody.at).verdict(counted).member.sum())
    assert 0 < expected < USERS
    assert count_members(counted, USERS, lambda start, stop: over(users, start, stop)) == expected


@pytest.mark.usefixtures("three_threads")
def test_a_count_fails_with_its_rule(users: Dataset) -> None:
    with pytest.raises(EvaluationFailed, match="contains cannot apply to number"):
        count_members(plan({"attribute": {"n": {"contains": "text"}}}, 0), USERS, lambda *at: over(users, *at))


def over(users: Dataset, start: int, stop: int) -> Pass:
    view = users.span(start, stop, NOW)
    return Pass(view, view.at, only_members=True)


@pytest.mark.parametrize(
    ("told", "idle"), [("0.10 0.20 0.30 1/312 4711", 3), ("9 9 9 3/312 4711", 1), ("0 0 0 7/312 4711", 0), ("", 3)]
)
def test_helpers_are_as_many_as_cores_are_idle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str, idle: int
) -> None:
    """Where the system tells nothing, all but this thread's."""
    (tmp_path / "loadavg").write_text(told)
    monkeypatch.setattr(abreast, "_RUNNING", tmp_path / "loadavg")
    monkeypatch.setattr(abreast, "cores", lambda: 4)
    assert abreast.idle_cores() == idle
    (tmp_path / "loadavg").unlink()
    assert abreast.idle_cores() == 3
