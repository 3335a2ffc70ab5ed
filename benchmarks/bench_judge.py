"""Judging all users at one instant, beside DuckDB counting the same members from the same columns in memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import duckdb
import numpy as np
from figures import medians, show, size_options
from judged_columns import DAY, EVENT, NOW, as_dataset, as_tables, draw

from segmentd.engine.compile import Definition, compile_plan
from segmentd.engine.judging import Pass
from segmentd.engine.plan import Plan
from segmentd.engine.rule import parse_rule
from segmentd.plugins.host import load_plugins
from segmentd.population.dataset import Dataset

ROUNDS = 15
THREADS = (1, 2)
"""Of DuckDB; the engine judges on one."""
CHUNK = 65_536
"""Rows of a pass, as `segmentd count` takes them."""
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


def plan_of(rule: dict[str, Any]) -> Plan:
    node = parse_rule(rule, load_plugins().segment_types)
    return compile_plan(Definition("(rule)", 0, 0, node, frozenset(), frozenset()), 0, {}, lambda _: None)


def members(dataset: Dataset, plan: Plan) -> int:
    """Judge everybody: who is a member, and until when."""
    found = 0
    for start in range(0, len(dataset), CHUNK):
        users = dataset.span(start, min(start + CHUNK, len(dataset)), NOW)
        found += int(np.count_nonzero(Pass(users, users.at).verdict(plan).member))
    return found


def counted(tables: duckdb.DuckDBPyConnection, query: str, days: int) -> int:
    row = tables.execute(query, {"now": NOW, "since": NOW - days * DAY}).fetchone()
    return int(row[0]) if row else 0


def milliseconds(run: Callable[[], int], expected: int) -> float:
    """How long one run takes. Ends the benchmark where it finds others than `expected` members."""
    start = time.perf_counter()
    found = run()
    taken = (time.perf_counter() - start) * 1e3
    if found != expected:
        raise SystemExit(f"the engine finds {expected} members, DuckDB {found}")
    return taken


def compare(name: str, ours: Callable[[], int], peers: list[Callable[[], int]]) -> None:
    expected = ours()
    for run in (ours, *peers):
        milliseconds(run, expected)  # warm
    taken, *others = medians(ROUNDS, *(partial(milliseconds, run, expected) for run in (ours, *peers)))
    for threads, other in zip(THREADS, others, strict=True):
        show(f"judge: {name}", taken, "ms", f"DuckDB in memory, threads: {threads}", other)


def main() -> None:
    sizes = size_options(users=200_000, events=2_000_000)
    drawn = draw(sizes.users, sizes.events)
    dataset, tables = as_dataset(drawn), [as_tables(drawn, threads) for threads in THREADS]
    attributes = partial(members, dataset, plan_of({"attribute": ATTRIBUTES}))
    compare("6 attribute conditions", attributes, [partial(counted, each, ATTRIBUTES_QUERY, 30) for each in tables])
    behavior = partial(members, dataset, plan_of({"behavioral": BEHAVIOR}))
    compare("3 filtered events in 7 days", behavior, [partial(counted, each, BEHAVIOR_QUERY, 7) for each in tables])


if __name__ == "__main__":
    main()
