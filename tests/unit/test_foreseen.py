"""What is foreseen takes the place of what has passed, as long as it holds, and of nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from segmentd.population.foreseen import Foreseen

HORIZON, UNTIL = 100, 200


def foreseen(until: int) -> Foreseen:
    """Of the second of three rows."""
    return Foreseen(np.array([0, 7, 0, 0, until, 0], dtype=np.uint64), 3)


def laid_over(beside: Foreseen, at: int, horizon: int = HORIZON) -> tuple[list[int], list[int]]:
    """Words and horizons of the three rows, all with the word 5 and one horizon."""
    words, horizons = np.full((3, 1), 5, dtype=np.uint64), np.full(3, horizon, dtype=np.int64)
    beside.lay_over(np.arange(3), words, horizons, at)
    return words[:, 0].tolist(), horizons.tolist()


@pytest.mark.parametrize("at", [HORIZON, UNTIL - 1])
def test_from_the_horizon_on_it_is_the_answer(at: int) -> None:
    assert laid_over(foreseen(UNTIL), at) == ([5, 7, 5], [HORIZON, UNTIL, HORIZON])
    assert foreseen(UNTIL).of(1, 0, at) == (7, UNTIL)


@pytest.mark.parametrize("at", [HORIZON - 1, UNTIL])
def test_before_the_horizon_and_when_it_holds_no_more_it_is_not(at: int) -> None:
    assert laid_over(foreseen(UNTIL), at) == ([5, 5, 5], [HORIZON] * 3)


@pytest.mark.parametrize("at", [-50, -1])
def test_where_nothing_is_foreseen_before_1970_nothing_is_the_answer(at: int) -> None:
    assert laid_over(foreseen(0), at, horizon=-60) == ([5, 5, 5], [-60] * 3)
    assert foreseen(0).of(1, 0, at) is None
