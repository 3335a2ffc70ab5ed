"""Durable ingest with twenty behavioral segments live, beside sqlite3's executemany of the same rows."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median, quantiles

from figures import medians, show, size_options
from seeded_rules import behavioral_rules
from shop_events import NOW, Drawn

from segmentd.plugins.host import load_plugins
from segmentd.records import EventRecord
from segmentd.service.items import EventWrite, ProfileWrite
from segmentd.service.segment_info import SegmentSpec
from segmentd.service.service import Service
from segmentd.service.value_types import Currencies
from segmentd.storage import Store
from segmentd.times import FrozenClock

BATCH = 1_000
SEGMENTS = 20
PEER = "sqlite3 executemany, synchronous=FULL, the same rows"
INSERT = """
INSERT INTO events (user_key, name_id, time, received, message_id, digest, rate, properties, context)
VALUES (?, ?, ?, ?, ?, ?, ?, CAST(? AS TEXT), CAST(? AS TEXT))
"""
COUNT_NAME = """
INSERT INTO event_names (name, events) VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET events = events + excluded.events RETURNING name_id
"""
PRAGMAS = ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA cache_size = -131072")


async def prepare(service: Service, users: int) -> None:
    for start in range(0, users, BATCH):
        await service.profiles.upsert([ProfileWrite(f"u{i}") for i in range(start, min(start + BATCH, users))])
    for name, rule in behavioral_rules(SEGMENTS).items():
        await service.segments.create(SegmentSpec(name, rule=rule), "", "")


def seconds_of_service(service: Service, writes: list[EventWrite], batch: int) -> list[float]:
    """The seconds of each call, one after another."""

    async def run() -> list[float]:
        taken = []
        for at in range(0, len(writes), batch):
            start = time.perf_counter()
            outcome = await service.profiles.ingest(writes[at : at + batch])
            taken.append(time.perf_counter() - start)
            if any(result.error is not None or result.duplicate for result in outcome.results):
                raise SystemExit("an event was not stored")
        return taken

    return asyncio.run(run())


def seconds_of_callers(service: Service, writes: list[EventWrite], callers: int) -> float:
    """The seconds of all batches, with so many callers that each wait for their own."""

    async def caller(number: int) -> None:
        for at in range(number * BATCH, len(writes), callers * BATCH):
            await service.profiles.ingest(writes[at : at + BATCH])

    async def run() -> None:
        await asyncio.gather(*(caller(number) for number in range(callers)))

    start = time.perf_counter()
    asyncio.run(run())
    return time.perf_counter() - start


def seconds_of_sqlite(connection: sqlite3.Connection, records: list[EventRecord], batch: int) -> list[float]:
    """The seconds of each transaction; the rows are tuples before the clock starts."""
    taken = []
    for at in range(0, len(records), batch):
        chunk = records[at : at + batch]
        counts = Counter(each.name for each in chunk)
        ids = {name: number for number, name in enumerate(counts, 1)}
        rows = [
            (e.user_key, ids[e.name], e.time, e.received, e.message_id, e.digest, e.rate, e.properties, e.context)
            for e in chunk
        ]
        start = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        for name, number in counts.items():
            connection.execute(COUNT_NAME, (name, number)).fetchall()
        connection.executemany(INSERT, rows)
        connection.execute("COMMIT")
        taken.append(time.perf_counter() - start)
    return taken


def bare_database(path: Path) -> sqlite3.Connection:
    """The tables and indexes of segmentd, by the standard module."""
    Store.open(path).close()
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in PRAGMAS:
        connection.execute(pragma).fetchall()
    return connection


def measure(service: Service, bare: sqlite3.Connection, users: int, events: int, rounds: int, singles: int) -> None:
    ours, theirs = Drawn(users), Drawn(users)
    (
        seconds_of_service(service, ours.writes(BATCH), BATCH),
        seconds_of_sqlite(bare, theirs.records(BATCH), BATCH),
    )  # warm
    size = max(1, events // rounds // BATCH) * BATCH
    told = {"users": users, "events": events, "segments": SEGMENTS}
    alone, together, peer = medians(
        rounds,
        lambda: size / sum(seconds_of_service(service, ours.writes(size), BATCH)),
        lambda: size / seconds_of_callers(service, ours.writes(size), 4),
        lambda: size / sum(seconds_of_sqlite(bare, theirs.records(size), BATCH)),
    )
    show("ingest: events in batches of 1,000", alone, "events/s", PEER, peer, **told)
    show("ingest: the same by 4 callers at once", together, "events/s", PEER, peer, **told)
    mine: list[float] = []
    others: list[float] = []
    for _ in range(rounds):
        mine += seconds_of_service(service, ours.writes(singles), 1)
        others += seconds_of_sqlite(bare, theirs.records(singles), 1)
    show("ingest: one event, median", median(mine) * 1e3, "ms", PEER, median(others) * 1e3, **told)
    tails = (quantiles(side, n=100)[98] * 1e3 for side in (mine, others))
    show("ingest: one event, p99", next(tails), "ms", PEER, next(tails), **told)


def main() -> None:
    sizes = size_options(
        {"users": 200, "events": 1_000, "rounds": 1, "singles": 5}, users=20_000, events=50_000, rounds=5, singles=300
    )
    with tempfile.TemporaryDirectory() as folder:
        bare = bare_database(Path(folder, "bare.db"))
        service = Service.open(Path(folder, "bench.db"), load_plugins(), FrozenClock(NOW), Currencies())
        try:
            asyncio.run(prepare(service, sizes.users))
            measure(service, bare, sizes.users, sizes.events, sizes.rounds, sizes.singles)
        finally:
            service.close()
            bare.close()


if __name__ == "__main__":
    main()
