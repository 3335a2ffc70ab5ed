"""The groups of customers: how often they come, how readily they buy, and when they stop coming."""

from __future__ import annotations

from typing import Final, NamedTuple


class Behaviour(NamedTuple):
    """Shares are of all customers; days are counted back from the end of the data, both ends included.

    `visits` a year while active; `buys` is the probability that a visit ends with an order; `sales` how strongly
    visits follow sales (1 as everybody, 0 not at all); `joined` and `stopped` are ranges of days ago.
    """

    name: str
    share: float
    visits: float
    buys: float
    opens_mail: float
    sales: float
    joined: tuple[int, int]
    stopped: tuple[int, int]


BEHAVIOURS: Final = (
    Behaviour("loyal", 0.15, 16.0, 0.55, 0.60, 0.5, (200, 1400), (0, 0)),
    Behaviour("regular", 0.25, 8.0, 0.30, 0.30, 1.0, (60, 1400), (0, 0)),
    Behaviour("bargain_hunter", 0.15, 7.0, 0.60, 0.70, 8.0, (120, 1400), (0, 0)),
    Behaviour("window_shopper", 0.10, 8.0, 0.00, 0.15, 1.0, (30, 900), (0, 0)),
    Behaviour("at_risk", 0.13, 10.0, 0.40, 0.15, 1.0, (250, 1400), (25, 85)),
    Behaviour("dormant", 0.14, 7.0, 0.35, 0.02, 1.0, (340, 1400), (100, 300)),
    Behaviour("new", 0.08, 60.0, 0.20, 0.50, 1.0, (0, 30), (0, 0)),
)
BARGAIN_HUNTER: Final = 2
NEW: Final = 6
