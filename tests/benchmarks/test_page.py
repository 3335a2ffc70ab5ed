"""The page of figures: the newest figure of a row counts, and bounds are told apart."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def targets(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The module of the benchmarks, which are scripts beside one another."""
    monkeypatch.syspath_prepend(FOLDER)
    import targets  # type: ignore[import-not-found]

    yield targets
    del sys.modules["targets"]


def line(value: float, users: int, name: str = "start: after a clean stop", **more: Any) -> dict[str, Any]:
    return {"name": name, "value": value, "peer": "SELECT", "peer_value": 1.0, "ratio": value, "users": users, **more}


def test_a_row_is_about_a_million_users_or_the_most_below(targets: Any) -> None:
    row = targets.Target("start", "start: after a clean stop", at_most=2)
    lines = [line(1, 100_000), line(2, 1_000_000), line(3, 10_000_000), line(4, 1_000_000)]
    assert targets.line_of(row, lines)["value"] == 4
    assert targets.line_of(row, lines[:1])["value"] == 1
    assert targets.line_of(row, []) is None


def test_growth_is_about_the_most_users(targets: Any) -> None:
    row = targets.Target("growth", "growth: start", at_most=1.2)
    assert targets.line_of(row, [line(1, 100_000, "growth: start"), line(3, 10_000_000, "growth: start")])["value"] == 3


def test_a_hundred_segments_are_preferred(targets: Any) -> None:
    row = targets.Target("start", "start: after a clean stop", at_most=2)
    lines = [line(1, 1_000_000, segments=100), line(2, 1_000_000, segments=1_000)]
    assert targets.line_of(row, lines)["value"] == 1


@pytest.mark.parametrize(
    ("bounds", "reach", "reached"),
    [
        ({"at_least": 0.4}, "≥ 0.4", True),
        ({"at_most": 0.5}, "≤ 0.5", False),
        ({"at_least": 30_000, "of_value": True}, "≥ 30,000", False),
        ({}, "report", None),
    ],
)
def test_bounds(targets: Any, bounds: dict[str, Any], reach: str, reached: bool | None) -> None:
    row = targets.Target("what", "start: after a clean stop", **bounds)
    assert (row.reach(), row.reached(line(0.6, 1))) == (reach, reached)
