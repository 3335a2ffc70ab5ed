"""One condition on some users' purchases: masks for the verdict and reasons for the explanation, from one routine."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from segmentd.api import FOREVER, MONEY_UNIT, Instants, Mask, Reason
from segmentd_types.rfm.bounds import HIGHEST, LOWEST, Bounds, within
from segmentd_types.rfm.maps import NEVER_PURCHASED
from segmentd_types.rfm.scoring import Cuts, next_crossing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from segmentd_types.rfm.params import RfmParams
    from segmentd_types.rfm.purchases import Purchases

Int64s = NDArray[np.int64]
_NEEDING_AN_ORDER = frozenset(["r", "f", "m", "average_order_value", "recency"])


class Judging:
    """The values that the condition's parts look at, each computed when it is asked for."""

    def __init__(self, params: RfmParams, bought: Purchases, cuts: Cuts | None, at: Instants) -> None:
        self.params = params
        self.bought = bought
        self._cuts = cuts
        self._at = at

    def masks(self) -> Iterator[Mask]:
        """Where each part of the condition holds, bool (n,)."""
        if self.params.segment is not None:
            yield self._in_groups(self.params.segment)
        for name, bounds in self._bounds():
            holds = bounds.holds(self.value(name))
            yield holds & self.bought.scored if name in _NEEDING_AN_ORDER else holds

    def next_age(self) -> Instants:
        """When the age of the last order reaches the next bound that the condition looks at, int64 (n,)."""
        thresholds = sorted(self._ages())
        if not thresholds:
            return np.full(len(self._at), FOREVER, dtype=np.int64)
        crossing = next_crossing(self.bought.last, self._at, thresholds)
        return np.where(self.bought.scored, crossing, FOREVER)

    def reasons(self) -> Iterator[Reason]:
        """One for the groups, and one for each operator; of the only row."""
        if self.params.segment is not None:
            member = bool(self._in_groups(self.params.segment)[0])
            yield Reason("segment", "in", self.group(), ", ".join(self.params.segment), member)
        for name, bounds in self._bounds():
            value, there = self.value(name), name not in _NEEDING_AN_ORDER or bool(self.bought.scored[0])
            for operator, operand, interval in bounds.given():
                member = there and bool(within(value, interval)[0])
                yield Reason(name, operator, self._shown(name, int(value[0]), there), operand, member)

    def value(self, name: str) -> Int64s:
        """What one part looks at, int64 (n,); arbitrary without an order where the part needs one."""
        bought = self.bought
        if name in ("r", "recency"):
            ages = bought.ages(self._at)
            return self.cuts.recency(ages) if name == "r" else ages
        if name in ("f", "orders"):
            return self.cuts.frequency(bought.orders) if name == "f" else bought.orders
        if name in ("m", "spend"):
            return self.cuts.monetary(bought.spend) if name == "m" else bought.spend
        return bought.average

    def cells(self) -> tuple[Int64s, Int64s, Int64s]:
        """The cell of each user in the map: its scores less 1; any monetary one where it does not matter."""
        money = self.value("m") - 1 if self.params.group_map.by_money else np.zeros_like(self.bought.orders)
        return self.value("r") - 1, self.value("f") - 1, money

    def group(self) -> str:
        """The group of the only row."""
        if not self.bought.scored[0]:
            return NEVER_PURCHASED
        if self._cuts is None:
            return "has purchased"
        groups = self.params.group_map
        return groups.names[int(groups.cells[self.cells()][0])]

    @property
    def cuts(self) -> Cuts:
        """Where scores change. Raises ValueError without a model; the engine leaves such a segment pending."""
        if self._cuts is None:
            raise ValueError("rfm scores need a model")
        return self._cuts

    def _in_groups(self, names: list[str]) -> Mask:
        scored = self.bought.scored
        member = ~scored if NEVER_PURCHASED in names else np.zeros(len(scored), dtype=np.bool_)
        if self.params.needs_scores and set(names) != {NEVER_PURCHASED}:
            member = member | (scored & self.params.wanted_cells[self.cells()])
        return np.asarray(member)

    def _bounds(self) -> Iterator[tuple[str, Bounds]]:
        for name in ("r", "f", "m", "orders", "spend", "average_order_value", "recency"):
            bounds = getattr(self.params, name)
            if bounds is not None:
                yield name, bounds

    def _ages(self) -> Iterator[int]:
        params = self.params
        if params.r is not None or (params.segment is not None and set(params.segment) != {NEVER_PURCHASED}):
            yield from self.cuts.r.tolist()
        if params.recency is not None:
            yield from (bound for bound in params.recency.interval if LOWEST < bound < HIGHEST)

    def _shown(self, name: str, value: int, there: bool) -> str:
        if not there:
            return "no order"
        if name == "recency":
            return str(timedelta(microseconds=value))
        if name in ("spend", "average_order_value"):
            return f"{(Decimal(value) / MONEY_UNIT).normalize():f}"
        return str(value)
