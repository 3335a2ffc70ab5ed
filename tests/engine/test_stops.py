"""Waves too large for one commit, and stops: no move is lost, and each stands at its own instant."""

from __future__ import annotations

import pytest
from tests.engine.driver import Driver, event, named, negated, ref, tally

from segmentd.service import commit
from segmentd.times import MINUTE

WINDOW = 1_000


def test_a_wave_too_large_for_one_commit_is_walked_in_order(engine: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commit, "WAVE", 3)
    engine.define("recent", tally(within=WINDOW))
    users = [f"u{i}" for i in range(10)]
    engine.write(*(event(user, at=-i) for i, user in enumerate(users)))
    engine.moves()
    before = engine.engine.live.revision
    engine.move(WINDOW)
    moves = engine.moves()
    assert [(move.user, move.at) for move in moves] == [(f"u{i}", WINDOW - i) for i in range(9, -1, -1)]
    assert engine.engine.live.revision > before + 1
    assert engine.stored("recent") == set()


def test_a_large_wave_is_walked_before_the_write_that_meets_it(engine: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commit, "WAVE", 3)
    engine.define("recent", tally(within=WINDOW))
    engine.write(*(event(f"u{i}", at=-i) for i in range(10)))
    engine.moves()
    engine.move(2 * WINDOW, tick=False)
    engine.event("u3")
    moves = engine.moves()
    assert [move.at for move in moves] == [*range(WINDOW - 9, WINDOW + 1), engine.last]
    assert named(moves)[-1] == f"+recent:u3@{engine.last} EVENT"


@pytest.mark.parametrize("ties", [False, True])
def test_a_stop_between_two_waves_loses_no_move(engine: Driver, monkeypatch: pytest.MonkeyPatch, ties: bool) -> None:
    engine.define("recent", tally(within=WINDOW))
    engine.write(*(event(f"u{i}", at=0 if ties else -i) for i in range(10)))
    engine.moves()
    monkeypatch.setattr(commit, "WAVE", 3)
    walk = commit.Committer._walk
    walks: list[commit.Wave] = []

    def stops(self: commit.Committer, wave: commit.Wave) -> None:
        if walks:
            raise KeyboardInterrupt
        walks.append(wave)
        walk(self, wave)

    monkeypatch.setattr(commit.Committer, "_walk", stops)
    with pytest.raises(KeyboardInterrupt):
        engine.move(2 * WINDOW)
    monkeypatch.setattr(commit.Committer, "_walk", walk)
    engine.restart()
    times = [WINDOW] * 10 if ties else [WINDOW - i for i in range(9, -1, -1)]
    assert [move.at for move in engine.moves()] == times
    assert engine.stored("recent") == set()


@pytest.mark.parametrize("steps", range(7))
def test_a_wave_at_one_instant_survives_a_stop_between_any_two_of_its_commits(
    engine: Driver, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    """Users who have no deadline stand among the others; some have a second one a moment later."""
    monkeypatch.setattr(commit, "WAVE", 3)
    engine.define("recent", tally(within=WINDOW))
    engine.define("quiet", negated(ref("recent")))
    engine.write(*(event(f"u{i}", "E" if i % 4 else "Other", at=0) for i in range(20)))
    engine.write(*(event(f"u{i}", at=1) for i in range(0, 20, 5)))
    engine.moves()
    engine.move(2 * WINDOW, tick=False)
    last = engine.engine.live.revision
    for _ in range(steps):
        engine.engine.committer.step(engine.clock.now())
    assert engine.engine.live.revision == last + min(steps, 5)
    engine.restart()
    moves = engine.moves()
    later = {f"u{i}" for i in range(0, 20, 5)}
    leaving = dict.fromkeys((f"u{i}" for i in range(20) if i % 4), WINDOW) | dict.fromkeys(later, WINDOW + 1)
    expected = {(at, name, user) for user, at in leaving.items() for name in ("recent", "quiet")}
    assert sorted((move.at, move.segment, move.user) for move in moves) == sorted(expected)
    assert [move.at for move in moves] == sorted(move.at for move in moves)
    assert engine.stored("recent") == set()


def test_moves_that_came_due_in_downtime_are_made_at_their_own_instants(engine: Driver) -> None:
    engine.define("recent", tally(within=WINDOW))
    engine.define("quiet", negated(ref("recent")))
    engine.write(event("u", at=0), event("v", at=-10), event("v", at=20 * MINUTE))
    engine.moves()
    engine.restart(clock=30 * MINUTE)
    assert named(engine.moves()) == [
        f"-recent:v@{WINDOW - 10} TIME",
        f"+quiet:v@{WINDOW - 10} TIME",
        f"-recent:u@{WINDOW} TIME",
        f"+quiet:u@{WINDOW} TIME",
        f"+recent:v@{20 * MINUTE} TIME",
        f"-quiet:v@{20 * MINUTE} TIME",
        f"-recent:v@{20 * MINUTE + WINDOW} TIME",
        f"+quiet:v@{20 * MINUTE + WINDOW} TIME",
    ]
    engine.restart()
    assert engine.moves() == []


def test_a_restart_with_an_earlier_clock_goes_on_from_the_last_commit(engine: Driver) -> None:
    engine.define("recent", tally(within=WINDOW))
    engine.move(10_000)
    engine.event("u")
    engine.restart(clock=0)
    assert engine.now == engine.last == 10_000
    assert engine.member("recent", "u")
    engine.event("v")
    assert engine.last == 10_001
