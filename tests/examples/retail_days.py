"""Who is in the four groups at an instant, customer by customer from the lines of the file, without SQL."""

from __future__ import annotations

import csv
import gzip
from bisect import bisect_right
from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

Order = tuple[datetime, Decimal]
GROUPS = ("loyal-shoppers", "at-risk", "dormant", "bargain-hunters")


def orders_of(file: Path) -> dict[str, list[Order]]:
    """Customer → orders as (time, amount), in the order of their times."""
    times: dict[tuple[str, str], datetime] = {}
    amounts = defaultdict[tuple[str, str], Decimal](Decimal)
    with gzip.open(file, "rt", encoding="utf-8", newline="") as text:
        for line in csv.DictReader(text):
            quantity, price = Decimal(line["Quantity"]), Decimal(line["UnitPrice"])
            if not line["CustomerID"] or line["InvoiceNo"].startswith("C") or quantity <= 0 or price <= 0:
                continue
            order = (line["CustomerID"].removesuffix(".0"), line["InvoiceNo"])
            moment = datetime.fromisoformat(line["InvoiceDate"])
            times[order] = min(moment, times.get(order, moment))
            amounts[order] += quantity * price
    found = defaultdict[str, list[Order]](list)
    for order, moment in times.items():
        found[order[0]].append((moment, amounts[order]))
    return {customer: sorted(orders) for customer, orders in found.items()}


def groups_at(orders: dict[str, list[Order]], now: datetime) -> dict[str, set[str]]:
    """Group → its members at an instant."""
    groups: dict[str, set[str]] = {group: set() for group in GROUPS}
    for customer, every in orders.items():
        known = every[: bisect_right(every, now, key=lambda order: order[0])]
        for group in _groups_of(known, now) if known else ():
            groups[group].add(customer)
    return groups


def _groups_of(orders: list[Order], now: datetime) -> list[str]:
    last = orders[-1][0]
    in_60_days = [order for order in orders if order[0] + timedelta(days=60) > now]
    in_180_days = [amount for moment, amount in orders if moment + timedelta(days=180) > now]
    average = sum(in_180_days) / len(in_180_days) if in_180_days else Decimal(0)
    verdicts = {
        "loyal-shoppers": len(in_60_days) >= 2,
        "at-risk": len(orders) == 1 and last + timedelta(days=90) <= now,
        "dormant": six_months_after(last) <= now,
        "bargain-hunters": len(in_180_days) >= 4 and average < 200,
    }
    return [group for group, member in verdicts.items() if member]


def six_months_after(moment: datetime) -> datetime:
    """The same time of the same day six months on, or of that month's last day."""
    month = moment.month + 6
    year, month = (moment.year + 1, month - 12) if month > 12 else (moment.year, month)
    day = moment.day
    while True:
        try:
            return moment.replace(year=year, month=month, day=day)
        except ValueError:
            day -= 1
