"""Histories in which commits fail, be it that they are in the database all the same.

Every answer is that of an oracle all along; in the end the log is that of an engine on a good disk which was told only
what the database has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engine.driver import START, Driver, Move, every, negated, ref, since, tally
from tests.engine.oracle import Definition, Person, World

from segmentd.errors import MovesWait, StorageFailed
from segmentd.population.kinds import Json
from segmentd.service import commit
from segmentd.storage import Store
from segmentd.times import SECOND, Micros

GRID = 10
"""Events and deadlines are at its instants, commits of changes between them."""
USERS = [f"u{number}" for number in range(4)]
RULES: dict[str, dict[str, Json]] = {
    "recent": tally(within=50),
    "old": since(age=70),
    "both": every(ref("recent"), negated(ref("old"))),
}
STEPS = st.one_of(
    st.tuples(st.just("event"), st.sampled_from(USERS), st.sampled_from([0, 0, 10, 40])),
    st.tuples(st.just("pass"), st.sampled_from([10, 20, 60, SECOND, 3 * SECOND])),
    st.tuples(st.just("back"), st.sampled_from([SECOND, 100 * SECOND])),
    st.tuples(st.sampled_from(["step", "tick"])),
    st.tuples(st.just("edit"), st.sampled_from([30, 50, 80])),
    st.tuples(st.just("disk"), st.sampled_from(["good", "full", "full", "landed"])),
)


def same(move: Move) -> str:
    """The instant of an edit depends on how many waves were walked amid it."""
    return repr(replace(move, at=0) if move.cause == "DEFINITION" else move)


class Trial:
    """One engine on a bad disk, and one on a good disk that makes what the first one has stored."""

    def __init__(self) -> None:
        self.disk = "good"
        self.bad, self.good = Driver(), Driver()
        for engine in (self.bad, self.good):
            for name, rule in RULES.items():
                engine.define(name, rule)

    @contextmanager
    def transaction(self, store: Store, made: Callable[[Store], Any]) -> Iterator[None]:
        fails = store is self.bad.store and self.disk != "good"
        with made(store):
            yield
            if fails and self.disk == "full":
                raise StorageFailed("database or disk is full")
        if fails:
            raise StorageFailed("the disk is gone")

    def make(self, step: Sequence[Any]) -> None:
        match step:
            case ("disk", state):
                self.disk = state
            case ("pass", duration):
                self._set_clocks(self.bad.clock.now() + duration)
            case ("back", duration):
                self._set_clocks(max(self.bad.clock.now() - duration, START))
            case ("event", user, ago):
                time = self.bad.now // GRID * GRID - ago
                self._both(lambda engine: engine.event(user, at=time))
            case ("edit", within):
                self._both(lambda engine: engine.define("recent", tally(within=within)))
            case (name,):
                self._try(getattr(self.bad.engine, name))

    def check(self) -> None:
        rules = {name: info.spec.rule for name, info in self.bad.engine.live.segments.items()}
        world = World(
            self._people(), {name: Definition(rule) for name, rule in rules.items() if isinstance(rule, dict)}
        )
        for name in RULES:
            for user in world.people:
                assert self.bad.member(name, user) == world.member(name, user, self.bad.now)

    def end(self) -> None:
        self.disk = "good"
        self._set_clocks(self._later())
        for engine in (self.bad, self.good):
            engine.engine.tick()
        bad, good = (engine.moves() for engine in (self.bad, self.good))
        assert [each.at for each in bad] == sorted(each.at for each in bad)
        assert sorted(map(same, bad)) == sorted(map(same, good))
        for name in RULES:
            assert self.bad.stored(name) == self.good.stored(name)

    def _both(self, change: Callable[[Driver], object]) -> None:
        """Where the first one stores it, the other makes it at the same instant."""
        now = self._later()
        self._set_clocks(now)
        self._try(self.bad.engine.tick)
        self.good.engine.tick()
        self._set_clocks(now + GRID // 2)
        before = self._stored()
        self._try(lambda: change(self.bad))
        if self._stored() != before:
            change(self.good)

    def _try(self, change: Callable[[], object]) -> None:
        try:
            change()
        except MovesWait:
            pass
        except StorageFailed:
            self.bad.engine.recover()

    def _stored(self) -> tuple[int, int]:
        """How many events and versions of definitions the database has."""
        connection = self.bad.store._session.connection
        [(events, versions)] = connection.execute(
            "SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM segment_versions)"
        )
        return events, versions

    def _people(self) -> dict[str, Person]:
        people: dict[str, Person] = {}
        for user, time in self.bad.store._session.connection.execute(
            "SELECT user_id, time FROM users JOIN events USING (user_key)"
        ):
            people.setdefault(user, Person()).events.append((time - START, "E"))
        return people

    def _later(self) -> int:
        """After all that either has recorded, at an instant of the grid."""
        latest = max(self.bad.clock.now(), self.bad.engine.live.instant, self.good.engine.live.instant)
        return latest - (latest - START) % GRID + GRID

    def _set_clocks(self, to: int) -> None:
        for engine in (self.bad, self.good):
            engine.clock._now = Micros(to)


@given(st.lists(STEPS, min_size=5, max_size=40), st.sampled_from([1, 2, 100]))
def test_answers_are_right_all_along_and_moves_are_logged_once(steps: list[Sequence[Any]], wave: int) -> None:
    trial, made = Trial(), Store.transaction
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(commit, "WAVE", wave)
        patch.setattr(Store, "transaction", lambda store: trial.transaction(store, made))
        for step in steps:
            trial.make(step)
            trial.check()
        trial.end()
