"""Events with an amount of money: orders, refunds, cancellations."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from segmentd.api import (
    MONEY_UNIT,
    Category,
    Counted,
    Events,
    Instants,
    Kind,
    Mask,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_MOST_MONEY = 10**17


class Dated:
    """The events of one name in the window of n users, k in all; what is not asked for is not read."""

    def __init__(self, events: Events, counted: Counted, amount: Sequence[str], order_id: str) -> None:
        """`amount` names the properties with money, of which the first that an event has counts."""
        self.counted = counted
        self._events = events
        self._amount = amount
        self._order_id = order_id

    def __len__(self) -> int:
        return len(self.counted.positions)

    @property
    def times(self) -> Instants:
        """When each happened, int64 (k,)."""
        return self._events.times[self.counted.positions]

    @cached_property
    def money(self) -> tuple[NDArray[np.int64], Mask]:
        """Millionths of the base currency's unit int64 (k,), 0 where there is no amount; and where there is one."""
        places = self.counted.positions
        amounts, known = np.zeros(len(places), dtype=np.int64), np.zeros(len(places), dtype=np.bool_)
        for name in self._amount:
            if self._events.kind(name) is not None and not known.all():
                values, present = _money(self._events, name)
                values, present = values[places], present[places] & ~known
                amounts, known = np.where(present, values, amounts), known | present
        return amounts, known

    @cached_property
    def named(self) -> Category:
        """The order that each is, or takes back."""
        names = self._events.category(self._order_id)
        return Category(names.codes[self.counted.positions], names.vocabulary)


def _money(events: Events, name: str) -> tuple[NDArray[np.int64], Mask]:
    """Millionths and presence; a property that holds plain numbers is read as money, as if it were declared so."""
    if events.kind(name) is not Kind.NUMBER:
        money = events.money(name)
        return money.values, money.present
    number = events.number(name)
    millionths = np.where(number.present, number.values, 0.0) * MONEY_UNIT
    return np.rint(np.clip(millionths, -_MOST_MONEY, _MOST_MONEY)).astype(np.int64), number.present
