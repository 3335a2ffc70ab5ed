"""Judging all users at one instant, beside DuckDB and Polars that count the same members in the same columns."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import duckdb
import numpy as np
import polars as pl
from figures import medians, show, size_options
from judged_columns import DAY, EVENT, NOW, as_dataset, as_frames, as_tables, draw

from segmentd.engine.compile import Definition, compile_plan
from segmentd.engine.counting import count_members
from segmentd.engine.judging import Pass
from segmentd.engine.plan import Plan
from segmentd.engine.rule import parse_rule
from segmentd.plugins.host import load_plugins
from segmentd.population.dataset import Dataset

THREADS = (1, 2)
"""Of DuckDB; Polars takes as many as there are cores, the engine those that are idle."""
ATTRIBUTES: dict[str, Any] = {
    "plan": {"in": ["pro", "plus"]},
    "country": {"not_equals": "US"},
    "points": {"at_least": 200},
    "visits": {"between": [10, 90]},
    "newsletter": {"equals": True},
    "seen": {"within_last": "30d"},
}
BEHAVIOR = {"event": EVENT, "within": "7d", "where": {"total": {"at_least": 50}}, "count": {"at_least": 3}}
ATTRIBUTES_QUERY = """
SELECT count(*) FROM users WHERE plan IN ('pro', 'plus') AND country <> 'US' AND points >= 200
AND visits BETWEEN 10 AND 90 AND newsletter AND seen > $since AND seen <= $now
"""
BEHAVIOR_QUERY = """
SELECT count(*) FROM (
    SELECT row FROM events WHERE time > $since AND time <= $now AND total >= 50 GROUP BY row HAVING count(*) >= 3
)
"""
COLUMN = pl.col
POLARS_ATTRIBUTES = (
    COLUMN("plan").is_in(["pro", "plus"])
    & (COLUMN("country") != "US")
    & (COLUMN("points") >= 200)
    & COLUMN("visits").is_between(10, 90)
    & COLUMN("newsletter")
    & (COLUMN("seen") > NOW - 30 * DAY)
    & (COLUMN("seen") <= NOW)
)
POLARS_EVENTS = (COLUMN("time") > NOW - 7 * DAY) & (COLUMN("time") <= NOW) & (COLUMN("total") >= 50)
Side = tuple[str, Callable[[], int]]
"""What a peer is called, and how it counts."""


def plan_of(rule: dict[str, Any]) -> Plan:
    node = parse_rule(rule, load_plugins().segment_types)
    return compile_plan(Definition("(rule)", 0, 0, node, frozenset(), frozenset()), 0, {}, lambda _: None)


def members(dataset: Dataset, plan: Plan) -> int:
    """Count the members, by the function that `segmentd count` calls."""

    def pass_over(start: int, stop: int) -> Pass:
        users = dataset.span(start, stop, NOW)
        return Pass(users, users.at, only_members=True)

    return count_members(plan, len(dataset), pass_over)


def counted(tables: duckdb.DuckDBPyConnection, query: str, days: int) -> int:
    row = tables.execute(query, {"now": NOW, "since": NOW - days * DAY}).fetchone()
    return int(row[0]) if row else 0


def with_attributes(users: pl.DataFrame) -> int:
    return int(users.lazy().filter(POLARS_ATTRIBUTES).select(pl.len()).collect().item())


def with_events(events: pl.DataFrame) -> int:
    grouped = events.lazy().filter(POLARS_EVENTS).group_by("row").agg(pl.len().alias("events"))
    return int(grouped.filter(COLUMN("events") >= 3).select(pl.len()).collect().item())


def milliseconds(run: Callable[[], int], expected: int) -> float:
    """How long one run takes. Ends the benchmark where it finds others than `expected` members."""
    start = time.perf_counter()
    found = run()
    taken = (time.perf_counter() - start) * 1e3
    if found != expected:
        raise SystemExit(f"the engine finds {expected} members, a peer {found}")
    return taken


def compare(name: str, rounds: int, ours: Callable[[], int], peers: list[Side], told: dict[str, int]) -> None:
    """One figure for each peer, and one for the quickest."""
    expected = ours()
    runs = (ours, *(run for _, run in peers))
    for run in runs:
        milliseconds(run, expected)  # warm
    taken, *others = medians(rounds, *(partial(milliseconds, run, expected) for run in runs))
    for (peer, _), other in zip(peers, others, strict=True):
        show(f"judge: {name}", taken, "ms", peer, other, **told)
    show(f"judge: {name}, the quickest", taken, "ms", peers[int(np.argmin(others))][0], min(others), **told)


def main() -> None:
    sizes = size_options({"users": 500, "events": 5_000, "rounds": 1}, users=200_000, events=2_000_000, rounds=15)
    told = {"users": sizes.users, "events": sizes.events}
    drawn = draw(sizes.users, sizes.events)
    dataset, (users, events) = as_dataset(drawn), as_frames(drawn)
    tables = [(f"DuckDB in memory, threads: {threads}", as_tables(drawn, threads)) for threads in THREADS]
    polars = f"Polars, threads: {pl.thread_pool_size()}"
    peers = [(name, partial(counted, each, ATTRIBUTES_QUERY, 30)) for name, each in tables]
    peers.append((polars, partial(with_attributes, users)))
    ours = partial(members, dataset, plan_of({"attribute": ATTRIBUTES}))
    compare("6 attribute conditions", sizes.rounds, ours, peers, told)
    peers = [(name, partial(counted, each, BEHAVIOR_QUERY, 7)) for name, each in tables]
    peers.append((polars, partial(with_events, events)))
    ours = partial(members, dataset, plan_of({"behavioral": BEHAVIOR}))
    compare("3 filtered events in 7 days", sizes.rounds, ours, peers, told)


if __name__ == "__main__":
    main()
