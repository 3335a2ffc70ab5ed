"""How far back conditions say that they look, and that the kit finds out where one says too little."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from segmentd.api import DAY, HOUR, Micros, Reads, SegmentType
from segmentd.testing import check_segment_type
from segmentd_types.behavioral import Behavioral, BehavioralParams
from segmentd_types.lifecycle import Lifecycle
from segmentd_types.rfm.segment_type import Rfm

SHOP = ("Order Completed", "Order Refunded", "Order Cancelled")


def reach(segment_type: SegmentType[Any], **params: Any) -> dict[str, int]:
    return dict(segment_type.reads(segment_type.Params.model_validate(params)).reach)


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ({}, None),
        ({"from": "2026-01-01T00:00:00Z"}, None),
        ({"periods": [{"until": "2026-01-01T00:00:00Z"}]}, None),
        ({"within": "7d"}, 7 * DAY),
        ({"within": "36h"}, 36 * HOUR),
        ({"within": "1y"}, 375 * DAY),
        ({"during": {"unit": "day", "count": 3}}, 6 * DAY),
        ({"during": {"unit": "quarter"}}, 95 * DAY),
    ],
)
def test_windows_say_how_long_an_event_can_count(window: dict[str, Any], expected: int | None) -> None:
    found = reach(Behavioral(), event="Buy", **window)
    assert found == ({} if expected is None else {"Buy": expected})
    shop = reach(Rfm(), orders={"at_least": 1}, **window)
    assert shop == ({} if expected is None else dict.fromkeys(SHOP, expected))


@pytest.mark.parametrize(
    ("stages", "days"),
    [
        (["dormant"], 180),
        (["new", "at_risk"], 180),
        (["lost", "never_active"], 180),
        (["resurrected", "power", "active", "dormant"], 180),
        (["lost"], None),
        (["power"], None),
        (["resurrected", "active"], None),
    ],
)
def test_stages_that_any_event_or_any_pause_tells_apart_look_back_for_ever(stages: list[str], days: int | None) -> None:
    expected = {} if days is None else {"Application Opened": days * DAY}
    assert reach(Lifecycle(), stage=stages) == expected


class Forgetful(Behavioral):
    """Says that it looks back for an hour less than it does."""

    name = "forgetful"

    def reads(self, params: BehavioralParams) -> Reads:
        reads = super().reads(params)
        return replace(reads, reach={name: Micros(each - HOUR) for name, each in reads.reach.items()})


def test_the_kit_finds_events_that_matter_beyond_their_reach() -> None:
    check_segment_type(Behavioral(), [{"event": "Buy", "within": "8d"}])
    with pytest.raises(AssertionError, match="events beyond reach do not matter"):
        check_segment_type(Forgetful(), [{"event": "Buy", "within": "8d"}])
