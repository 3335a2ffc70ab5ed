"""Numbered migrations: each runs once, in order, in a transaction together with the row that records it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlite_utils import Database

from segmentd.errors import StorageFailed
from segmentd.storage.driver import sqlite


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema; the first is number 1 and numbers have no gaps."""

    number: int
    name: str
    apply: Callable[[Database], None]


def migrate(connection: sqlite.Connection, steps: Sequence[Migration]) -> None:
    """Bring the database up to the last step; a step that fails leaves it at the one before.

    Raises StorageFailed when a newer segmentd wrote the database, or a step fails.
    """
    database = Database(connection, recursive_triggers=False, execute_plugins=False)
    done = _version(database)
    if done > len(steps):
        raise StorageFailed(
            f"the database is of a newer segmentd (schema {done}, this one knows {len(steps)}); upgrade segmentd",
            {"schema": str(done), "known": str(len(steps))},
        )
    for step in steps[done:]:
        _apply(database, step)


def _version(database: Database) -> int:
    try:
        if "migrations" not in database.table_names():
            return 0
        return int(database.execute("SELECT coalesce(max(number), 0) FROM migrations").fetchone()[0])
    except sqlite.Error as error:
        raise StorageFailed(f"the database cannot be read: {error}") from error


def _apply(database: Database, step: Migration) -> None:
    try:
        with database.atomic():
            if step.number == 1:
                columns = {"number": int, "name": str}
                database.table("migrations").create(columns, pk="number", not_null=["name"], strict=True)
            step.apply(database)
            database.execute("INSERT INTO migrations (number, name) VALUES (?, ?)", (step.number, step.name))
    except sqlite.Error as error:
        raise StorageFailed(f"migration {step.number} ({step.name}) failed: {error}") from error
