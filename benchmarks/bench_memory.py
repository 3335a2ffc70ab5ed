"""Memory of the engine per user and per event, beside the raw bytes of the same values, bits and horizons in NumPy.

What is resident is compared between servers that hold more and more: ids alone, then attributes and segments, then
events. So the ids and their index are apart, and so is what any server takes.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
from figures import show, size_options
from seeded_rules import rules
from seeding import CLOCK, define, seeded
from server_process import serving

MIB = 2**20
PEER = "raw bytes in NumPy"
WORD = 8
_INSTANT_OR_NUMBER = 8
_CODE = 4
_DATES = {"birthday"}
_INSTANTS = {"createdAt"}
_BATCH = 50_000
_OF_AN_ID = 2 * WORD
"""The ids alone have a horizon and a first word of bits each, which are not theirs."""


def raw_user_bytes(path: Path, users: int, segments: int) -> float:
    """Bytes a user: each attribute's column in full (8 bytes a number or instant, 4 a code or date, 1 a flag, tags
    with their offsets), each distinct text once, the bits of the segments in words, and a horizon.
    """
    widths: dict[str, int] = {}
    texts: dict[str, set[str]] = {}
    tags = 0
    with closing(sqlite3.connect(path)) as connection:
        cursor = connection.execute("SELECT attributes FROM profiles")
        while batch := cursor.fetchmany(_BATCH):
            for (profile,) in batch:
                for name, value in orjson.loads(profile).items():
                    widths.setdefault(name, _width(name, value))
                    if isinstance(value, list):
                        tags += len(value)
                    elif isinstance(value, str) and name not in _DATES | _INSTANTS:
                        texts.setdefault(name, set()).add(value)
    distinct = sum(len(text.encode()) for found in texts.values() for text in found)
    bits = WORD * -(-segments // 64)
    return sum(widths.values()) + (tags * _CODE + distinct) / users + bits + WORD


def _width(name: str, value: Any) -> int:
    if isinstance(value, bool):
        return 1
    if isinstance(value, int | float) or name in _INSTANTS:
        return _INSTANT_OR_NUMBER
    return _CODE


def raw_event_bytes(path: Path, chosen: dict[str, Any]) -> tuple[int, float]:
    """(events that some rule reads, bytes of each): a row number, a time, and the properties that rules read."""
    wanted: dict[str, set[str]] = {}
    for rule in chosen.values():
        body = rule.get("behavioral")
        if body is not None:
            names = wanted.setdefault(body["event"], set())
            names |= set(body.get("where", {}))
            names |= {body["sum"]["property"]} if "sum" in body else set()
    with closing(sqlite3.connect(path)) as connection:
        counts = dict(connection.execute("SELECT name, events FROM event_names").fetchall())
    total = sum(counts[name] for name in wanted)
    columns = sum(counts[name] * sum(map(_property_width, properties)) for name, properties in wanted.items())
    return total, _CODE + _INSTANT_OR_NUMBER + columns / total


def _property_width(name: str) -> int:
    return _CODE if name == "category" else _INSTANT_OR_NUMBER


def resident(path: Path) -> float:
    """MiB of a server that has started from what a clean stop left behind."""
    with serving(path, clock=CLOCK):
        pass
    with serving(path, clock=CLOCK) as server:
        return server.resident_mib()


def without_attributes(path: Path) -> None:
    """Profiles and events away: the ids are left."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE profiles SET attributes = '{}', times = '{}'")
        connection.execute("DELETE FROM events")
        connection.execute("UPDATE event_names SET events = 0")
        connection.commit()


def without_events(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM events")
        connection.execute("UPDATE event_names SET events = 0")
        connection.commit()


def main() -> None:
    sizes = size_options({"users": 2_000, "events": 20_000, "segments": 5}, users=20_000, events=200_000, segments=100)
    told = {name: getattr(sizes, name) for name in ("users", "events", "segments")}
    source, chosen = seeded(sizes.cache, sizes.users, sizes.events), rules(sizes.segments)
    found: dict[str, float] = {}
    for what, change, segments in (
        ("ids", without_attributes, 0),
        ("users", without_events, sizes.segments),
        ("events", None, sizes.segments),
    ):
        with tempfile.TemporaryDirectory(dir=sizes.cache) as folder:
            path = Path(folder, "bench.db")
            shutil.copyfile(source, path)
            if change is not None:
                change(path)
            define(path, segments)
            found[what] = resident(path)
    raw_user = raw_user_bytes(source, sizes.users, sizes.segments)
    events, raw_event = raw_event_bytes(source, chosen)
    of_user = (found["users"] - found["ids"]) * MIB / sizes.users + _OF_AN_ID
    of_event = (found["events"] - found["users"]) * MIB / events
    show("memory: a user's attributes, bits and horizon", of_user, "bytes", PEER, raw_user, **told)
    show("memory: an event that some rule reads", of_event, "bytes", PEER, raw_event, **told)
    everything = (raw_user * sizes.users + raw_event * events) / MIB
    show("memory: all that the server holds, ids and code too", found["events"], "MiB", PEER, everything, **told)


if __name__ == "__main__":
    main()
