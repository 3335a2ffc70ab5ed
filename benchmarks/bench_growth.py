"""How cost grows with users, beside linear growth; and with segments and with events, beside the fewest of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import NamedTuple

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
ASKED = 64
"""Segments in a batch."""
FLAT = {
    "check: calls per CPU-second",
    f"batch: seconds of 1,000 users x {ASKED}",
    "ingest: CPU-seconds of 1,000 events",
}
"""These ought not to grow with the users."""
Figure = tuple[str, float, str]


class Data(NamedTuple):
    """What a server is measured with."""

    users: int
    events: int
    segments: int


def checks(server: ServerProcess, users: int, segments: int, rounds: int) -> Iterator[Figure]:
    """By h2load for a second at a time, about another user each time: a machine is not as quick in every second."""
    program = needs("h2load", PACKAGE)
    if program is None:
        return
    following, rates = cycle(drawn_checks(users, segments, 1_000)), []
    for _ in range(10 * rounds + 1):
        before = server.worker_cpu_seconds()
        calls = answered(program, server.address, next(following), Load(1))
        rates.append(calls / (server.worker_cpu_seconds() - before))
    yield "check: calls per CPU-second", median(rates[1:]), "calls/CPU-s"


def batches(client: Client, users: int, segments: int, rounds: int) -> Iterator[Figure]:
    names = list(rules(segments))[:ASKED]
    step = max(1, users // 1_000)
    ids = first_users(min(users, 1_000), step)
    taken = []
    for _ in range(10 * rounds):
        start = time.perf_counter()
        client.check_batch(ids, names)
        taken.append(time.perf_counter() - start)
    yield f"batch: seconds of 1,000 users x {ASKED}", median(taken), "s"


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


def figures_of(data: Data, seconds: int, rounds: int, cache: Path) -> Iterator[Figure]:
    """All figures at one size."""
    users, events, segments = data
    with (
        working_copy(cache, users, events, segments, after_stop=True) as database,
        serving(database, workers=1, clock=CLOCK) as server,
        Client(server.address, timeout=3_600) as client,
    ):
        yield "start: from the command to the first answer", server.start_seconds, "s"
        yield "memory: resident in the engine", server.resident_mib(), "MiB"
        yield from checks(server, users, segments, rounds)
        if segments >= ASKED:
            yield from batches(client, users, segments, rounds)
        yield from judging(client, rounds)
        yield from ingest(server, users, seconds)
        yield "memory: peak of the engine", server.peak_mib(), "MiB"


def by_users(every: list[Data], base: int, figures: Callable[[Data], Iterator[Figure]]) -> None:
    """At each number of users, beside linear growth from `base` of them."""
    at_base: dict[str, float] = {}
    for data in sorted(every, key=lambda data: data.users != base):
        for name, value, unit in figures(data):
            factor = 1.0 if name in FLAT else data.users / base
            peer = "the same as" if name in FLAT else f"{factor:g} times that"
            linear = at_base.setdefault(name, value) * factor
            show(f"growth: {name}", value, unit, f"{peer} with {base:,} users", linear, **data._asdict())


def by(what: str, every: list[Data], figures: Callable[[Data], Iterator[Figure]]) -> None:
    """At each number of something, beside the first of these numbers."""
    first: dict[str, tuple[int, float]] = {}
    for data in every:
        for name, value, unit in figures(data):
            number, before = first.setdefault(name, (data._asdict()[what], value))
            show(f"growth by {what}: {name}", value, unit, f"the same, {what}: {number:,}", before, **data._asdict())


def main() -> None:
    sizes = size_options(
        {"largest": 2_000, "smallest": 200, "segments": 64, "most_segments": 80, "most_events_a_user": 20}
        | {"seconds": 1, "rounds": 1},
        smallest=10_000,
        largest=40_000,
        segments=100,
        most_segments=1_000,
        most_events_a_user=100,
        seconds=10,
        rounds=3,
    )
    wanted = sorted({sizes.smallest, sizes.largest, *(s for s in SIZES if sizes.smallest <= s <= sizes.largest)})
    base = max((size for size in wanted if size <= BASE), default=wanted[0])

    def data(users: int = base, events_a_user: int = EVENTS_A_USER, segments: int = sizes.segments) -> Data:
        return Data(users, events_a_user * users, segments)

    figures = partial(figures_of, seconds=sizes.seconds, rounds=sizes.rounds, cache=sizes.cache)
    by("segments", [data(segments=each) for each in (1, sizes.segments, sizes.most_segments)], figures)
    by("events", [data(events_a_user=each) for each in (EVENTS_A_USER, sizes.most_events_a_user)], figures)
    by_users([data(users) for users in wanted], base, figures)


if __name__ == "__main__":
    main()
