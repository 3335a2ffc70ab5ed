"""Events with an amount of money: orders, refunds, cancellations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from segmentd.api import (
    MONEY_UNIT,
    Category,
    Counted,
    Events,
    Instants,
    Kind,
    LocalTime,
    Mask,
    Population,
    Window,
    counted_events,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_MOST_MONEY = 10**17


@dataclass(frozen=True, slots=True, eq=False)
class Dated:
    """The events of one name in the window, k in all: `times`, `amounts` int64 (k,), and the orders they name.

    Amounts are millionths of the base currency's unit, 0 where not `known`.
    """

    counted: Counted
    times: Instants
    amounts: NDArray[np.int64]
    known: Mask
    named: Category


def dated(
    users: Population,
    event: str,
    amount: Sequence[str],
    order_id: str,
    window: Window,
    at: Instants,
    zones: LocalTime,
) -> Dated:
    """The events of this name that count for each user at its instant; the first amount that is there counts."""
    events = users.events(event)
    counted = counted_events(events, window, at, zones)
    places = counted.positions
    amounts, known = np.zeros(len(places), dtype=np.int64), np.zeros(len(places), dtype=np.bool_)
    for name in amount:
        values, present = _money(events, name)
        values, present = values[places], present[places] & ~known
        amounts, known = np.where(present, values, amounts), known | present
    names = events.category(order_id)
    return Dated(counted, events.times[places], amounts, known, Category(names.codes[places], names.vocabulary))


def _money(events: Events, name: str) -> tuple[NDArray[np.int64], Mask]:
    """Millionths and presence; a property that holds plain numbers is read as money, as if it were declared so."""
    if events.kind(name) is not Kind.NUMBER:
        money = events.money(name)
        return money.values, money.present
    number = events.number(name)
    millionths = np.where(number.present, number.values, 0.0) * MONEY_UNIT
    return np.rint(np.clip(millionths, -_MOST_MONEY, _MOST_MONEY)).astype(np.int64), number.present
