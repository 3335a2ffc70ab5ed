"""A quarter of a small shop; `python -m tests.quarter --users 100000` lives through a large one."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.quarter.ledger import Why
from tests.quarter.simulation import Quarter, Size, Tally

from segmentd.times import DAY, Micros


def test_every_step_of_a_quarter_is_as_judged_from_scratch(tmp_path: Path) -> None:
    """Members, and moves with their users, times and causes."""

    async def live() -> Tally:
        quarter = Quarter(tmp_path / "quarter.db", Size(1_500, activity=0.5, longest=Micros(20 * DAY)))
        try:
            await quarter.begin()
            await quarter.run(lambda clock, tally: None)
        finally:
            quarter.driven.close()
        return quarter.tally

    tally = asyncio.run(live())
    assert tally.restarts
    assert tally.refits
    assert tally.duplicates
    moved = tally.moves.sum(axis=(0, 1))
    assert moved[Why.TIME] > 10_000
    assert moved[Why.WRITTEN] > 4_000
    assert (tally.moves.sum(axis=(1, 2)) > 0).all()
