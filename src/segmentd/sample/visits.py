"""Draws every visit of every customer, what was looked at and what was bought, as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from segmentd.sample.behaviours import BARGAIN_HUNTER, BEHAVIOURS, NEW
from segmentd.sample.catalogue import PRODUCTS
from segmentd.sample.cities import noon_offsets
from segmentd.sample.people import People
from segmentd.sample.seasons import day_weights, hours, sale_of_day
from segmentd.times import DAY, HOUR, MINUTE, Instants, Micros

MOST_ITEMS: Final = 3


@dataclass(frozen=True, slots=True)
class Visits:
    """One element a visit. `items[visit, 3]` are products in the order viewed, -1 beyond the last one.

    `bought[visit]` says how many of them, from the first on, were ordered (0 where nothing was);
    `sale` is the sale that was on, else -1; `discount` cents off the order.
    """

    user: NDArray[np.int64]
    at: Instants
    items: NDArray[np.int64]
    quantities: NDArray[np.int64]
    added: NDArray[np.bool_]
    bought: NDArray[np.int64]
    sale: NDArray[np.int64]
    discount: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Span:
    """The days that the data covers, counted from 1970-01-01."""

    first_day: int
    days: int

    @classmethod
    def year_before(cls, until: Micros) -> Span:
        return cls(until // DAY - 365, 366)


def draw_visits(random: np.random.Generator, people: People, span: Span, until: Micros, activity: float) -> Visits:
    """All visits before `until`, by user; `activity` scales how many there are."""
    user, day = _days(random, people, span, activity)
    local = (span.first_day + day) * DAY + hours(random, len(user)) * HOUR + random.integers(0, HOUR, len(user))
    at = local - noon_offsets(span.first_day, span.days)[people.city[user], day]
    at = np.maximum(at, people.joined[user] + MINUTE)
    kept = (at < until) & (at <= people.stopped[user])
    return _choices(random, people, user[kept], at[kept], span)


def _days(
    random: np.random.Generator, people: People, span: Span, activity: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(user, day in the span) of every visit; the days of a customer follow the weights of the group."""
    first = np.clip(people.joined // DAY - span.first_day, 0, span.days - 1)
    last = np.clip(people.stopped // DAY - span.first_day, first, span.days - 1)
    users: list[NDArray[np.int64]] = []
    days: list[NDArray[np.int64]] = []
    for number, behaviour in enumerate(BEHAVIOURS):
        members = np.flatnonzero(people.group == number)
        sums = np.concatenate([[0.0], np.cumsum(day_weights(span.first_day, span.days, behaviour.sales))])
        low, high = sums[first[members]], sums[last[members] + 1]
        rate = behaviour.visits * activity / sums[-1]
        counts = random.poisson((high - low) * rate)
        users.append(np.repeat(members, counts))
        where = np.repeat(low, counts) + random.random(counts.sum()) * np.repeat(high - low, counts)
        days.append(np.searchsorted(sums, where, side="right") - 1)
    return np.concatenate(users), np.concatenate(days).clip(max=span.days - 1)


def _choices(random: np.random.Generator, people: People, user: NDArray[np.int64], at: Instants, span: Span) -> Visits:
    count = len(user)
    group = people.group[user]
    sale = sale_of_day(span.first_day, span.days)[np.clip(at // DAY - span.first_day, 0, span.days - 1)]
    items = _items(random, count, PRODUCTS_BY_TASTE[user % len(PRODUCTS_BY_TASTE)])
    bought = _bought(random, group, sale, items)
    quantities = 1 + (random.random((count, MOST_ITEMS)) < 0.15)
    percent = np.where(sale >= 0, 20, np.where(random.random(count) < 0.08, 10, 0))
    discount = _subtotals(items, quantities, bought) * percent // 100
    added = (bought > 0) | (random.random(count) < 0.25)
    return Visits(user, at, items, quantities, added, bought, sale, discount)


def _items(random: np.random.Generator, count: int, favourites: NDArray[np.int64]) -> NDArray[np.int64]:
    """int64[count, 3]: one to three products, half of them from what the customer likes best."""
    anything = random.integers(0, len(PRODUCTS), (count, MOST_ITEMS))
    liked = np.take_along_axis(favourites, random.integers(0, favourites.shape[1], (count, MOST_ITEMS)), axis=1)
    items = _without_repeats(np.where(random.random((count, MOST_ITEMS)) < 0.5, liked, anything))
    number = random.choice([1, 2, 3], size=(count, 1), p=[0.4, 0.35, 0.25])
    return np.where(np.arange(MOST_ITEMS) < number, items, -1)


def _without_repeats(items: NDArray[np.int64]) -> NDArray[np.int64]:
    """Three different products each: a repeated one becomes the next that is free."""
    first, second, third = items.T
    second = np.where(second == first, (second + 1) % len(PRODUCTS), second)
    for _ in range(2):
        third = np.where((third == first) | (third == second), (third + 1) % len(PRODUCTS), third)
    return np.stack([first, second, third], axis=1)


def _bought(
    random: np.random.Generator, group: NDArray[np.int64], sale: NDArray[np.int64], items: NDArray[np.int64]
) -> NDArray[np.int64]:
    """How many of the items were ordered. Bargain hunters order one, and outside of sales half as readily."""
    buys = np.array([behaviour.buys for behaviour in BEHAVIOURS])[group]
    hunter = group == BARGAIN_HUNTER
    buys = np.where(hunter & (sale < 0), buys / 2, buys)
    buys = np.where((sale >= 0) & (group != NEW), buys * 1.2, buys)
    wanted = np.where(hunter, 1, 1 + random.integers(0, MOST_ITEMS, len(group)))
    return np.where(random.random(len(group)) < buys, np.minimum(wanted, (items >= 0).sum(axis=1)), 0)


def _subtotals(items: NDArray[np.int64], quantities: NDArray[np.int64], bought: NDArray[np.int64]) -> NDArray[np.int64]:
    cents = np.array([product.cents for product in PRODUCTS], dtype=np.int64)[items]
    ordered = np.arange(MOST_ITEMS) < bought[:, None]
    total: NDArray[np.int64] = np.where(ordered, cents * quantities, 0).sum(axis=1)
    return total


def _by_taste() -> NDArray[Any]:
    """int64[taste, 3]: the first three products of each category that has as many."""
    found: dict[str, list[int]] = {}
    for number, product in enumerate(PRODUCTS):
        found.setdefault(product.category, []).append(number)
    return np.array([numbers[:3] for numbers in found.values() if len(numbers) >= 3], dtype=np.int64)


PRODUCTS_BY_TASTE: Final = _by_taste()
