"""What a pass says of a stretch of rows becomes their stored answers: when segments are defined, and at a start."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from segmentd.engine.judging import EvaluationFailed, Pass
from segmentd.engine.memberships import Memberships
from segmentd.engine.plan import Plan
from segmentd.times import Instants


def settle(memberships: Memberships, judging: Pass, plans: Iterable[Plan], start: int) -> dict[int, EvaluationFailed]:
    """Store the bits of plans for the rows of a pass, which begin at `start`; their horizons only come closer.

    Gives what could not be judged, by the identity of its plan: its bits stay as they are.
    """
    failed: dict[int, EvaluationFailed] = {}
    horizons: Instants | None = None
    for plan in plans:
        try:
            verdict = judging.verdict(plan)
        except EvaluationFailed as error:
            failed[id(plan)] = error
            continue
        memberships.fill(plan.slot, start, verdict.member)
        if not verdict.lasting:
            horizons = verdict.holds_until if horizons is None else np.minimum(horizons, verdict.holds_until)
    if horizons is not None:
        memberships.lower_horizons(start, horizons)
    return failed
