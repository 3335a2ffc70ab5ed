"""Cut points and the scores that they give: integers throughout, so that nothing is rounded.

Ages are microseconds since the last order, F a count, M millionths of the base currency's unit. A recency score
is 5 less the number of cuts that the age has reached, the others are 1 and the number of cuts reached.
Cuts are ages, not dates: between two fits everybody's recency score falls as time passes without an order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

import numpy as np
from numpy.typing import NDArray

from segmentd.api import DAY, FOREVER, MONEY_UNIT, Instants, Json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Whole = NDArray[np.int64]
_STEPS: Final = range(1, 5)


@dataclass(frozen=True, slots=True, eq=False)
class Cuts:
    """Four ascending cut points int64 (4,) for each of R, F and M."""

    r: Whole
    f: Whole
    m: Whole

    @classmethod
    def of(cls, data: Mapping[str, Json]) -> Cuts:
        """Cut points from a model's data."""
        return cls(*(np.array(cast("list[int]", data[key]), dtype=np.int64) for key in "rfm"))

    def recency(self, ages: Whole) -> Whole:
        """Scores 1..5 of ages, int64 (n,)."""
        return 5 - np.searchsorted(self.r, ages, side="right")

    def frequency(self, orders: Whole) -> Whole:
        """Scores 1..5 of numbers of orders, int64 (n,)."""
        return 1 + np.searchsorted(self.f, orders, side="right")

    def monetary(self, spend: Whole) -> Whole:
        """Scores 1..5 of spend, int64 (n,)."""
        return 1 + np.searchsorted(self.m, spend, side="right")


def quantile_cuts(ages: Whole, orders: Whole, spend: Whole) -> dict[str, Json]:
    """Cuts that give `min(5, 1 + floor(5 · |{x strictly worse than v}| / n))` to every v of the population.

    A score of s + 1 takes `worse ≥ k` with k = ceil(s · n / 5), which is so exactly where v is strictly better
    than the k-th worst. So equal values score equally, and a value that was not there scores as it would have.
    """
    places = [-(-step * len(ages) // 5) - 1 for step in _STEPS]
    return {
        "r": np.sort(ages)[::-1][places][::-1].tolist(),  # an age must stay below the k-th oldest
        "f": (np.sort(orders)[places] + 1).tolist(),  # integers: more than c is c + 1 or more
        "m": (np.sort(spend)[places] + 1).tolist(),
    }


def compatible_cuts(ages: Whole, orders: Whole, spend: Whole) -> dict[str, Json]:
    """The cuts of the R package rfm: type-7 quantiles at 20, 40, 60 and 80 %, plus 1 (day, order, unit of money).

    Recency is the time from the last order to the analysis date, there and here in days with their fractions.
    Source: rsquaredacademy/rfm, `rfm_table_order`.
    """
    return {
        "r": _type_7(ages, DAY),
        "f": _type_7(orders, 1),
        "m": _type_7(spend, MONEY_UNIT),
    }


def _type_7(values: Whole, one: int) -> list[Json]:
    """The least integers that are `quantile + one` or more, without a fraction lost: h = (n - 1) · i / 5."""
    ordered = np.sort(values).tolist()
    cuts: list[Json] = []
    for step in _STEPS:
        low, fifths = divmod((len(ordered) - 1) * step, 5)
        above = ordered[min(low + 1, len(ordered) - 1)]
        five_fold = 5 * ordered[low] + fifths * (above - ordered[low])
        cuts.append(-(-five_fold // 5) + one)
    return cuts


FITTED: Final[Mapping[str, Callable[[Whole, Whole, Whole], dict[str, Json]]]] = {
    "quantile": quantile_cuts,
    "compatible": compatible_cuts,
}


def next_crossing(last: Instants, at: Instants, thresholds: Sequence[int]) -> Instants:
    """The first instant after `at` at which the age since `last` reaches one of `thresholds` (microseconds)."""
    ahead = np.sort(np.array(thresholds, dtype=np.int64))
    reached = np.searchsorted(ahead, at - last, side="right")
    following = ahead[np.minimum(reached, len(ahead) - 1)]
    return np.where(reached < len(ahead), last + following, FOREVER)
