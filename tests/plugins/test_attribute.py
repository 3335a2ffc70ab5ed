"""`attribute`: any attribute, any operator."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from segmentd.api import FOREVER, Kind, parse_instant
from segmentd.population.schema import Schema
from segmentd.testing import check_segment_type, judge, population, user
from segmentd_types.attribute import Attribute

EXAMPLES: list[dict[str, Any]] = [
    {"loyalty_points": {"at_least": 500}},
    {"plan": {"in": ["pro", "team"], "not_equals": "team"}},
    {"plan": {"contains": "RO", "ignore_case": True}, "os.version": {"at_least": "17.2"}},
    {"createdAt": {"within_last": "7d"}},
    {"createdAt": {"more_than_ago": "6mo"}},
    {"renewal": {"within_next": "30d"}},
    {"birthday": {"anniversary": {"within_next": "7d"}}},
    {"interests": {"any_of": ["a", "B"], "size": {"below": 3}}},
    {"anything": {"missing": True}},
    {"anything": {"exists": True}},
]


def test_keeps_the_contract() -> None:
    check_segment_type(Attribute(), EXAMPLES)


def test_conditions_on_several_attributes_must_all_hold() -> None:
    users = population([user("a", {"x": 1, "y": "b"}), user("b", {"x": 1}), user("c")], 0)
    params: dict[str, Any] = {"x": {"equals": 1}, "y": {"equals": "b"}}
    assert judge(Attribute(), params, users).member.tolist() == [True, False, False]


def test_a_recent_sign_up_ends_at_its_microsecond() -> None:
    users = population([user("a", {"createdAt": "2026-11-20T10:00:00Z"})], "2026-11-21T10:00:00Z")
    verdict = judge(Attribute(), {"createdAt": {"within_last": "7d"}}, users)
    assert verdict.member[0]
    assert verdict.holds_until[0] == parse_instant("2026-11-27T10:00:00Z")


def test_an_attribute_nobody_has_is_missing_everywhere() -> None:
    users = population([user("a")], 0)
    verdict = judge(Attribute(), {"nobody": {"equals": 1}}, users)
    assert (verdict.member[0], verdict.holds_until[0]) == (False, FOREVER)
    assert judge(Attribute(), {"nobody": {"missing": True}}, users).member[0]


def test_faults_name_attribute_and_operator() -> None:
    schema = Schema()
    schema.set_attribute("plan", Kind.TEXT)
    sound = Attribute().Params.model_validate({"plan": {"equals": 1, "size": 2}, "other": {"equals": 1}})
    assert [fault.path for fault in Attribute().check(sound, schema)] == [("plan", "equals"), ("plan", "size")]


@pytest.mark.parametrize("params", [{}, {"": {"equals": 1}}, {"x": {}}, {"x": 5}, {"x" * 257: {"equals": 1}}, []])
def test_what_no_rule_can_say(params: Any) -> None:
    with pytest.raises(ValidationError):
        Attribute().Params.model_validate(params)
