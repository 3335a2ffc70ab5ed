"""How a condition may be written, and how faults are named."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from segmentd.api import Condition
from segmentd.conditions.operators import OPERATORS
from segmentd.conditions.regex import searcher


@pytest.mark.parametrize(
    ("condition", "path"),
    [
        ({}, ()),
        ({"ignore_case": True}, ()),
        ({"ignore_case": True, "above": 1}, ()),
        ({"ignore_case": "yes", "equals": "a"}, ("ignore_case",)),
        ({"equals": None}, ("equals",)),
        ({"equals": float("nan")}, ("equals",)),
        ({"equals": [1]}, ("equals",)),
        ({"equals": "x" * 70_000}, ("equals",)),
        ({"equal": 1}, ("equal",)),
        ({"in_": [1]}, ("in_",)),
        ({"in": []}, ("in",)),
        ({"in": "DE"}, ("in",)),
        ({"contains": ["a"] * 1_001}, ("contains",)),
        ({"in": ["a", None]}, ("in", 1)),
        ({"exists": False}, ("exists",)),
        ({"missing": False}, ("missing",)),
        ({"missing": 1}, ("missing",)),
        ({"above": True}, ("above",)),
        ({"above": "soon"}, ("above",)),
        ({"above": float("inf")}, ("above",)),
        ({"above": 10**400}, ("above",)),
        ({"between": [2, 1]}, ("between",)),
        ({"between": [1]}, ("between",)),
        ({"between": ["1.0", 2]}, ("between",)),
        ({"between": ["1.1", "1.0"]}, ("between",)),
        ({"version_equals": 17.2}, ("version_equals",)),
        ({"contains": ""}, ("contains",)),
        ({"contains": []}, ("contains",)),
        ({"matches": "("}, ("matches",)),
        ({"matches": "(?=a)"}, ("matches",)),
        ({"matches": "a" * 1_001}, ("matches",)),
        ({"matches": "((a{99}){99}){9}"}, ("matches",)),
        ({"matches": "\ud800"}, ("matches",)),
        ({"any_of": []}, ("any_of",)),
        ({"any_of": ["a", 1]}, ("any_of", 1)),
        ({"size": {}}, ("size",)),
        ({"size": "3"}, ("size", "equals")),
        ({"before": "soon"}, ("before",)),
        ({"within_last": "7"}, ("within_last",)),
        ({"within_last": 7}, ("within_last",)),
        ({"within_last": "0d"}, ("within_last",)),
        ({"anniversary": {}}, ("anniversary",)),
        ({"anniversary": {"today": True, "within_next": "7d"}}, ("anniversary",)),
        ({"anniversary": {"within_next": "1y"}}, ("anniversary", "within_next")),
        ({"anniversary": {"within_last": "361d"}}, ("anniversary", "within_last")),
    ],
)
def test_a_fault_is_refused_at_its_path(condition: dict[str, Any], path: tuple[str | int, ...]) -> None:
    with pytest.raises(ValidationError) as refused:
        Condition.model_validate(condition)
    assert [error["loc"] for error in refused.value.errors()] == [path]


def test_every_operator_is_a_field_with_a_description_and_says_what_missing_means() -> None:
    properties = Condition.model_json_schema()["properties"]
    assert set(properties) == {*OPERATORS, "ignore_case"}
    for name in OPERATORS:
        assert "missing" in properties[name]["description"].lower(), name
        assert "default" not in properties[name]


def test_conditions_are_equal_by_what_they_say_and_survive_json() -> None:
    condition = Condition.model_validate({"in": ["a"], "ignore_case": True})
    again = Condition.model_validate_json(condition.model_dump_json(by_alias=True, exclude_unset=True))
    assert condition.relative is False
    assert again == condition
    assert again != Condition.model_validate({"in": ["b"], "ignore_case": True})


def test_a_catastrophic_pattern_is_harmless() -> None:
    search = searcher(r"(a|a)*(a|aa)+$", ignore_case=False)
    assert not search("a" * 60_000 + "b")


def test_a_pattern_is_unanchored_and_compiled_once() -> None:
    assert searcher("b", ignore_case=False) is searcher("b", ignore_case=False)
    assert searcher("B", ignore_case=True)("abc")
    assert not searcher("^b", ignore_case=False)("abc")
    assert searcher("c", ignore_case=False)("\ud800c")
