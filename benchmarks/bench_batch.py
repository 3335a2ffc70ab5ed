"""BatchCheckMemberships beside Redis: memberships per CPU-second of server and client together."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from figures import medians, needs, show, size_options
from redis_peer import PACKAGE, PEER, RedisPeer, redis_server
from seeded_rules import rules
from seeding import CLOCK, first_users, working_copy
from server_process import ServerProcess, serving

from segmentd.client import Client

USERS_AT_ONCE = 1_000
SEGMENTS_AT_ONCE = (1, 64)


def members_of(client: Client, segments: list[str]) -> dict[str, list[str]]:
    """Who is in each segment, as the server lists them."""
    return {name: [member.user_id for member in client.members(name)] for name in segments}


def per_cpu_second(ask: Callable[[], object], server_cpu: Callable[[], float], asked: int, seconds: float) -> float:
    """Memberships per CPU-second of this process and the server; asks for so many seconds."""
    server, own, end, asking = server_cpu(), time.process_time(), time.monotonic() + seconds, 0
    while time.monotonic() < end:
        ask()
        asking += 1
    return asking * asked / (server_cpu() - server + time.process_time() - own)


def measure(
    client: Client, server: ServerProcess, peer: RedisPeer, batch: tuple[list[str], list[str]], rounds: int
) -> list[float]:
    """Medians of ours and of Redis, after both were seen to answer the same."""
    users, segments = batch
    found, theirs = client.check_batch(users, segments).matrix, peer.members(users, segments)
    if not np.array_equal(found.T, np.array(theirs, dtype=bool)):
        raise SystemExit("segmentd and Redis answer differently")
    asked = len(users) * len(segments)
    seconds = 0.2 if rounds == 1 else 1.5
    return medians(
        rounds,
        partial(
            per_cpu_second,
            lambda: client.check_batch(users, segments).matrix,
            server.worker_cpu_seconds,
            asked,
            seconds,
        ),
        partial(per_cpu_second, lambda: peer.members(users, segments), peer.cpu_seconds, asked, seconds),
    )


def main() -> None:
    sizes = size_options(
        {"users": 1_000, "events": 10_000, "segments": 64, "rounds": 1},
        users=20_000,
        events=200_000,
        segments=100,
        rounds=5,
        workers=1,
    )
    program = needs("redis-server", PACKAGE)
    if program is None:
        return
    draw = random.Random(7)
    users = draw.sample(first_users(sizes.users), USERS_AT_ONCE)
    with (
        working_copy(sizes.cache, sizes.users, sizes.events, sizes.segments) as database,
        serving(database, workers=sizes.workers, clock=CLOCK) as server,
        Client(server.address, timeout=600) as client,
        redis_server(program) as peer,
    ):
        names = list(rules(sizes.segments))
        peer.fill(members_of(client, names[: max(SEGMENTS_AT_ONCE)]))
        for size in SEGMENTS_AT_ONCE:
            mine, other = measure(client, server, peer, (users, names[:size]), sizes.rounds)
            told = {name: getattr(sizes, name) for name in ("users", "events", "segments", "workers")}
            name = f"batch check: {USERS_AT_ONCE:,} users x {size}, per CPU-second of server and client"
            show(name, mine, "memberships/CPU-s", PEER, other, **told)


if __name__ == "__main__":
    main()
