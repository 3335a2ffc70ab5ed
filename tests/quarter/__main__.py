"""python -m tests.quarter --users 100000 lives through a simulated quarter and compares every step with the oracle."""

from __future__ import annotations

import argparse
import asyncio
import resource
import tempfile
import time
from pathlib import Path

from tests.quarter.ledger import Why
from tests.quarter.simulation import Quarter, Size, Tally

from segmentd.times import DAY, Micros, format_instant


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.quarter", description=__doc__)
    parser.add_argument("--users", type=int, default=100_000, help="how many customers (default %(default)s)")
    parser.add_argument("--activity", type=float, default=0.2, help="scales how often they come (default %(default)s)")
    parser.add_argument("--longest", type=float, default=8.0, help="the longest step in days (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="another quarter of the same kind")
    given = parser.parse_args()
    size = Size(given.users, given.activity, Micros(int(given.longest * DAY)), given.seed)
    with tempfile.TemporaryDirectory(prefix="segmentd-quarter-") as folder:
        asyncio.run(live(Path(folder), size))


async def live(folder: Path, size: Size) -> None:
    """The whole of it, step by step on the screen."""
    began = time.perf_counter()

    def told(clock: Micros, tally: Tally) -> None:
        sums = tally.moves.sum(axis=(0, 1))
        moves = " ".join(f"{why.name.lower()} {sums[why]:,}" for why in Why)
        minutes, memory = (time.perf_counter() - began) / 60, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(
            f"{format_instant(clock)}: step {tally.steps}, {tally.commits} commits, {tally.events:,} events, "
            f"{tally.duplicates:,} duplicates, {tally.changes:,} profiles, {tally.restarts} restarts, "
            f"{tally.refits} refits, moves: {moves}, {tally.memberships:,} memberships compared, "
            f"{minutes:.1f} min, {memory:.1f} GB",
            flush=True,
        )

    quarter = Quarter(folder / "quarter.db", size)
    try:
        await quarter.begin()
        told(Micros(quarter.driven.present), quarter.tally)
        await quarter.run(told)
    finally:
        quarter.driven.close()
    print("every step as the oracle says")


if __name__ == "__main__":
    main()
