"""The segment type `rfm`: scores, named groups and values from recency, frequency and monetary value of orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from segmentd.api import SegmentType, hookimpl
from segmentd_types.rfm.segment_type import Rfm

if TYPE_CHECKING:
    from collections.abc import Sequence


@hookimpl
def segmentd_segment_types() -> Sequence[SegmentType[Any]]:
    """One type: rfm."""
    return (Rfm(),)
