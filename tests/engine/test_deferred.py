"""Horizons that a segment type leaves for later are worked out and checked at once, unless members are only counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pytest

from segmentd.api import Instants, Model, Params, Population, Reads, SegmentType, Verdict, deferred
from segmentd.engine.compile import Definition, compile_plan
from segmentd.engine.judging import EvaluationFailed, Pass
from segmentd.engine.plan import Plan
from segmentd.engine.rule import parse_rule
from segmentd.population.build import build_dataset
from segmentd.population.schema import Schema
from segmentd.population.views import UsersView
from segmentd.testing import instant, user

NOW = instant("2026-11-21T10:00:00Z")
USERS = 5


def fails(_: Instants) -> Instants:
    raise LookupError("horizons")


HORIZONS: Final[dict[str, Callable[[Instants], Instants]]] = {
    "sound": lambda at: at + np.arange(1, USERS + 1),
    "too early": lambda at: at + np.arange(USERS),
    "of another length": lambda at: at[:1] + 1,
    "of another type": lambda at: (at + 1).astype(np.float64),
    "fails": fails,
}


class ClaimsParams(Params):
    """Which horizons it claims."""

    horizons: str


class Claims(SegmentType[ClaimsParams]):
    """Every second user is a member."""

    name = "claims"
    Params = ClaimsParams

    def reads(self, params: ClaimsParams) -> Reads:
        return Reads(clock=True)

    def evaluate(self, params: ClaimsParams, model: Model | None, users: Population, at: Instants) -> Verdict:
        return deferred(np.arange(len(users)) % 2 == 0, lambda: HORIZONS[params.horizons](at))


def plan(rule: dict[str, Any]) -> Plan:
    node = parse_rule(rule, {"claims": Claims()})
    return compile_plan(Definition("s", 0, 1, node, frozenset(), frozenset()), 0, {}, lambda _: None)


def users() -> UsersView:
    return build_dataset([user(f"u{n}") for n in range(USERS)], Schema()).span(0, USERS, NOW)


def test_horizons_are_those_that_are_claimed() -> None:
    everybody = users()
    verdict = Pass(everybody, everybody.at).verdict(plan({"not": {"claims": {"horizons": "sound"}}}))
    assert type(verdict) is Verdict
    assert verdict.member.tolist() == [False, True, False, True, False]
    assert verdict.holds_until.tolist() == [NOW + 1 + n for n in range(USERS)]


@pytest.mark.parametrize(
    ("horizons", "why"),
    [
        ("too early", "not later than the instant judged"),
        ("of another length", "expected int64"),
        ("of another type", "expected int64"),
        ("fails", "horizons"),
    ],
)
def test_what_is_wrong_with_them_fails_the_segment(horizons: str, why: str) -> None:
    everybody = users()
    with pytest.raises(EvaluationFailed, match=why):
        Pass(everybody, everybody.at).verdict(plan({"claims": {"horizons": horizons}}))


@pytest.mark.parametrize(
    "rule", [{"claims": {"horizons": "fails"}}, {"not": {"not": {"claims": {"horizons": "fails"}}}}]
)
def test_a_count_does_not_ask_for_them(rule: dict[str, Any]) -> None:
    everybody = users()
    verdict = Pass(everybody, everybody.at, only_members=True).verdict(plan(rule))
    assert verdict.member.tolist() == [True, False, True, False, True]
