"""Latency of CheckMembership at half of saturation amid events, beside a bare server amid as much CPU burnt.

Saturation is what the server answers amid the same events, so half of it leaves room for both.
"""

from __future__ import annotations

import argparse
import time
from contextlib import AbstractContextManager
from functools import partial
from itertools import count
from statistics import median

import numpy as np
from bare_servers import AIO, bare_server, drawn_checks
from beside import beside, burn, write_steadily
from figures import needs, show, size_options
from h2load import PACKAGE, Load, answered
from numpy.typing import NDArray
from open_loop import latencies, milliseconds
from seeding import CLOCK, working_copy
from server_process import ServerProcess, serving
from undisturbed import undisturbed

SETTLE = 1.5
"""Seconds until what runs beside is under way."""
PERCENTILES = (50, 99)
BATCHES = (100, 20)
"""How many events come in a call. Most calls are commits of their own, so small ones cost the engine far more."""
SATURATIONS = 3
"""How often it is measured what the server answers at most; the middle one counts."""
_runs = count(1)


def measured(server: ServerProcess, messages: list[bytes], rate: float, seconds: int) -> NDArray[np.float64]:
    """Milliseconds, one for each of PERCENTILES, and how many calls were refused."""
    time.sleep(SETTLE)
    taken = latencies(server.address, messages, rate, seconds)
    tails = [milliseconds(taken, percentile, 10.0 * seconds) for percentile in PERCENTILES]
    return np.array([*tails, np.count_nonzero(np.isinf(taken))])


class Sides:
    """A server amid events and a bare one amid burnt CPU, asked in turns at one rate."""

    def __init__(self, server: ServerProcess, bare: ServerProcess, sizes: argparse.Namespace, program: str) -> None:
        self._server, self._bare, self._sizes = server, bare, sizes
        self._messages = drawn_checks(sizes.users, sizes.segments, 1_000)
        self._load = partial(answered, program, message=self._messages[0], load=Load(sizes.seconds))
        self._load(bare.address), self._load(server.address)  # warm

    def compare(self, batch: int) -> None:
        """While the events come `batch` in a call."""
        server, bare, sizes = self._server, self._bare, self._sizes
        ours: list[NDArray[np.float64]] = []
        theirs: list[NDArray[np.float64]] = []
        engine_shares: list[float] = []
        with self._events(batch):
            time.sleep(SETTLE)
            rate = median(self._load(server.address) for _ in range(SATURATIONS)) / sizes.seconds / 2

        def amid_events() -> tuple[NDArray[np.float64], float]:
            with self._events(batch):
                before, began = server.cpu_seconds(), time.perf_counter()
                found = measured(server, self._messages, rate, sizes.seconds)
                return found, (server.cpu_seconds() - before) / (time.perf_counter() - began)

        def amid_burning() -> NDArray[np.float64]:
            with beside(burn, min(1.0, engine_shares[-1])):
                return measured(bare, self._messages, rate, sizes.seconds)

        for _ in range(sizes.rounds):
            found, share = undisturbed(amid_events)
            ours.append(found)
            engine_shares.append(share)
            theirs.append(undisturbed(amid_burning))
        told = {name: getattr(sizes, name) for name in ("users", "events", "segments", "workers", "events_per_second")}
        told |= {"calls_per_second": round(rate), "engine_percent_of_core": round(100 * median(engine_shares))}
        told["refused"] = round(sum(float(each[-1]) for each in ours))
        for place, percentile in enumerate(PERCENTILES):
            mine, other = (median(float(each[place]) for each in side) for side in (ours, theirs))
            name = f"check amid events: p{percentile} at half of saturation, {batch} events a call"
            show(name, mine, "ms", f"{AIO}, beside burnt CPU", other, **told)

    def _events(self, batch: int) -> AbstractContextManager[None]:
        sizes, run = self._sizes, time.time_ns() + next(_runs)
        lasting = SETTLE + (SATURATIONS + 1) * sizes.seconds
        return beside(write_steadily, self._server.address, sizes.users, sizes.events_per_second, lasting, run, batch)


def main() -> None:
    sizes = size_options(
        {"users": 200, "events": 2_000, "segments": 5, "seconds": 1, "rounds": 1, "events_per_second": 200},
        users=20_000,
        events=200_000,
        segments=100,
        seconds=4,
        rounds=5,
        workers=1,
        events_per_second=2_000,
    )
    program = needs("h2load", PACKAGE)
    if program is None:
        return
    with (
        working_copy(sizes.cache, sizes.users, sizes.events, sizes.segments, after_stop=True) as database,
        serving(database, workers=sizes.workers, clock=CLOCK) as server,
        bare_server() as bare,
    ):
        sides = Sides(server, bare, sizes, program)
        for batch in BATCHES:
            sides.compare(batch)


if __name__ == "__main__":
    main()
