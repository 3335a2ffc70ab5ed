"""The orders and refunds of the file by events.sql, and the members that SQL finds by daily_members.sql."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from segmentd.client import as_struct, as_timestamp
from segmentd.times import DAY, Micros, from_datetime
from segmentd.v1 import profile_pb2

_HERE = Path(__file__).parent
_KEPT = ("order_id", "revenue", "quantity")
"""What of an order is sent: the groups ask for no products."""

Groups = dict[str, set[str]]
"""Segment → its members."""


def events_by_day(file: Path, first: Micros, days: int) -> list[list[profile_pb2.Event]]:
    """The events of each day, in the order of their times."""
    found: list[list[profile_pb2.Event]] = [[] for _ in range(days)]
    with duckdb.connect() as connection:
        connection.execute("SET VARIABLE file = $file", {"file": str(file)})
        rows = connection.execute((_HERE / "events.sql").read_text(encoding="utf-8"))
        while batch := rows.fetchmany(1_000):
            for user, name, time, message_id, properties, reason in batch:
                if reason is not None:
                    return found  # refused lines come last
                instant = from_datetime(time.replace(tzinfo=UTC))
                day = (instant - first) // DAY
                if 0 <= day < days:
                    kept = {key: value for key, value in json.loads(properties).items() if key in _KEPT}
                    found[day].append(
                        profile_pb2.Event(
                            user_id=user,
                            name=name,
                            message_id=message_id,
                            event_time=as_timestamp(instant),
                            properties=as_struct(kept),
                        )
                    )
    return found


def days_of(file: Path, first: datetime) -> int:
    """How many days the file has from the first one on."""
    with duckdb.connect() as connection:
        [row] = connection.execute(
            "SELECT max(coalesce(try_cast(InvoiceDate AS TIMESTAMP), try_strptime(InvoiceDate, '%m/%d/%Y %H:%M')))"
            " FROM read_csv($file, header = true, all_varchar = true)",
            {"file": str(file)},
        ).fetchall()
    last: datetime = row[0]
    return max(0, (last.date() - first.date()).days + 1)


def daily_members(file: Path, first: datetime, days: int, groups: list[str]) -> Iterator[Groups]:
    """Who is in each group at the end of each day, by SQL over the raw lines."""
    members: dict[datetime, Groups] = defaultdict(lambda: {group: set() for group in groups})
    with duckdb.connect() as connection:
        for name, value in (("file", str(file)), ("first", first.replace(tzinfo=None)), ("days", days)):
            connection.execute(f"SET VARIABLE {name} = $value", {"value": value})
        rows = connection.execute((_HERE / "daily_members.sql").read_text(encoding="utf-8"))
        while batch := rows.fetchmany(10_000):
            for midnight, group, customer in batch:
                members[midnight][group].add(customer)
    for day in range(days):
        yield members[first.replace(tzinfo=None) + timedelta(days=day + 1)]
