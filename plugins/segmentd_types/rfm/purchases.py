"""Recency, frequency and monetary value of each user, from orders, refunds and cancellations in the window."""

from __future__ import annotations

from functools import cached_property, reduce
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from segmentd.api import Instants, Mask, Population, counted_events, row_sum
from segmentd_types.rfm.orders import Dated
from segmentd_types.rfm.returns import Returns, returned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segmentd_types.rfm.params import RfmParams

Int64s = NDArray[np.int64]
_MOST: Final = 2**60
"""Sums of money stay below this, so that adding three of them cannot overflow."""


class Purchases:
    """Of each of n users: instant of the `last` order, number of `orders`, `spend` in millionths; int64 (n,).

    An order that was taken back in full is not among `orders`, but it was placed: `last` is its time where it was
    the last. `last` is arbitrary where there are no orders; `until` is when the first event leaves the window.
    """

    def __init__(self, orders: Dated, returns: Sequence[Dated]) -> None:
        """Orders, and the refunds and cancellations of which there are any."""
        self._completed = orders
        self._returns = returns
        placed = orders.counted
        kept = placed.only(~self._returned.removed) if returns else placed
        self.orders: Int64s = kept.sizes
        self.scored: Mask = np.asarray(self.orders > 0)
        self.last: Instants = np.zeros(len(self.orders), dtype=np.int64)
        self.last[self.scored] = orders.times[placed.offsets[1:][self.scored] - 1]

    def ages(self, at: Instants) -> Int64s:
        """Microseconds since the last order, int64 (n,); 0 where there is none."""
        return np.where(self.scored, at - self.last, 0)

    @cached_property
    def spend(self) -> Int64s:
        """Revenue minus refunds, int64 (n,) in millionths."""
        spend = _sum(self._completed)
        if self._returns:
            spend = spend - sum((_sum(each) for each in self._returns), start=self._returned.further)
        return spend

    @property
    def average(self) -> Int64s:
        """Spend an order, rounded down to a millionth; 0 where there is no order."""
        return np.where(self.scored, self.spend // np.maximum(self.orders, 1), 0)

    @property
    def until(self) -> Instants:
        """When the first event leaves the window, int64 (n,)."""
        return reduce(np.minimum, (each.counted.first_expiry() for each in (self._completed, *self._returns)))

    @cached_property
    def _returned(self) -> Returns:
        return returned(self._completed, self._returns, len(self._completed.counted.sizes))


def purchases(params: RfmParams, users: Population, at: Instants) -> Purchases:
    """What each user bought, as seen at its own instant."""
    zones, window, properties = params.zones(users), params.window(), params.properties
    completed, *others = params.events.names()
    tables = [users.events(completed), *(events for events in map(users.events, others) if len(events.times))]
    orders, *returns = (
        Dated(events, counted_events(events, window, at, zones), properties.amount, properties.order_id)
        for events in tables
    )
    return Purchases(orders, returns)


def _sum(each: Dated) -> Int64s:
    """The money of each row, int64 (n,); exact, or at the end of what can be counted."""
    return np.clip(row_sum(each.money[0], each.counted.offsets), -_MOST, _MOST)
