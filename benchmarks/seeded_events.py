"""The sample shop's events as rows of the table `events`: its own people and behaviours, rendered a block at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from segmentd.sample.catalogue import PRODUCTS
from segmentd.sample.events import NAMES, PROPERTIES, EventWriter
from segmentd.sample.shop import Shop, draw_shop
from segmentd.sample.timeline import Happening
from segmentd.sample.visits import Span
from segmentd.times import Micros

EVENTS_A_USER = 38
"""Of the sample generator at activity 1."""
SPARE = 1.15
"""More than are wanted are drawn, and so many left out at random that the number is exact."""
_BLOCK = 65_536
_DIGEST = 16
_MAILS = (Happening.MAIL_DELIVERED, Happening.MAIL_OPENED)
_PER_EVENT = (Happening.ORDERED, Happening.REFUNDED)
_QUANTITIES = 4
EventRow = tuple[int, int, int, int, str, bytes, None, str, None]
"""user_key, name_id, time, received, message_id, digest, rate, properties, context."""


def drawn_shop(until: Micros, users: int, events: int) -> Shop:
    """A shop with at least so many events before `until`."""
    return draw_shop(until, users, activity=SPARE * events / (EVENTS_A_USER * users))


def kept_events(shop: Shop, wanted: int, seed: int = 7) -> NDArray[np.int64]:
    """Which events of the timeline are taken, in its order, which is that of time.

    Mails do not depend on the activity; they are thinned to it, so that the shares of the names stay.
    """
    rng = np.random.default_rng(seed)
    what = shop.timeline.what
    activity = SPARE * wanted / (EVENTS_A_USER * len(shop.people.group))
    kept = np.flatnonzero(~np.isin(what, _MAILS) | (rng.random(len(what)) < activity))
    if len(kept) < wanted:
        raise SystemExit(f"the sample shop has {len(kept):,} events only; {wanted:,} are wanted")
    left_out = rng.choice(len(kept), len(kept) - wanted, replace=False)
    return np.delete(kept, left_out)


class Rendering:
    """Turns events of a shop into rows; texts that many share are made once."""

    def __init__(self, shop: Shop, name_ids: dict[str, int]) -> None:
        self._shop = shop
        span = Span.year_before(shop.until)
        self._writer = EventWriter(shop.seed, shop.people, shop.visits, shop.timeline, span)
        self._name_ids = np.array([name_ids[NAMES[what]] for what in Happening])
        self._products = [_product(item) for item in range(len(PRODUCTS))]
        self._viewed = _texts([{**each, "currency": "USD"} for each in self._products])
        self._added = _texts(
            [{**each, "currency": "USD", "quantity": q} for each in self._products for q in range(_QUANTITIES)]
        )
        mails = [
            PROPERTIES[Happening.MAIL_OPENED](self._writer, -1, number) for number in range(len(self._writer.sales))
        ]
        self._mails = _texts(mails)
        self._pushed = _texts([PROPERTIES[Happening.PUSH_TAPPED](self._writer, -1, -1)])[0]

    def rows(self, kept: NDArray[np.int64]) -> Iterator[list[EventRow]]:
        """The rows of these events in their order, a block at a time; a user's key is one more than its number."""
        for start in range(0, len(kept), _BLOCK):
            yield self._block(kept[start : start + _BLOCK], start)

    def _block(self, places: NDArray[np.int64], start: int) -> list[EventRow]:
        timeline, size = self._shop.timeline, len(places)
        at, digests = timeline.at[places].tolist(), os.urandom(_DIGEST * size)
        return list(
            zip(
                (timeline.user[places] + 1).tolist(),
                self._name_ids[timeline.what[places]].tolist(),
                at,
                at,
                [f"s1-{number:09d}" for number in range(start, start + size)],
                [digests[i : i + _DIGEST] for i in range(0, _DIGEST * size, _DIGEST)],
                [None] * size,
                self._properties(places).tolist(),
                [None] * size,
                strict=True,
            )
        )

    def _properties(self, places: NDArray[np.int64]) -> NDArray[Any]:
        """JSON texts, an array of objects."""
        timeline, visits = self._shop.timeline, self._shop.visits
        what, visit, detail = timeline.what[places], timeline.visit[places], timeline.detail[places]
        texts = np.full(len(places), "{}", dtype=object)
        looked_at = (what == Happening.VIEWED) | (what == Happening.ADDED)
        items = visits.items[visit[looked_at], detail[looked_at]]
        quantities = visits.quantities[visit[looked_at], detail[looked_at]]
        added = what[looked_at] == Happening.ADDED
        texts[looked_at] = np.where(added, self._added[items * _QUANTITIES + quantities], self._viewed[items])
        mailed = np.isin(what, _MAILS)
        texts[mailed] = self._mails[detail[mailed]]
        texts[(what == Happening.PUSH_RECEIVED) | (what == Happening.PUSH_TAPPED)] = self._pushed
        for place in np.flatnonzero(np.isin(what, _PER_EVENT)).tolist():
            properties = PROPERTIES[int(what[place])](self._writer, int(visit[place]), 0)
            texts[place] = orjson.dumps(properties, option=orjson.OPT_SORT_KEYS).decode()
        return texts


def _product(item: int) -> dict[str, Any]:
    product = PRODUCTS[item]
    return {"sku": product.sku, "name": product.name, "category": product.category, "price": product.cents / 100}


def _texts(values: list[dict[str, Any]]) -> NDArray[Any]:
    return np.array([orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode() for value in values], dtype=object)
