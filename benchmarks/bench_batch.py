"""BatchCheckMemberships beside Redis: memberships per CPU-second of server and client together.

Batches of other users each, some under way at once: on a stream here, in one pipeline there; then each by itself.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from itertools import cycle, islice
from queue import SimpleQueue

import numpy as np
from figures import medians, needs, show, size_options
from numpy.typing import NDArray
from redis_peer import PACKAGE, PEER, RedisPeer, redis_server
from seeded_rules import rules
from seeding import CLOCK, first_users, working_copy
from server_process import ServerProcess, serving

from segmentd.client import Client

USERS_AT_ONCE = 1_000
SEGMENTS_AT_ONCE = (1, 64)
AT_ONCE = 8
"""Batches under way."""
AUDIENCES = 40
Answers = list[NDArray[np.bool_]]
"""One for each batch, (users, segments)."""
Sides = tuple[ServerProcess, RedisPeer, int]
"""Both servers, and how many rounds."""
Ask = Callable[[list[list[str]]], Answers]
"""All that some audiences are asked."""


def members_of(client: Client, segments: list[str]) -> dict[str, list[str]]:
    """Who is in each segment, as the server lists them."""
    return {name: [member.user_id for member in client.members(name)] for name in segments}


class Streamed:
    """One stream for all that is asked; the batches of one question go in one message."""

    def __init__(self, client: Client, segments: list[str]) -> None:
        self._asked: SimpleQueue[list[str] | None] = SimpleQueue()
        batches = ((audience, segments) for audience in iter(self._asked.get, None))
        self._tables = client.stream_batches(batches, at_once=AT_ONCE)

    def __call__(self, audiences: list[list[str]]) -> Answers:
        for audience in audiences:
            self._asked.put(audience)
        return [table.matrix for table in islice(self._tables, len(audiences))]

    def close(self) -> None:
        """End the stream."""
        self._asked.put(None)


def pipelined(peer: RedisPeer, segments: list[str], audiences: list[list[str]]) -> Answers:
    """The same of Redis; its answers are 0 and 1, a list for each segment."""
    answers = peer.members(audiences, segments)
    return [np.array(each, dtype=np.bool_).T for each in answers]


def per_cpu_second(
    ask: Ask, audiences: Iterator[list[str]], at_once: int, server_cpu: Callable[[], float], seconds: float
) -> float:
    """Batches per CPU-second of this process and the server; asks for so many seconds."""
    server, own, end, asked = server_cpu(), time.process_time(), time.monotonic() + seconds, 0
    while time.monotonic() < end:
        asked += len(ask(list(islice(audiences, at_once))))
    return asked / (server_cpu() - server + time.process_time() - own)


def measure(ask: Ask, theirs: Ask, audiences: list[list[str]], at_once: int, sides: Sides) -> list[float]:
    """Medians of ours and of Redis, after both were seen to answer the same."""
    some = audiences[:at_once]
    if not all(map(np.array_equal, ask(some), theirs(some))):
        raise SystemExit("segmentd and Redis answer differently")
    server, peer, rounds = sides
    seconds = 0.2 if rounds == 1 else 1.5
    coming = cycle(audiences)
    return medians(
        rounds,
        partial(per_cpu_second, ask, coming, at_once, server.worker_cpu_seconds, seconds),
        partial(per_cpu_second, theirs, coming, at_once, peer.cpu_seconds, seconds),
    )


def main() -> None:
    sizes = size_options(
        {"users": 1_000, "events": 10_000, "segments": 64, "rounds": 1},
        users=20_000,
        events=200_000,
        segments=100,
        rounds=3,
        workers=1,
    )
    program = needs("redis-server", PACKAGE)
    if program is None:
        return
    draw, ids = random.Random(7), first_users(sizes.users)
    audiences = [draw.sample(ids, USERS_AT_ONCE) for _ in range(AUDIENCES)]
    told = {name: getattr(sizes, name) for name in ("users", "events", "segments", "workers")}
    with (
        working_copy(sizes.cache, sizes.users, sizes.events, sizes.segments, after_stop=True) as database,
        serving(database, workers=sizes.workers, clock=CLOCK) as server,
        Client(server.address, timeout=600) as client,
        redis_server(program) as peer,
    ):
        names = list(rules(sizes.segments))
        peer.fill(members_of(client, names[: max(SEGMENTS_AT_ONCE)]))
        for size in SEGMENTS_AT_ONCE:
            asked = names[:size]
            theirs = partial(pipelined, peer, asked)
            with closing(Streamed(client, asked)) as streamed:
                ways: tuple[tuple[str, Ask, int], ...] = (
                    ("", streamed, AT_ONCE),
                    (", a call each", lambda some, asked=asked: [client.check_batch(some[0], asked).matrix], 1),
                )
                for title, ask, at_once in ways:
                    found = measure(ask, theirs, audiences, at_once, (server, peer, sizes.rounds))
                    mine, other = (rate * USERS_AT_ONCE * size for rate in found)
                    name = f"batch check: {USERS_AT_ONCE:,} users x {size}, per CPU-second of server and client{title}"
                    show(name, mine, "memberships/CPU-s", PEER, other, at_once=at_once, **told)


if __name__ == "__main__":
    main()
