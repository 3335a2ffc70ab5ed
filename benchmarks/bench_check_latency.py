"""Latency of CheckMembership at half of saturation amid events, beside a bare server amid as much CPU burnt."""

from __future__ import annotations

import time
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

SETTLE = 1.5
"""Seconds until what runs beside is under way."""
PERCENTILES = (50, 99)
_runs = count(1)


def measured(server: ServerProcess, messages: list[bytes], rate: float, seconds: int) -> NDArray[np.float64]:
    """Milliseconds, one for each of PERCENTILES, and how many calls were refused."""
    time.sleep(SETTLE)
    taken = latencies(server.address, messages, rate, seconds)
    tails = [milliseconds(taken, percentile, 10.0 * seconds) for percentile in PERCENTILES]
    return np.array([*tails, np.count_nonzero(np.isinf(taken))])


def main() -> None:
    sizes = size_options(
        {"users": 200, "events": 2_000, "segments": 5, "seconds": 1, "rounds": 1, "events_per_second": 200},
        users=20_000,
        events=200_000,
        segments=100,
        seconds=4,
        rounds=3,
        workers=1,
        events_per_second=2_000,
    )
    program = needs("h2load", PACKAGE)
    if program is None:
        return
    messages = drawn_checks(sizes.users, sizes.segments, 1_000)
    ours: list[NDArray[np.float64]] = []
    theirs: list[NDArray[np.float64]] = []
    engine_shares: list[float] = []
    with (
        working_copy(sizes.cache, sizes.users, sizes.events, sizes.segments, after_stop=True) as database,
        serving(database, workers=sizes.workers, clock=CLOCK) as server,
        bare_server() as bare,
    ):
        load = partial(answered, program, message=messages[0], load=Load(sizes.seconds))
        load(bare.address), load(server.address)  # warm
        rate = load(server.address) / sizes.seconds / 2
        for _ in range(sizes.rounds):
            lasting = SETTLE + 2 * sizes.seconds
            writing = (server.address, sizes.users, sizes.events_per_second, lasting, time.time_ns() + next(_runs))
            with beside(write_steadily, *writing):
                before, began = server.cpu_seconds(), time.perf_counter()
                ours.append(measured(server, messages, rate, sizes.seconds))
                engine_shares.append((server.cpu_seconds() - before) / (time.perf_counter() - began))
            with beside(burn, min(1.0, engine_shares[-1])):
                theirs.append(measured(bare, messages, rate, sizes.seconds))
    told = {name: getattr(sizes, name) for name in ("users", "events", "segments", "workers", "events_per_second")}
    told |= {"calls_per_second": round(rate), "engine_percent_of_core": round(100 * median(engine_shares))}
    told["refused"] = round(sum(float(each[-1]) for each in ours))
    for place, percentile in enumerate(PERCENTILES):
        mine, other = (median(float(each[place]) for each in side) for side in (ours, theirs))
        show(
            f"check amid events: p{percentile} at half of saturation",
            mine,
            "ms",
            f"{AIO}, beside burnt CPU",
            other,
            **told,
        )


if __name__ == "__main__":
    main()
