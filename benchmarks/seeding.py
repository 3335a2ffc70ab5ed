"""Big databases of the sample shop, made once through the storage layer and kept: `python benchmarks/seeding.py`.

People and behaviours are the sample generator's; events come in the order of time, with message ids and properties.
Nothing is in the log: users and definitions are there as after one commit at the end of the data.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
from figures import size_options
from seeded_events import Rendering, drawn_shop, kept_events
from seeded_people import people, records
from seeded_rules import rules
from server_process import serving

from segmentd.plugins.host import load_plugins
from segmentd.records import KindRecord, SegmentRecord
from segmentd.sample.events import NAMES
from segmentd.sample.shop import Shop, draw_shop
from segmentd.service.items import EventWrite, ProfileWrite
from segmentd.service.segment_info import SegmentSpec
from segmentd.service.service import Service, keep_currency
from segmentd.service.snapshots.facts import FORMAT
from segmentd.service.value_types import Currencies
from segmentd.storage import Store
from segmentd.storage.schema import MIGRATIONS
from segmentd.times import FrozenClock, format_instant, parse_instant

NOW: Final = parse_instant("2026-11-21T12:00:00Z")
"""The end of the data, and the instant at which servers of it stand."""
CLOCK: Final = format_instant(NOW)
LARGE: Final = 6 * 2**30
"""Bytes of a database that is used where it lies rather than copied."""
_LEARNED_FROM: Final = 500
"""Users of the small shop whose writes say which kind each name has."""
_INSERT: Final = """
INSERT OR FAIL INTO events (user_key, name_id, time, received, message_id, digest, rate, properties, context)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_INDEXES: Final = "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'events' AND sql IS NOT NULL"
_QUICK: Final = (
    "PRAGMA journal_mode = MEMORY",
    "PRAGMA synchronous = OFF",
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA cache_size = -524288",
    "PRAGMA threads = 2",
)
"""A database that breaks while it is made is made again."""


def seed(path: Path, users: int, events: int) -> None:
    """Make a database without segments."""
    shop = drawn_shop(NOW, users, events)
    kept = kept_events(shop, events)
    with Store.open(path) as store:
        keep_currency(store, Currencies().base)
        with store.transaction():
            store.write_kinds(learned_kinds())
            store.set_meta("derivations", load_plugins().derivation_signature().encode())
        for keys, profiles in records(people(shop), NOW):
            with store.transaction():
                store.insert_users(keys)
                store.write_profiles(profiles)
        with store.transaction():
            store.advance(1, NOW)
    _fill(path, shop, kept)


def learned_kinds() -> list[KindRecord]:
    """What the server makes of the names when it sees such profiles and events."""
    shop = draw_shop(NOW, _LEARNED_FROM)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "small.db")
        service = Service.open(path, load_plugins(), FrozenClock(NOW), Currencies())
        try:
            profiles = [ProfileWrite(user_id, attributes) for user_id, attributes in people(shop)]
            asyncio.run(service.profiles.upsert(profiles))
            writes = [EventWrite(e["userId"], e["event"], e["messageId"], NOW, e["properties"]) for e in shop.events()]
            for start in range(0, len(writes), 5_000):
                asyncio.run(service.profiles.ingest(writes[start : start + 5_000]))
        finally:
            service.close()
        with Store.open(path) as store:
            return store.kinds()


def _fill(path: Path, shop: Shop, kept: np.ndarray[Any, np.dtype[np.int64]]) -> None:
    """All events in one transaction; the indexes are made at the end, from sorted rows.

    By the standard module, whose SQLite takes half the time of pysqlite3's; the store has closed the file.
    """
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in _QUICK:
        connection.execute(pragma).fetchall()
    name_ids = {name: number for number, name in enumerate(NAMES.values(), 1)}
    connection.execute("BEGIN")
    indexes = connection.execute(_INDEXES).fetchall()
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    for rows in Rendering(shop, name_ids).rows(kept):
        connection.executemany(_INSERT, rows)
    counts = np.bincount(shop.timeline.what[kept], minlength=len(name_ids)).tolist()
    named = [(number, name, counts[number - 1]) for name, number in name_ids.items()]
    connection.executemany("INSERT INTO event_names (name_id, name, events) VALUES (?, ?, ?)", named)
    for _, statement in indexes:
        connection.execute(statement)
    connection.execute("COMMIT")
    connection.close()


