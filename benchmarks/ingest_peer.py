"""What an ingest wrote, table by table, and the same rows written by sqlite3's executemany."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from segmentd.storage.driver import sqlite

Rows = dict[str, list[tuple[Any, ...]]]
"""The rows of each table, in order of their keys."""
KEYS: Final = {
    "revisions": "revision",
    "events": "event_key",
    "transitions": "revision",
    "switches": "revision",
    "log_sizes": "revision",
    "user_marks": "instant",
}
"""The tables to which an ingest adds rows, and what tells the new ones; it counts in `event_names` as well."""
_COUNT: Final = "UPDATE event_names SET events = events + ? WHERE name_id = ?"
_NAME: Final = 2
"""Where a row of `events` has the number of its name."""
PRAGMAS: Final = ("journal_mode = WAL", "synchronous = FULL", "cache_size = -131072", "wal_autocheckpoint = 16384")
"""As segmentd has them, those apart that protect what it stores."""


class Follower:
    """Tells what was written to a database of segmentd since it was asked last.

    It reads by the library that segmentd uses: two copies of SQLite in one process drop each other's locks.
    """

    def __init__(self, path: Path) -> None:
        self._connection = sqlite.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        self._last = {table: self._newest(table, key) for table, key in KEYS.items()}

    def news(self) -> Rows:
        """The rows that were added to each table."""
        found: Rows = {}
        for table, key in KEYS.items():
            sql = f"SELECT * FROM {table} WHERE {key} > ? ORDER BY 1, 2"  # noqa: S608  (names from above)
            found[table] = self._connection.execute(sql, (self._last[table],)).fetchall()
            self._last[table] = self._newest(table, key)
        return found

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _newest(self, table: str, key: str) -> int:
        sql = f"SELECT coalesce(max({key}), -1) FROM {table}"  # noqa: S608  (names from above)
        return int(self._connection.execute(sql).fetchone()[0])


class Peer:
    """A database with the tables and indexes of segmentd, by the standard module."""

    def __init__(self, path: Path) -> None:
        """`path` is a database of segmentd that nobody else has open."""
        self._connection = sqlite3.connect(path, isolation_level=None)
        for pragma in PRAGMAS:
            self._connection.execute(f"PRAGMA {pragma}").fetchall()

    def seconds(self, rows: Rows, batch: int) -> list[float]:
        """Writes the rows, so many events and their share of the rest in each transaction: the seconds of each."""
        taken = []
        for part in _parts(rows, batch):
            counts = [(number, name) for name, number in Counter(row[_NAME] for row in part["events"]).items()]
            start = time.perf_counter()
            self._connection.execute("BEGIN IMMEDIATE")
            for table, some in part.items():
                if some:
                    self._connection.executemany(_insert(table, len(some[0])), some)
            self._connection.executemany(_COUNT, counts)
            self._connection.execute("COMMIT")
            taken.append(time.perf_counter() - start)
        return taken

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()


def only_events(rows: Rows) -> Rows:
    """The events alone, without what follows from them."""
    return {"events": rows["events"]}


def _parts(rows: Rows, batch: int) -> Iterator[Rows]:
    parts = -(-len(rows["events"]) // batch)
    for part in range(parts):
        yield {table: all_[len(all_) * part // parts : len(all_) * (part + 1) // parts] for table, all_ in rows.items()}


def _insert(table: str, columns: int) -> str:
    return f"INSERT INTO {table} VALUES ({', '.join('?' * columns)})"  # noqa: S608  (names from above)
