"""Writes the timeline as events in the names of the Segment spec."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from segmentd.sample.catalogue import CURRENCY, PRODUCTS
from segmentd.sample.devices import context_of, release_of
from segmentd.sample.people import People, user_name
from segmentd.sample.seasons import Sale, sales_between
from segmentd.sample.stamps import stamps
from segmentd.sample.timeline import Happening, Timeline
from segmentd.sample.visits import Span, Visits
from segmentd.times import DAY

_BLOCK: Final = 65_536
_SHIPPING_CENTS: Final = 490
_FREE_SHIPPING_FROM: Final = 5_000

NAMES: Final = {
    Happening.INSTALLED: "Application Installed",
    Happening.OPENED: "Application Opened",
    Happening.VIEWED: "Product Viewed",
    Happening.ADDED: "Product Added",
    Happening.ORDERED: "Order Completed",
    Happening.REFUNDED: "Order Refunded",
    Happening.PUSH_RECEIVED: "Push Notification Received",
    Happening.PUSH_TAPPED: "Push Notification Tapped",
    Happening.MAIL_DELIVERED: "Email Delivered",
    Happening.MAIL_OPENED: "Email Opened",
}


@dataclass(frozen=True, slots=True)
class EventWriter:
    """Turns rows of the timeline into dicts, a block at a time, so that memory stays small."""

    seed: int
    people: People
    visits: Visits
    timeline: Timeline
    span: Span
    sales: list[Sale] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sales", sales_between(self.span.first_day, self.span.days))

    def events(self) -> Iterator[dict[str, Any]]:
        """By time. Contexts are shared between events: do not change them."""
        for start in range(0, len(self.timeline.at), _BLOCK):
            yield from self._block(slice(start, start + _BLOCK), start)

    def _block(self, block: slice, start: int) -> Iterator[dict[str, Any]]:
        timeline = self.timeline
        devices, releases = self._devices(block)
        columns = zip(
            stamps(timeline.at[block]),
            timeline.user[block].tolist(),
            timeline.what[block].tolist(),
            timeline.visit[block].tolist(),
            timeline.detail[block].tolist(),
            devices.tolist(),
            releases.tolist(),
            strict=True,
        )
        for number, (stamp, user, what, visit, detail, device, release) in enumerate(columns, start):
            yield {
                "messageId": f"s{self.seed}-{number}",
                "userId": user_name(user),
                "event": NAMES[what],
                "timestamp": stamp,
                "properties": PROPERTIES[what](self, visit, detail),
                "context": context_of(device, release),
            }

    def _devices(self, block: slice) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(device, release of the app) of each event: every sixth visit is made on the customer's other device."""
        user, visit = self.timeline.user[block], self.timeline.visit[block]
        other = (visit >= 0) & (visit % 6 == 5)
        device = np.where(other, self.people.other_device[user], self.people.device[user])
        days = self.timeline.at[block] // DAY - self.span.first_day
        return device, release_of(days, self.people.lag_days[user])

    def products(self, visit: int, count: int) -> list[dict[str, Any]]:
        rows = zip(self.visits.items[visit].tolist(), self.visits.quantities[visit].tolist(), strict=True)
        return [_product(item) | {"quantity": quantity} for item, quantity in list(rows)[:count]]

    def product(self, visit: int, detail: int) -> dict[str, Any]:
        return _product(int(self.visits.items[visit, detail]))


def _product(item: int) -> dict[str, Any]:
    product = PRODUCTS[item]
    price = product.cents / 100
    return {"sku": product.sku, "name": product.name, "category": product.category, "price": price}


def _nothing(_writer: EventWriter, _visit: int, _detail: int) -> dict[str, Any]:
    return {}


def _viewed(writer: EventWriter, visit: int, detail: int) -> dict[str, Any]:
    return writer.product(visit, detail) | {"currency": CURRENCY}


def _added(writer: EventWriter, visit: int, detail: int) -> dict[str, Any]:
    quantity = int(writer.visits.quantities[visit, detail])
    return writer.product(visit, detail) | {"quantity": quantity, "currency": CURRENCY}


def _ordered(writer: EventWriter, visit: int, _detail: int) -> dict[str, Any]:
    """`revenue` is what the goods cost after the discount; `total` has shipping on top."""
    products = writer.products(visit, int(writer.visits.bought[visit]))
    discount, sale = int(writer.visits.discount[visit]), int(writer.visits.sale[visit])
    revenue = _revenue(products, discount)
    order: dict[str, Any] = {"order_id": f"o{visit}", **_amounts(revenue), "products": products}
    if discount:
        coupon = writer.sales[sale].coupon if sale >= 0 else "WELCOME10"
        order |= {"discount": discount / 100, "coupon": coupon}
    return order


def _refunded(writer: EventWriter, visit: int, _detail: int) -> dict[str, Any]:
    products = writer.products(visit, int(writer.visits.bought[visit]))
    revenue = _revenue(products, int(writer.visits.discount[visit]))
    return {"order_id": f"o{visit}", **_amounts(revenue), "products": products}


def _revenue(products: list[dict[str, Any]], discount: int) -> int:
    """Cents."""
    prices = [round(product["price"] * 100) * product["quantity"] for product in products]
    return int(sum(prices)) - discount


def _amounts(revenue: int) -> dict[str, Any]:
    shipping = 0 if revenue >= _FREE_SHIPPING_FROM else _SHIPPING_CENTS
    return {
        "revenue": revenue / 100,
        "shipping": shipping / 100,
        "total": (revenue + shipping) / 100,
        "currency": CURRENCY,
    }


def _pushed(_writer: EventWriter, _visit: int, _detail: int) -> dict[str, Any]:
    return {"campaign": {"name": "We miss you", "medium": "Push"}}


def _mailed(writer: EventWriter, _visit: int, detail: int) -> dict[str, Any]:
    sale = writer.sales[detail]
    return {"email_subject": sale.name, "campaign_name": f"{sale.name} {sale.first.year}"}


PROPERTIES: Final[dict[int, Callable[[EventWriter, int, int], dict[str, Any]]]] = {
    Happening.INSTALLED: _nothing,
    Happening.OPENED: _nothing,
    Happening.VIEWED: _viewed,
    Happening.ADDED: _added,
    Happening.ORDERED: _ordered,
    Happening.REFUNDED: _refunded,
    Happening.PUSH_RECEIVED: _pushed,
    Happening.PUSH_TAPPED: _pushed,
    Happening.MAIL_DELIVERED: _mailed,
    Happening.MAIL_OPENED: _mailed,
}
