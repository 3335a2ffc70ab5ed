"""How cost grows with users: each figure at every size, beside what linear growth would give."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from statistics import median

from bare_servers import drawn_checks
from beside import BATCH, INGEST, requests_of
from figures import needs, show, size_options
from h2load import PACKAGE, Load, answered
from open_loop import latencies
from seeded_rules import rules
from seeding import CLOCK, first_users, working_copy
from server_process import ServerProcess, serving

from segmentd.client import Client

SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
BASE = 100_000
"""Growth counts from this size, or from the largest below: what any server takes hides the growth of smaller ones."""
EVENTS_A_USER = 10
FLAT = {"check: calls per CPU-second", "batch: seconds of 1,000 users x 64", "ingest: CPU-seconds of 1,000 events"}
"""These ought not to grow with the users."""
Figure = tuple[str, float, str]


def checks(server: ServerProcess, users: int, segments: int, seconds: int, rounds: int) -> Iterator[Figure]:
    """By h2load, about another user each round."""
    program = needs("h2load", PACKAGE)
    if program is None:
        return
    following, rates = cycle(drawn_checks(users, segments, 1_000)), []
    for _ in range(rounds + 1):
        before = server.worker_cpu_seconds()
        calls = answered(program, server.address, next(following), Load(seconds))
        rates.append(calls / (server.worker_cpu_seconds() - before))
    yield "check: calls per CPU-second", median(rates[1:]), "calls/CPU-s"


def batches(client: Client, users: int, segments: int, rounds: int) -> Iterator[Figure]:
    names = list(rules(segments))[:64]
    step = max(1, users // 1_000)
    ids = first_users(min(users, 1_000), step)
    taken = []
    for _ in range(10 * rounds):
        start = time.perf_counter()
        client.check_batch(ids, names)
        taken.append(time.perf_counter() - start)
    yield "batch: seconds of 1,000 users x 64", median(taken), "s"


def judging(client: Client, rounds: int) -> Iterator[Figure]:
    """Judging everybody for a rule of attributes and for one of events."""
    for title, rule in (
        ("attributes", {"attribute": {"plan": {"in": ["plus", "pro"]}, "loyaltyPoints": {"at_least": 100}}}),
        ("events", {"behavioral": {"event": "Product Viewed", "within": "30d", "count": {"at_least": 2}}}),
    ):
        taken = []
        for _ in range(rounds + 1):
            start = time.perf_counter()
            client.count_members(rule)
            taken.append(time.perf_counter() - start)
        yield f"judge: {title}, all users", median(taken[1:]), "s"


def ingest(server: ServerProcess, users: int, seconds: int) -> Iterator[Figure]:
    """CPU of the engine amid 2,000 events a second."""
    rate = 2_000
    bodies = requests_of(users, rate * seconds // BATCH, time.time_ns())
    before = server.cpu_seconds()
    latencies(server.address, bodies, rate / BATCH, seconds, connections=2, path=INGEST)
    written = rate * seconds
    yield "ingest: CPU-seconds of 1,000 events", (server.cpu_seconds() - before) / written * 1_000, "s"


def figures_of(users: int, segments: int, seconds: int, rounds: int, cache: Path) -> Iterator[Figure]:
    """All figures at one size."""
    with (
        working_copy(cache, users, EVENTS_A_USER * users, segments, after_stop=True) as database,
        serving(database, workers=1, clock=CLOCK) as server,
        Client(server.address, timeout=3_600) as client,
    ):
        yield "start: from the command to the first answer", server.start_seconds, "s"
        yield "memory: resident in the engine", server.resident_mib(), "MiB"
        yield from checks(server, users, segments, seconds, rounds)
        yield from batches(client, users, segments, rounds)
        yield from judging(client, rounds)
        yield from ingest(server, users, seconds)
        yield "memory: peak of the engine", server.peak_mib(), "MiB"


def main() -> None:
    sizes = size_options(
        {"largest": 2_000, "smallest": 200, "segments": 64, "seconds": 1, "rounds": 1},
        smallest=10_000,
        largest=40_000,
        segments=100,
        seconds=2,
        rounds=3,
    )
    wanted = sorted({sizes.smallest, sizes.largest, *(s for s in SIZES if sizes.smallest <= s <= sizes.largest)})
    base = max((size for size in wanted if size <= BASE), default=wanted[0])
    at_base: dict[str, float] = {}
    for users in sorted(wanted, key=lambda size: size != base):
        told = {"users": users, "events": EVENTS_A_USER * users, "segments": sizes.segments}
        for name, value, unit in figures_of(users, sizes.segments, sizes.seconds, sizes.rounds, sizes.cache):
            factor = 1.0 if name in FLAT else users / base
            peer = "the same as" if name in FLAT else f"{factor:g} times that"
            linear = at_base.setdefault(name, value) * factor
            show(f"growth: {name}", value, unit, f"{peer} with {base:,} users", linear, **told)


if __name__ == "__main__":
    main()
