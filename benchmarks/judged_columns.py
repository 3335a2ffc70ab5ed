"""The columns that bench_judge draws with NumPy: as a dataset of the engine, as tables of DuckDB, frames of Polars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import duckdb
import numpy as np
import polars as pl
from numpy.typing import NDArray

from segmentd.population.dataset import Dataset
from segmentd.population.kinds import Kind
from segmentd.times import parse_instant

EVENT: Final = "Order Completed"
NOW: Final = parse_instant("2026-11-21T12:00:00Z")
DAY: Final = 86_400 * 1_000_000
PLANS: Final = ("free", "plus", "pro", "team")
COUNTRIES: Final = ("DE", "AT", "CH", "FR", "GB", "NL", "PL", "US")
KINDS: Final = {
    "plan": Kind.TEXT,
    "country": Kind.TEXT,
    "points": Kind.NUMBER,
    "visits": Kind.NUMBER,
    "newsletter": Kind.FLAG,
    "seen": Kind.INSTANT,
}
Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Drawn:
    """`users` has a column of length n for each of KINDS; `events` has `row` (sorted), `time` and `total`."""

    users: Columns
    events: Columns


def draw(users: int, events: int) -> Drawn:
    """Every value is present; events lie in the last 30 days, by user and time."""
    rng = np.random.default_rng(7)
    attributes: Columns = {
        "plan": rng.choice(np.array(PLANS, dtype=object), users),
        "country": rng.choice(np.array(COUNTRIES, dtype=object), users),
        "points": rng.integers(0, 1_000, users).astype(np.float64),
        "visits": rng.integers(0, 100, users).astype(np.float64),
        "newsletter": rng.random(users) < 0.5,
        "seen": NOW - rng.integers(0, 90 * DAY, users),
    }
    row, time = rng.integers(0, users, events), NOW - rng.integers(0, 30 * DAY, events)
    order = np.lexsort((time, row))
    total = rng.integers(1, 200, events).astype(np.float64)
    return Drawn(attributes, {"row": row[order], "time": time[order], "total": total})


def as_dataset(drawn: Drawn) -> Dataset:
    """The columns as the engine holds them after a start."""
    dataset = Dataset()
    for row in range(len(drawn.users["plan"])):
        dataset.add_user(f"u{row}")
    for name, values in drawn.users.items():
        column = dataset.column(name, KINDS[name])
        column.put(slice(0, len(values)), column.codes(values.tolist()))
    table = dataset.new_table({"total": Kind.NUMBER})
    table.load(drawn.events["row"], drawn.events["time"])
    table.put("total", drawn.events["total"])
    dataset.tables[EVENT] = table
    return dataset


def as_tables(drawn: Drawn, threads: int) -> duckdb.DuckDBPyConnection:
    """The tables `users` and `events` in memory; text is an ENUM, which is codes too."""
    connection = duckdb.connect(":memory:", config={"threads": threads})
    for name, texts in (("plan", PLANS), ("country", COUNTRIES)):
        connection.execute(f"CREATE TYPE {name}_text AS ENUM {texts}")
    connection.register("drawn_users", drawn.users)
    connection.register("drawn_events", drawn.events)
    connection.execute(
        "CREATE TABLE users AS SELECT plan::plan_text AS plan, country::country_text AS country,"
        " points, visits, newsletter, seen FROM drawn_users"
    )
    connection.execute("CREATE TABLE events AS SELECT * FROM drawn_events")
    return connection


def as_frames(drawn: Drawn) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(users, events) of Polars; text is an Enum, which is codes too."""
    users = pl.DataFrame(
        {
            name: pl.Series(name, values, dtype=pl.Enum(PLANS if name == "plan" else COUNTRIES))
            if KINDS[name] is Kind.TEXT
            else values
            for name, values in drawn.users.items()
        }
    )
    return users, pl.DataFrame(drawn.events)
