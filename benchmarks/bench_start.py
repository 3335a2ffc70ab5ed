"""A start with everything in place, beside reading the same rows with SELECT alone; each in a fresh process."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from figures import medians, show, size_options
from seeded_rules import rules
from seeding import CLOCK, NOW, working_copy
from server_process import serving

from segmentd.plugins.host import load_plugins
from segmentd.service.service import Service
from segmentd.service.value_types import Currencies
from segmentd.storage.driver import sqlite
from segmentd.times import FrozenClock

PEER = "SELECT of the same rows, by pysqlite3"
BATCH = 20_000
USERS = "SELECT user_key, user_id FROM users"
PROFILES = "SELECT user_key, attributes, derived FROM profiles"
# Most events are of these names: a scan of the table is quicker than its index.
EVENTS = """
SELECT user_key, name_id, time, properties FROM events NOT INDEXED
WHERE name_id IN (SELECT name_id FROM event_names WHERE name IN (SELECT value FROM json_each(?)))
"""


def event_names(segments: int) -> list[str]:
    """Of the events that some rule reads."""
    found = {rule["behavioral"]["event"] for rule in rules(segments).values() if "behavioral" in rule}
    return sorted(found)


def read_all(path: str, segments: int) -> float:
    """Seconds to read every user and profile and the events that some rule reads, and to drop them."""
    start = time.perf_counter()
    connection = sqlite.connect(path, isolation_level=None)
    for query, parameters in ((USERS, ()), (PROFILES, ()), (EVENTS, (json.dumps(event_names(segments)),))):
        cursor = connection.execute(query, parameters)
        while cursor.fetchmany(BATCH):
            pass
    connection.close()
    return time.perf_counter() - start


def open_and_close(path: str) -> float:
    """Seconds until the service could answer."""
    plugins = load_plugins()
    start = time.perf_counter()
    service = Service.open(path, plugins, FrozenClock(NOW), Currencies())
    taken = time.perf_counter() - start
    service.close()
    return taken


def in_fresh_process(what: str, path: Path, segments: int) -> float:
    command = [sys.executable, __file__, "--in-process", what, str(path), str(segments)]
    told = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603  (nothing from outside)
    return float(told.stdout)


def without_snapshot(path: Path, segments: int) -> float:
    """A start from the tables alone: the snapshot beside them is taken away before."""
    shutil.rmtree(f"{path}.snapshot", ignore_errors=True)
    return in_fresh_process("open", path, segments)


def command_start(path: Path) -> float:
    """Seconds from the command to its first line; what it notes at its stop is there for the next start."""
    with serving(path, clock=CLOCK) as server:
        return server.start_seconds


def main() -> None:
    if sys.argv[1:2] == ["--in-process"]:
        what, path, segments = sys.argv[2:]
        print(open_and_close(path) if what == "open" else read_all(path, int(segments)))
        return
    sizes = size_options(
        {"users": 200, "events": 2_000, "segments": 5, "rounds": 1},
        users=20_000,
        events=200_000,
        segments=100,
        rounds=3,
    )
    told = {name: getattr(sizes, name) for name in ("users", "events", "segments")}
    with working_copy(sizes.cache, sizes.users, sizes.events, sizes.segments) as database:
        in_fresh_process("open", database, sizes.segments)  # warm, and what a stop leaves behind is there
        again, select, command = medians(
            sizes.rounds,
            partial(in_fresh_process, "open", database, sizes.segments),
            partial(in_fresh_process, "select", database, sizes.segments),
            partial(command_start, database),
        )
        (tables,) = medians(1 if sizes.smoke else 2, partial(without_snapshot, database, sizes.segments))
        show("start: after a clean stop", again, "s", PEER, select, **told)
        show("start: from the tables alone", tables, "s", PEER, select, **told)
        show("start: from the command to the first answer", command, "s", PEER, select, **told)


if __name__ == "__main__":
    main()
