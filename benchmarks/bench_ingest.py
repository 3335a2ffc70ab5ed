"""Durable ingest with twenty behavioral segments live, beside SQLite alone storing the same rows."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles

from figures import medians, show, size_options
from shop_events import NOW, Drawn
from shop_rules import RULES

from segmentd.plugins.host import load_plugins
from segmentd.records import EventRecord
from segmentd.service.items import EventWrite, ProfileWrite
from segmentd.service.segment_info import SegmentSpec
from segmentd.service.service import Service
from segmentd.service.value_types import Currencies
from segmentd.storage import Store
from segmentd.times import FrozenClock

ROUNDS = 5
BATCH = 1_000
SINGLES = 300
PEER = "SQLite, synchronous=FULL, the same rows"


async def prepare(service: Service, users: int) -> None:
    for start in range(0, users, BATCH):
        await service.profiles.upsert([ProfileWrite(f"u{i}") for i in range(start, min(start + BATCH, users))])
    for name, rule in RULES.items():
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


def seconds_of_store(store: Store, records: list[EventRecord], batch: int) -> list[float]:
    """The seconds of each transaction."""
    taken = []
    for at in range(0, len(records), batch):
        start = time.perf_counter()
        with store.transaction():
            store.insert_events(records[at : at + batch])
        taken.append(time.perf_counter() - start)
    return taken


def measure(service: Service, store: Store, users: int, events: int) -> None:
    ours, bare = Drawn(users), Drawn(users)
    seconds_of_service(service, ours.writes(BATCH), BATCH), seconds_of_store(store, bare.records(BATCH), BATCH)  # warm
    size = max(1, events // ROUNDS // BATCH) * BATCH
    rate, peer = medians(
        ROUNDS,
        lambda: size / sum(seconds_of_service(service, ours.writes(size), BATCH)),
        lambda: size / sum(seconds_of_store(store, bare.records(size), BATCH)),
    )
    show("ingest: events in batches of 1,000", rate, "events/s", PEER, peer)
    mine: list[float] = []
    theirs: list[float] = []
    for _ in range(ROUNDS):
        mine += seconds_of_service(service, ours.writes(SINGLES), 1)
        theirs += seconds_of_store(store, bare.records(SINGLES), 1)
    show("ingest: one event, median", median(mine) * 1e3, "ms", PEER, median(theirs) * 1e3)
    show("ingest: one event, p99", quantiles(mine, n=100)[98] * 1e3, "ms", PEER, quantiles(theirs, n=100)[98] * 1e3)


def main() -> None:
    sizes = size_options(users=20_000, events=50_000)
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder, "bare.db")) as store:
        service = Service.open(Path(folder, "bench.db"), load_plugins(), FrozenClock(NOW), Currencies())
        try:
            asyncio.run(prepare(service, sizes.users))
            measure(service, store, sizes.users, sizes.events)
        finally:
            service.close()


if __name__ == "__main__":
    main()
