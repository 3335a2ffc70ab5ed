"""How many members a rule has: everybody judged, and nobody's answer kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from segmentd.engine.abreast import each_stretch
from segmentd.engine.judging import Pass
from segmentd.engine.plan import Plan

STRETCH: Final = 524_288
"""The most rows judged at once: with fewer, threads mostly wait for the interpreter's lock between two calls."""
STRETCH_OF_EVENTS: Final = 65_536
"""The same where their events are looked at, of which there are many for each: what is found stays in a cache."""


def count_members(plan: Plan, rows: int, pass_over: Callable[[int, int], Pass]) -> int:
    """How many of the rows from 0 on are members; `pass_over` gives a pass over those from one to before another.

    Judged on several threads, so nothing may be written meanwhile. Raises EvaluationFailed.
    """

    def members(start: int, stop: int) -> int:
        return int(np.count_nonzero(pass_over(start, stop).verdict(plan).member))

    return sum(each_stretch(members, rows, STRETCH_OF_EVENTS if plan.events else STRETCH))
