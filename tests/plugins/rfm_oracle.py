"""RFM in plain Python, one user at a time, without arrays: what the plugin must agree with."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from segmentd.api import DAY, MONEY_UNIT, Micros, Model

if TYPE_CHECKING:
    from collections.abc import Iterable

    from segmentd.testing import GivenEvent, GivenUser

LABELS = [
    ("Champions", (5, 5), (5, 5), (5, 5)),
    ("Potential Loyalist", (3, 5), (3, 5), (2, 5)),
    ("Loyal Customers", (2, 4), (2, 4), (2, 4)),
    ("Promising", (3, 4), (1, 3), (3, 5)),
    ("New Customers", (4, 5), (1, 3), (1, 5)),
    ("Can't Lose Them", (1, 2), (3, 4), (4, 5)),
    ("At Risk", (1, 2), (2, 5), (4, 5)),
    ("Need Attention", (1, 3), (3, 5), (3, 5)),
    ("About To Sleep", (2, 3), (1, 3), (1, 4)),
    ("Lost", (1, 1), (1, 5), (1, 5)),
]
GRID = {
    5: "New PotentialLoyalist PotentialLoyalist Champions Champions",
    4: "Promising PotentialLoyalist PotentialLoyalist Loyal Loyal",
    3: "AboutToSleep AboutToSleep NeedAttention Loyal Loyal",
    2: "Hibernating Hibernating AtRisk AtRisk CantLose",
    1: "Hibernating Hibernating AtRisk AtRisk CantLose",
}


@dataclass(frozen=True)
class Bought:
    """Instant of the last order (None without one), number of orders, spend in millionths."""

    last: int | None
    orders: int
    spend: int


def bought(user: GivenUser, at: int, within: int | None = None) -> Bought:
    """From the events of the last `within` microseconds that are visible at `at`, oldest first."""
    visible = sorted((e for e in user.events if e.time <= at), key=lambda e: e.time)
    counted = [e for e in visible if within is None or at < e.time + within]
    orders = [e for e in counted if e.name == "Order Completed"]
    returns = [e for e in counted if e.name in ("Order Refunded", "Order Cancelled")]
    spend = sum(amount(e) or 0 for e in orders) - sum(amount(e) or 0 for e in returns)
    gone = set()
    for order_id in {e.properties.get("order_id") for e in orders} - {None}:
        naming = [e for e in returns if e.properties.get("order_id") == order_id]
        paid = sum(amount(e) or 0 for e in orders if e.properties.get("order_id") == order_id)
        taken = sum(amount(e) or 0 for e in naming)
        whole = any(amount(e) is None for e in naming)
        if naming and (whole or taken >= paid):
            gone.add(order_id)
        if whole:
            spend -= max(0, paid - taken)
    kept = [e for e in orders if e.properties.get("order_id") not in gone]
    last = max(e.time for e in orders) if kept else None
    return Bought(last, len(kept), spend)


def amount(event: GivenEvent) -> int | None:
    """Millionths of revenue, else of total."""
    for name in ("revenue", "total"):
        given = event.properties.get(name)
        if given is not None:
            return int(Fraction(str(given)) * MONEY_UNIT)
    return None


def quantile_score(worse: int, n: int) -> int:
    """The formula of the reference: `worse` of n are strictly worse."""
    return min(5, 1 + 5 * worse // n)


def quantile_scores(population: list[tuple[int, int, int]], mine: tuple[int, int, int]) -> tuple[int, int, int]:
    """Scores of (age, orders, spend) against a population of the same."""
    n = len(population)
    older = sum(age > mine[0] for age, _, _ in population)
    fewer = sum(orders < mine[1] for _, orders, _ in population)
    less = sum(spend < mine[2] for _, _, spend in population)
    return quantile_score(older, n), quantile_score(fewer, n), quantile_score(less, n)


def compatible_scores(population: list[tuple[int, int, int]], mine: tuple[int, int, int]) -> tuple[int, int, int]:
    """The scores of the R package rfm, with fractions instead of floats."""
    reached = []
    for place, one in enumerate((DAY, 1, MONEY_UNIT)):
        ordered = sorted(each[place] for each in population)
        bounds = [type_7(ordered, Fraction(step, 5)) + one for step in range(1, 5)]
        reached.append(sum(mine[place] >= bound for bound in bounds))
    return 5 - reached[0], 1 + reached[1], 1 + reached[2]


def type_7(ordered: list[int], share: Fraction) -> Fraction:
    """The quantile that R computes by default."""
    place = (len(ordered) - 1) * share
    low = place.numerator // place.denominator
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def label(scores: tuple[int, int, int]) -> str:
    """The first label of the R package whose closed ranges fit."""
    for name, *ranges in LABELS:
        if all(low <= score <= high for score, (low, high) in zip(scores, ranges, strict=True)):
            return name
    return "Others"


def grid_name(scores: tuple[int, int, int]) -> str:
    """The cell of the grid of R and F."""
    return GRID[scores[0]].split()[scores[1] - 1]


def scores_by(data: Any, mine: tuple[int, int, int]) -> tuple[int, int, int]:
    """Scores against stored cut points."""
    r, f, m = (sum(value >= cut for cut in data[key]) for key, value in zip("rfm", mine, strict=True))
    return 5 - r, 1 + f, 1 + m


def member(params: Any, model: Model | None, user: GivenUser, at: Micros) -> bool:
    """An oracle for the contract kit: groups, scores and values."""
    within = params.within.micros if params.within is not None else None
    mine = bought(user, at, within)
    if mine.last is None:
        return outside(params, mine)
    values = (at - mine.last, mine.orders, mine.spend)
    answers = [holds(params.orders, mine.orders), holds(params.spend, mine.spend, MONEY_UNIT)]
    answers.append(holds(params.average_order_value, mine.spend // mine.orders, MONEY_UNIT))
    if params.cuts is not None or model is not None:
        data = model.data if model is not None else fixed(params.cuts)
        scores = scores_by(data, values)
        answers += [holds(each, score) for each, score in zip((params.r, params.f, params.m), scores, strict=True)]
        if params.segment is not None:
            name = label(scores) if "compatible" in (params.map, params.scoring) else grid_name(scores)
            answers.append(name in params.segment)
    elif params.segment is not None:
        answers.append(False)
    return all(answers)


def outside(params: Any, mine: Bought) -> bool:
    """Whether somebody without an order satisfies the condition."""
    if any(each is not None for each in (params.r, params.f, params.m, params.average_order_value)):
        return False
    named = params.segment is None or "never purchased" in params.segment
    return named and holds(params.orders, 0) and holds(params.spend, mine.spend, MONEY_UNIT)


def holds(bounds: Any, value: int, unit: int = 1) -> bool:
    """All operators that are given."""
    if bounds is None:
        return True
    exact = Fraction(value, unit)
    tests = {
        "equals": lambda operand: exact == frac(operand),
        "above": lambda operand: exact > frac(operand),
        "at_least": lambda operand: exact >= frac(operand),
        "below": lambda operand: exact < frac(operand),
        "at_most": lambda operand: exact <= frac(operand),
        "between": lambda operand: frac(operand[0]) <= exact <= frac(operand[1]),
    }
    given = bounds.model_dump(exclude_none=True)
    return all(tests[name](operand) for name, operand in given.items())


def frac(operand: float) -> Fraction:
    """A number of a rule, with its decimals exact."""
    return Fraction(str(operand))


def fixed(cuts: Any) -> dict[str, list[int]]:
    """Given boundaries in whole units; the tests write ages in days."""
    return {
        "r": [int(age.removesuffix("d")) * DAY for age in cuts.r],
        "f": [int(number) for number in cuts.f],
        "m": [int(frac(number) * MONEY_UNIT) for number in cuts.m],
    }


def learned_from(users: Iterable[GivenUser], at: int) -> dict[str, tuple[int, int, int]]:
    """(age, orders, spend) of everybody with an order."""
    found = defaultdict(tuple)
    for user in users:
        mine = bought(user, at)
        if mine.last is not None:
            found[user.user_id] = (at - mine.last, mine.orders, mine.spend)
    return dict(found)
