"""Recency, frequency and monetary value of each user, from orders, refunds and cancellations in the window."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from segmentd.api import Instants, Mask, Population, row_sum
from segmentd_types.rfm.orders import Dated, dated
from segmentd_types.rfm.returns import returned

if TYPE_CHECKING:
    from segmentd_types.rfm.params import RfmParams

Int64s = NDArray[np.int64]
_MOST: Final = 2**60
"""Sums of money stay below this, so that adding three of them cannot overflow."""


@dataclass(frozen=True, slots=True, eq=False)
class Purchases:
    """Of each of n users: instant of the `last` order, number of `orders`, `spend` in millionths; int64 (n,).

    An order that was taken back in full is none. `last` is arbitrary where there are no orders; `until` is when
    the first event leaves the window.
    """

    last: Instants
    orders: Int64s
    spend: Int64s
    until: Instants

    @property
    def scored(self) -> Mask:
        """Who has an order."""
        return np.asarray(self.orders > 0)

    def ages(self, at: Instants) -> Int64s:
        """Microseconds since the last order, int64 (n,); 0 where there is none."""
        return np.where(self.scored, at - self.last, 0)

    @property
    def average(self) -> Int64s:
        """Spend an order, rounded down to a millionth; 0 where there is no order."""
        return self.spend // np.maximum(self.orders, 1)


def purchases(params: RfmParams, users: Population, at: Instants) -> Purchases:
    """What each user bought, as seen at its own instant."""
    zones, window = params.zones(users), params.window()
    properties = params.properties
    orders, *returns = (
        dated(users, name, properties.amount, properties.order_id, window, at, zones) for name in params.events.names()
    )
    back = returned(orders, returns, len(at))
    kept = orders.counted.only(~back.removed)
    times = orders.times[~back.removed]
    ends = kept.offsets[1:]
    last = np.zeros(len(at), dtype=np.int64)
    some = kept.sizes > 0
    last[some] = times[ends[some] - 1]
    spend = _sum(orders) - sum((_sum(each) for each in returns), start=back.further)
    until = reduce(np.minimum, (each.counted.first_expiry() for each in (orders, *returns)))
    return Purchases(last, kept.sizes, spend, until)


def _sum(each: Dated) -> Int64s:
    """The money of each row, int64 (n,); exact, or at the end of what can be counted."""
    return np.clip(row_sum(each.amounts, each.counted.offsets), -_MOST, _MOST)
