"""A thread that takes turns lets others have its core now and then, and no other thread does."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from segmentd import niceness
from segmentd.niceness import TURN, give_way, take_turns

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere threads take no turns")


class Watched:
    """A clock that stands until it is moved, and how often somebody gave up the core."""

    def __init__(self) -> None:
        self.now = 10.0
        self.given = 0

    def give(self) -> None:
        self.given += 1
        self.now += 1.0  # others had it for a second


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    watched = Watched()
    monkeypatch.setattr(niceness, "perf_counter", lambda: watched.now)
    monkeypatch.setattr(os, "sched_yield", watched.give)
    return watched


def in_a_thread(run: Callable[[], None]) -> None:
    with ThreadPoolExecutor(1) as threads:
        threads.submit(run).result()


def test_a_thread_that_takes_no_turns_keeps_its_core(watched: Watched) -> None:
    in_a_thread(give_way)
    assert watched.given == 0


def test_a_turn_begins_when_the_core_came_back_and_lasts(watched: Watched) -> None:
    def run() -> None:
        take_turns()
        give_way()
        for _ in range(3):
            give_way()
        assert watched.given == 1
        watched.now += TURN
        give_way()
        assert watched.given == 2
        watched.now += TURN / 2
        give_way()
        assert watched.given == 2

    in_a_thread(run)


def test_turns_are_of_one_thread(watched: Watched) -> None:
    def run() -> None:
        take_turns()
        in_a_thread(give_way)

    in_a_thread(run)
    assert watched.given == 0