def defined(size: int, chosen: dict[str, Any] | None = None) -> list[SegmentRecord]:
    """Definitions as the server stores them, active; of `rules(size)` or of those given."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "small.db")
        service = Service.open(path, load_plugins(), FrozenClock(NOW), Currencies())
        try:
            asyncio.run(_define(service, rules(size) if chosen is None else chosen))
        finally:
            service.close()
        with Store.open(path) as store:
            return store.segments()


async def _define(service: Service, chosen: dict[str, Any]) -> None:
    for name, rule in chosen.items():
        await service.segments.create(SegmentSpec(name, rule=rule), "", "")


def define(path: Path, size: int, chosen: dict[str, Any] | None = None) -> None:
    """Put these definitions into a database in place of those that it has; where it has the same nothing changes."""
    found = defined(size, chosen)
    with Store.open(path) as store:
        if _told(store.segments()) == _told(found):
            return
    shutil.rmtree(f"{path}.snapshot", ignore_errors=True)  # it has other definitions of the same revision
    with Store.open(path) as store:
        version = max((record.version for record in store.segments()), default=0) + 1
        with store.transaction():
            for record in store.segments():
                store.delete_segment(record.segment_id)
            key = store.next_segment_key()
            for record in found:
                store.put_segment_version(replace(record, segment_key=key, version=version))
                key += 1


def _told(segments: list[SegmentRecord]) -> dict[str, tuple[str, str, bytes]]:
    return {each.segment_id: (each.definition, each.state, each.type_versions) for each in segments}


def seeded(cache: Path, users: int, events: int) -> Path:
    """The database of this size; made where it is not there yet."""
    path = cache / f"shop-{users}-{events}.db"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        making = path.with_suffix(".making")
        for left in cache.glob(f"{making.name}*"):
            left.unlink()
        seed(making, users, events)
        making.rename(path)
    return path


def stopped(cache: Path, users: int, events: int, segments: int, chosen: dict[str, Any] | None = None) -> Path:
    """The same with definitions and what a server leaves behind at a clean stop; made where it is not there yet."""
    told = json.dumps([MIGRATIONS[-1].number, FORMAT, rules(segments) if chosen is None else chosen], sort_keys=True)
    folder = cache / f"stopped-{users}-{events}-{sha256(told.encode()).hexdigest()[:12]}"
    if not folder.exists():
        source = seeded(cache, users, events)
        making = Path(tempfile.mkdtemp(dir=cache))
        try:
            database = making / "bench.db"
            shutil.copyfile(source, database)
            define(database, segments, chosen)
            with serving(database, clock=CLOCK):
                pass
            making.rename(folder)
        finally:
            shutil.rmtree(making, ignore_errors=True)
    return folder / "bench.db"


@contextmanager
def working_copy(
    cache: Path,
    users: int,
    events: int,
    segments: int,
    chosen: dict[str, Any] | None = None,
    *,
    after_stop: bool = False,
) -> Iterator[Path]:
    """A database of this size with so many segments (or those `chosen`), which may be written to.

    It is a copy; one of several gigabytes is used where it lies, and keeps what is written. `after_stop`: with the
    snapshot of a clean stop, so that a server of it is there in a moment.
    """
    path = seeded(cache, users, events)
    if path.stat().st_size > LARGE:
        print(f"{path} is used where it lies, and keeps what is written", file=sys.stderr, flush=True)
        define(path, segments, chosen)
        if after_stop and not Path(f"{path}.snapshot").exists():
            with serving(path, clock=CLOCK):
                pass
        yield path
        return
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        copy = Path(folder, "bench.db")
        if after_stop:
            source = stopped(cache, users, events, segments, chosen)
            shutil.copyfile(source, copy)
            shutil.copytree(f"{source}.snapshot", f"{copy}.snapshot")
        else:
            shutil.copyfile(path, copy)
            define(copy, segments, chosen)
        yield copy


def first_users(size: int, step: int = 1) -> list[str]:
    """Ids of users of any seeded database that has as many."""
    return [f"u{number:07d}" for number in islice(range(0, size * step, step), size)]


def main() -> None:
    sizes = size_options({"users": 200, "events": 2_000}, users=100_000, events=1_000_000)
    start, existed = time.monotonic(), (sizes.cache / f"shop-{sizes.users}-{sizes.events}.db").exists()
    path = seeded(sizes.cache, sizes.users, sizes.events)
    seconds = time.monotonic() - start
    made = {"path": str(path), "bytes": path.stat().st_size, "made": not existed, "seconds": round(seconds, 1)}
    print(json.dumps(made))


if __name__ == "__main__":
    main()
