"""A careless rule is refused in words that say what to write instead."""

from __future__ import annotations

import pytest

from segmentd.engine.rule import parse_rule
from segmentd.errors import InvalidInput
from segmentd.plugins.host import load_plugins
from segmentd.population.kinds import Json


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"attribute": {"plan": "pro"}}, "rule.attribute.plan: write names and values, such as {equals: …}; there are"),
        ({"behavioral": "Opened"}, "rule.behavioral: write names and values, such as {within: …}; there are within,"),
        (
            {"lifecycle": "dormant"},
            "rule.lifecycle: write names and values, such as {stage: …}; there are stage, model",
        ),
        (
            {"geographic": {"county": {}}},
            "rule.geographic.county: is not a name that can stand here; there are country",
        ),
        (
            {"behavioral": {"event": "X", "count": {"atleast": 3}}},
            "rule.behavioral.count.atleast: is not a name that can stand here; there are equals, not_equals",
        ),
        (
            {"lifecycle": {"stage": "new", "model": {"evnts": []}}},
            "rule.lifecycle.model.evnts: is not a name that can stand here; there are events, new_within",
        ),
        ({"behavioral": {}}, "rule.behavioral.event: is required"),
        ({"list": {"users": []}}, "rule.list.users: must have at least 1, not 0"),
        (
            {"geographic": {"near": {"latitude": 95, "longitude": 0, "radius": "5km"}}},
            "rule.geographic.near.latitude: must be less than or equal to 90",
        ),
        ({"behavioral": {"event": 5}}, "rule.behavioral.event: write text"),
    ],
)
def test_a_fault_says_what_to_write(rule: Json, message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_rule(rule, load_plugins().segment_types)
    assert str(refused.value).startswith(message)
