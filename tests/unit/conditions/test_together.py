"""Conditions judged together say what each says alone, put together row by row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentd.api import Condition, Kind, judge_condition, judge_conditions
from segmentd.plugins.segment_type import Reads
from segmentd.population.guard import GuardedPopulation
from segmentd.testing import GivenUser, instant, population, user
from segmentd.times import DAY, HOUR

NOW = instant("2026-11-21T10:00:00Z")
ZONES = [None, "UTC", "Europe/Berlin", "Asia/Kathmandu"]
KINDS = {"plan": Kind.TEXT, "points": Kind.NUMBER, "spent": Kind.MONEY, "seen": Kind.INSTANT, "born": Kind.DATE}
CONDITIONS: list[tuple[str, dict[str, Any]]] = [
    ("plan", {"in": ["pro", "plus"]}),
    ("plan", {"not_equals": "pro"}),
    ("plan", {"missing": True}),
    ("points", {"at_least": 2}),
    ("points", {"at_most": 2}),
    ("points", {"not_equals": 2}),
    ("points", {"not_in": [2, 3]}),
    ("spent", {"below": 2}),
    ("spent", {"between": [1, 2]}),
    ("seen", {"within_last": "1d"}),
    ("seen", {"more_than_ago": "1d", "after": "2026-01-01T00:00:00Z"}),
    ("seen", {"within_next": "1d"}),
    ("born", {"within_last": "1mo"}),
    ("nobody has it", {"missing": True}),
    ("nobody has it", {"at_least": 1}),
]
USERS = st.fixed_dictionaries(
    {},
    optional={
        "plan": st.sampled_from(["pro", "plus", "free"]),
        "points": st.integers(0, 4),
        "spent": st.integers(0, 3),
        "seen": st.sampled_from([-2 * DAY, -DAY, -DAY + 1, -1, 0, 1, HOUR, DAY, 3 * DAY]),
        "born": st.sampled_from(["2026-11-20", "2026-11-21", "2026-11-22", "2026-10-21", "2024-02-29"]),
        "timezone": st.sampled_from(ZONES[1:]),
    },
)


def made(users: list[dict[str, Any]]) -> list[GivenUser]:
    def moment(after: int) -> str:
        return f"{np.datetime64(NOW + after, 'us')}Z"

    return [
        user(str(row), {name: moment(value) if name == "seen" else value for name, value in each.items()})
        for row, each in enumerate(users)
    ]


def alone(who: GivenUser, name: str, condition: Condition, at: int) -> tuple[bool, int]:
    verdict = judge_condition(population([who], at, KINDS), name, condition, np.array([at], dtype=np.int64))
    return bool(verdict.member[0]), int(verdict.holds_until[0])


def both(answers: list[tuple[bool, int]]) -> tuple[bool, int]:
    """False until the latest end among the false ones; true until the earliest of all."""
    false = [until for member, until in answers if not member]
    return (False, max(false)) if false else (True, min(until for _, until in answers))


@given(
    st.lists(USERS, min_size=1, max_size=12),
    st.lists(st.sampled_from(CONDITIONS), min_size=1, max_size=4),
    st.booleans(),
    st.data(),
)
def test_conditions_together_are_the_conjunction_of_each_alone(
    users: list[dict[str, Any]], conditions: list[tuple[str, dict[str, Any]]], same: bool, data: st.DataObject
) -> None:
    people = made(users)
    steps = [0] if same else [0, 1, HOUR, DAY]
    instants = [NOW + data.draw(st.sampled_from(steps)) for _ in people]
    given_ = [(name, Condition.model_validate(condition)) for name, condition in conditions]
    view = population(people, NOW if same else instants, KINDS)
    names = frozenset(name for name, _ in given_) | {"timezone"}
    verdict = judge_conditions(GuardedPopulation(view, Reads(names), "test"), given_, view.at)
    expected = [
        both([alone(who, name, condition, at) for name, condition in given_])
        for who, at in zip(people, instants, strict=True)
    ]
    assert list(zip(verdict.member.tolist(), verdict.holds_until.tolist(), strict=True)) == expected


def test_a_condition_that_cannot_apply_is_refused_wherever_it_stands() -> None:
    view = population(made([{"plan": "pro"}]), NOW, KINDS)
    never, wrong = Condition.model_validate({"missing": True}), Condition.model_validate({"within_last": "1d"})
    with pytest.raises(ValueError, match="within_last cannot apply to text"):
        judge_conditions(view, [("plan", never), ("plan", wrong)], view.at)
