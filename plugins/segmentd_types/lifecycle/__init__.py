"""Lifecycle conditions: in which stage a user is, from the first days to long lost. Stages are total and exclusive."""

from collections.abc import Sequence
from typing import Any

from segmentd.api import SegmentType, hookimpl
from segmentd_types.lifecycle.parameters import CONFIGURATIONS, Configuration, LifecycleParams, Stage
from segmentd_types.lifecycle.segment_type import Lifecycle

__all__ = ["CONFIGURATIONS", "Configuration", "Lifecycle", "LifecycleParams", "Stage", "segmentd_segment_types"]


@hookimpl
def segmentd_segment_types() -> Sequence[SegmentType[Any]]:
    """The type `lifecycle`."""
    return (Lifecycle(),)
