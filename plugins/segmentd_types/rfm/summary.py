"""What a fitted model says to people: its cut points in their units, and how many users each group has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from segmentd.api import DAY, MONEY_UNIT, Instants, Json
from segmentd_types.rfm.judging import Judging

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segmentd_types.rfm.params import RfmParams
    from segmentd_types.rfm.purchases import Purchases
    from segmentd_types.rfm.scoring import Cuts


def summary(params: RfmParams, bought: Purchases, cuts: Cuts, at: Instants) -> Mapping[str, Json]:
    """Cut points of recency in days, of orders, of spend in money, and the size of each group at the fit."""
    names = params.group_map.names
    numbers = params.group_map.cells[Judging(params, bought, cuts, at).cells()][bought.scored]
    sizes = np.bincount(numbers, minlength=len(names)).tolist()
    return {
        "recency_days": (cuts.r / DAY).tolist(),
        "orders": cuts.f.tolist(),
        "spend": (cuts.m / MONEY_UNIT).tolist(),
        "groups": dict(zip(names, sizes, strict=True)),
    }
