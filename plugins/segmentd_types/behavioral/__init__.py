"""Behavioral conditions: how often, how much, on how many days, when first and last users did something."""

from collections.abc import Sequence
from typing import Any

from segmentd.api import SegmentType, hookimpl
from segmentd_types.behavioral.parameters import BehavioralParams
from segmentd_types.behavioral.segment_type import Behavioral

__all__ = ["Behavioral", "BehavioralParams", "segmentd_segment_types"]


@hookimpl
def segmentd_segment_types() -> Sequence[SegmentType[Any]]:
    """The type `behavioral`."""
    return (Behavioral(),)
