"""The segment type `rfm`: scores, named groups and values from recency, frequency and monetary value of orders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from segmentd.api import SegmentType, hookimpl
from segmentd_types.rfm.segment_type import Rfm


@hookimpl
def segmentd_segment_types() -> Sequence[SegmentType[Any]]:
    """One type: rfm."""
    return (Rfm(),)
