"""`technographic`: devices, systems, browsers and apps."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from segmentd.population.schema import KNOWN_ATTRIBUTES
from segmentd.testing import check_segment_type, judge, population, user
from segmentd_types.technographic import Technographic

EXAMPLES: list[dict[str, Any]] = [
    {"os": {"equals": "iOS"}, "os_version": {"at_least": "17.2"}, "device_type": {"equals": "phone"}},
    {"app_version": {"below": "3.4.0"}},
    {"browser": {"in": ["Chrome", "Firefox"]}, "browser_version": {"between": ["100", "120"]}},
    {"screen_width": {"above": 1000}, "wifi": {"equals": True}},
    {"carrier": {"missing": True}},
]


def test_keeps_the_contract() -> None:
    check_segment_type(Technographic(), EXAMPLES)


def test_a_phone_with_a_new_system() -> None:
    def phone(version: str) -> dict[str, Any]:
        return {"os": {"name": "iOS", "version": version}, "device": {"class": "phone"}}

    versions = ["17.2", "17.10", "17.2.1", "17.1.9", "16", "18", "17.2-beta", "?"]
    users = population([user(version, phone(version)) for version in versions], 0)
    assert judge(Technographic(), EXAMPLES[0], users).member.tolist() == [True] * 3 + [False] * 2 + [True] + [False] * 2


def test_every_parameter_reads_a_name_of_the_convention() -> None:
    for parameter, (attributes, operators) in Technographic().attributes_table().items():
        assert set(attributes) <= set(KNOWN_ATTRIBUTES), parameter
        assert "equals" in operators


@pytest.mark.parametrize("params", [{}, {"os": None}, {"os": "iOS"}, {"system": {"equals": "iOS"}}, {"os": {}}])
def test_what_no_rule_can_say(params: Any) -> None:
    with pytest.raises(ValidationError):
        Technographic().Params.model_validate(params)


def test_parameters_are_published_with_descriptions() -> None:
    properties = Technographic().Params.model_json_schema()["properties"]
    assert properties["os"]["description"].endswith("Reads os.name.")
