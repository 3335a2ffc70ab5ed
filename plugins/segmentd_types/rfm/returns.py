"""Which orders were taken back, and what refunds and cancellations took."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segmentd.api import Mask
    from segmentd_types.rfm.orders import Dated

Int64s = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Returns:
    """`removed` bool (k,) of the orders, and `further` int64 (n,) money a row beyond the amounts given.

    A return that names an order and no amount takes back what is left of it.
    """

    removed: Mask
    further: Int64s


def returned(orders: Dated, returns: Sequence[Dated], n: int) -> Returns:
    """Compare what was taken back in the name of each order with its amount; an order is (row, order id)."""
    removed = np.zeros(len(orders), dtype=np.bool_)
    further = np.zeros(n, dtype=np.int64)
    keys, amounts, known = _named(orders, returns)
    if not len(keys):
        return Returns(removed, further)
    distinct, which = np.unique(keys, return_inverse=True)
    taken = np.zeros(len(distinct), dtype=np.int64)
    np.add.at(taken, which, amounts)
    whole = np.zeros(len(distinct), dtype=np.bool_)
    whole[which[~known]] = True

    width = len(orders.named.vocabulary)
    there, place = _placed(orders, distinct, width)
    paid = np.zeros(len(distinct), dtype=np.int64)
    np.add.at(paid, place, orders.money[0][there])
    ordered = np.zeros(len(distinct), dtype=np.bool_)
    ordered[place] = True

    removed[there] = (whole | (taken >= paid))[place]
    rest = np.where(ordered & whole, np.maximum(paid - taken, 0), 0)
    np.add.at(further, distinct // max(width, 1), rest)
    return Returns(removed, further)


def _named(orders: Dated, returns: Sequence[Dated]) -> tuple[Int64s, Int64s, Mask]:
    """Keys (row · width + code of the order's id), amounts and their presence, of returns that name an order."""
    vocabulary = orders.named.vocabulary
    keys, amounts, known = [], [], []
    for each in returns:
        naming = np.flatnonzero(each.named.codes >= 0)
        texts = each.named.vocabulary.texts_of(each.named.codes[naming].tolist())
        codes = vocabulary.find_many(texts).astype(np.int64)
        naming, codes = naming[codes >= 0], codes[codes >= 0]
        keys.append(each.counted.rows[naming] * len(vocabulary) + codes)
        money, here = each.money
        amounts.append(money[naming])
        known.append(here[naming])
    if not keys:
        nothing = np.zeros(0, dtype=np.int64)
        return nothing, nothing, nothing > 0
    return np.concatenate(keys), np.concatenate(amounts), np.concatenate(known)


def _placed(orders: Dated, distinct: Int64s, width: int) -> tuple[Int64s, Int64s]:
    """The orders that some return names, and their places in `distinct`."""
    rows = orders.counted.rows
    affected = np.zeros(len(orders.counted.sizes), dtype=np.bool_)
    affected[distinct // max(width, 1)] = True
    near = np.flatnonzero(affected[rows] & (orders.named.codes >= 0))
    keys = rows[near] * width + orders.named.codes[near]
    place = np.minimum(np.searchsorted(distinct, keys), len(distinct) - 1)
    hit = distinct[place] == keys
    return near[hit], place[hit]
