"""Models are fitted again by their schedules: at exact instants, aside, with what fails left as it was."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine import toys
from tests.engine.chronicle import Chronicle
from tests.engine.dialect import Dialect, Tape, toy_dialect
from tests.engine.driver import START, Driver, event, negated, ref
from tests.engine.history import History
from tests.engine.inline import run
from tests.engine.oracle import Rule

from segmentd.api import Model, Reads, Verdict
from segmentd.engine.models import Models
from segmentd.population.kinds import Json
from segmentd.service import aside
from segmentd.service.items import ProfileWrite
from segmentd.service.refits import Why
from segmentd.times import FOREVER, SECOND, Micros

DAY = 100 * SECOND
RICH: Json = {"richer": {"attribute": "points", "refit": DAY}}


def points(engine: Driver, **given: float) -> None:
    """Write the points of users."""
    engine.write(*(ProfileWrite(user, {"points": value}) for user, value in given.items()))


def advance(engine: Driver, to: int) -> int:
    """As AdvanceClock does; how many memberships changed."""
    steps: Any = engine.engine._advanced(engine.clock, lambda: Micros(START + to))
    while True:
        try:
            next(steps)
        except StopIteration as end:
            moved, _ = end.value
            return int(moved)


def fits(engine: Driver) -> list[tuple[int, int, Any]]:
    """Version, instant and mean of each fit."""
    [key] = engine.engine.live.models.latest
    records = engine.store.model_versions(key)
    return [(each.version, each.fit_time - START, orjson.loads(each.data)["mean"]) for each in records]


def test_a_moved_clock_stops_at_each_refit_on_the_way(engine: Driver) -> None:
    points(engine, a=1, b=5, c=9)
    engine.define("rich", RICH)
    engine.define("poor", negated(ref("rich")))
    start = fits(engine)[0][1]
    points(engine, b=100)
    engine.moves()
    assert advance(engine, start + 3 * DAY + 7) == 2
    assert [(version, at) for version, at, _ in fits(engine)] == [(n + 1, start + n * DAY) for n in range(4)]
    assert [(move.segment, move.user, move.entered, move.at, move.cause) for move in engine.moves()] == [
        ("rich", "c", False, start + DAY, "MODEL"),
        ("poor", "c", True, start + DAY, "MODEL"),
    ]
    assert engine.now == start + 3 * DAY + 7


def test_the_shortest_schedule_of_those_that_share_a_model_counts(engine: Driver) -> None:
    points(engine, a=1, b=5)
    engine.define("slow", {"richer": {"attribute": "points", "refit": 3 * DAY}})
    start = fits(engine)[0][1]
    assert engine.engine.next_refit() - START == start + 3 * DAY
    engine.define("fast", RICH)
    assert engine.engine.next_refit() - START == start + DAY
    engine.define("fast", {"richer": {"attribute": "points"}})
    assert engine.engine.next_refit() - START == start + 3 * DAY
    engine.archive("slow")
    assert engine.engine.next_refit() == FOREVER
    assert len(fits(engine)) == 1


def test_a_schedule_counts_from_the_last_fit_also_one_that_was_asked_for(engine: Driver) -> None:
    points(engine, a=1, b=5)
    engine.define("rich", RICH)
    engine.move(DAY // 2)
    [key] = engine.engine.live.models.latest
    engine.engine.refit([key])
    engine.background.run()
    asked = fits(engine)[-1][1]
    advance(engine, asked + DAY)
    assert [at for _, at, _ in fits(engine)][-2:] == [asked, asked + DAY]


def test_what_came_due_while_the_server_was_down_is_fitted_once(engine: Driver) -> None:
    points(engine, a=1, b=5)
    engine.define("rich", RICH)
    engine.restart(clock=10 * DAY + 3)
    engine.background.run()
    assert [at for _, at, _ in fits(engine)][1:] == [10 * DAY + 3]
    assert engine.engine.next_refit() - START == 11 * DAY + 3
    engine.engine.tick()
    assert engine.background._waiting == []


def test_a_tick_queues_a_refit_once(engine: Driver) -> None:
    points(engine, a=1, b=5)
    engine.define("rich", RICH)
    due = engine.engine.next_refit()
    assert engine.engine.next_deadline() == due
    engine.move(2 * DAY)
    engine.engine.tick()
    assert len(engine.background._waiting) == 1
    assert engine.engine.next_deadline() == FOREVER
    engine.background.run()
    assert len(fits(engine)) == 2


def test_a_refit_that_finds_nobody_leaves_the_model_and_waits_for_its_next_time(
    engine: Driver, caplog: pytest.LogCaptureFixture
) -> None:
    points(engine, a=1, b=5)
    engine.define("rich", RICH)
    start = fits(engine)[0][1]
    engine.write(*(ProfileWrite(user, {"points": None}) for user in "ab"))
    with caplog.at_level(logging.WARNING):
        advance(engine, start + 3 * DAY)
    assert len(fits(engine)) == 1
    assert [record.message for record in caplog.records].count(caplog.records[0].message) == 3
    assert "nobody to learn from" in caplog.records[0].message
    assert engine.engine.next_refit() - START == start + 4 * DAY
    assert engine.state("rich") == "active"


class Fragile(toys.Richer):
    """Fails to learn, or to judge with what was learned, when told to."""

    fit_fails = judging_fails = False

    def fit(self, *arguments: Any) -> Any:
        if self.fit_fails:
            raise RuntimeError("out of order")
        return super().fit(*arguments)

    def evaluate(self, params: Any, model: Any, *rest: Any) -> Any:
        if self.judging_fails and model.data["mean"] > 4:
            raise RuntimeError("out of order")
        return super().evaluate(params, model, *rest)


@pytest.mark.parametrize("fault", ["fit_fails", "judging_fails"])
def test_a_refit_that_fails_leaves_the_model_and_the_other_ones_go_on(
    fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    fragile = Fragile()
    engine = Driver(plugins=toys.plugins(fragile))
    points(engine, a=1, b=5)
    engine.write(*(ProfileWrite(user, {"age": float(n)}) for n, user in enumerate("ab")))
    engine.define("rich", RICH)
    engine.define("old", {"richer": {"attribute": "age", "refit": DAY}})
    free = len(engine.engine.live.memberships._free)
    setattr(fragile, fault, True)
    if fault == "judging_fails":
        points(engine, b=50)
    with caplog.at_level(logging.ERROR):
        advance(engine, 2 * DAY)
    latest = {key: fitted.version for key, fitted in engine.engine.live.models.latest.items()}
    assert sorted(latest.values()) == ([1, 1] if fault == "fit_fails" else [1, 2])
    assert engine.state("rich") == engine.state("old") == "active"
    assert engine.member("rich", "b")
    assert len(engine.engine.live.memberships._free) == free
    assert "out of order" in caplog.text
    setattr(fragile, fault, False)
    advance(engine, 4 * DAY)
    assert min(fitted.version for fitted in engine.engine.live.models.latest.values()) > 1
    engine.close()


def test_one_that_is_asked_for_and_cannot_be_judged_with_is_refused() -> None:
    fragile = Fragile()
    engine = Driver(plugins=toys.plugins(fragile))
    points(engine, a=1, b=5)
    engine.define("rich", RICH)
    fragile.judging_fails = True
    points(engine, b=50)
    [key] = engine.engine.live.models.latest
    with pytest.raises(Exception, match="out of order"):
        run(engine.engine._refitted([key], Why.REQUEST))
    assert engine.state("rich") == "active"
    assert engine.store.models()[0].version == 1
    engine.close()


def test_nobody_to_learn_from_is_not_looked_for_at_every_write(engine: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []
    fit = Models.fit

    def counted(models: Models, key: str, *rest: Any) -> Any:
        tried.append(key)
        return fit(models, key, *rest)

    monkeypatch.setattr(Models, "fit", counted)
    engine.define("rich", RICH)
    for number in range(200):
        engine.profile(f"u{number}", plan="pro")
        engine.event(f"u{number}")
        engine.background.run()
    assert len(tried) < 12
    points(engine, u0=3, u1=5)
    engine.background.run()
    assert engine.stored("rich") == {"u1"}


def test_an_event_that_is_read_is_worth_a_fit_at_once() -> None:
    engine = Driver(plugins=toys.plugins(Busier()))
    engine.define("busy", {"richer": {"attribute": "plan"}})
    for number in range(50):
        engine.profile(f"u{number}", plan="pro")
    engine.background.run()
    assert engine.state("busy").startswith("pending")
    engine.write(event("u1"), event("u1"), event("u2"))
    engine.background.run()
    assert engine.stored("busy") == {"u1"}
    engine.close()


class Busier(toys.Richer):
    """More events than the mean."""

    def reads(self, params: Any) -> Any:
        return Reads(attributes=frozenset({"plan"}), events={"E": frozenset()})

    def fit(self, params: Any, users: Any, at: Micros) -> Any:
        sizes = [size for size in np.diff(users.events("E").offsets).tolist() if size]
        return Model({"mean": sum(sizes) // len(sizes)}, len(sizes), {}) if sizes else None

    def evaluate(self, params: Any, model: Any, users: Any, at: Any) -> Any:
        return Verdict.forever(np.diff(users.events("E").offsets) > model.data["mean"])


class Scheduled(Chronicle):
    """The oracle with schedules: `fitted` and `tried` are when each mean was last learned, or not."""

    def __init__(self, start: int) -> None:
        super().__init__(start)
        self.fitted: dict[str, int] = {}
        self.tried: dict[str, int] = {}

    def due(self) -> dict[str, int]:
        """When each mean is learned again."""
        found = {}
        for attribute in self.world.means:
            leaves = (below for name in self.world.segments for below in self._richer(name))
            every = [each["refit"] for each in leaves if each["attribute"] == attribute and each["refit"]]
            if every:
                found[attribute] = max(self.fitted[attribute], self.tried.get(attribute, -1)) + min(every)
        return found

    def advance(self, to: int) -> None:
        """Stop at each refit that is due on the way."""
        while (first := min(self.due().values(), default=to + 1)) <= to:
            self.clock = max(first, self.clock)
            self.tick()
            self.refit_due()
        self.clock = to
        self.tick()

    def refit_due(self) -> None:
        """What is due now, in one switch."""
        due = {attribute for attribute, at in self.due().items() if at <= self.clock}
        self.tried |= dict.fromkeys(due, self.clock)
        means = self._means(sorted(due))
        if means:
            names = self.world.segments
            using = {name for name in names if means.keys() & {each["attribute"] for each in self._richer(name)}}
            self._again(using, means, "MODEL")

    def restart(self) -> None:
        self.tried.clear()
        super().restart()

    def _means(self, attributes: Collection[str]) -> dict[str, tuple[int, int]]:
        means = super()._means(attributes)
        self.fitted |= dict.fromkeys(means, self.now)
        return means

    def _richer(self, name: str) -> list[Mapping[str, Any]]:
        return [below for key, below in self.world.segments[name].conditions if key == "richer"]


class ScheduledHistory(History):
    """The clock moves as AdvanceClock moves it, and what comes due while the server is down is fitted once."""

    def __init__(self, data: bytes, engine: Driver) -> None:
        super().__init__(data, engine, ScheduledDialect(SECOND, KINDS, dict(toy_dialect().say)))
        self.scheduled = self.chronicle = Scheduled(engine.now)

    def _move(self) -> None:
        to = self.chronicle.clock + (1 + self.tape.below(60)) * self.unit
        advance(self.engine, to)
        self.scheduled.advance(to)
        self._work()

    def _peek(self) -> None:
        self._move()

    def _begin(self) -> None:
        self._define()

    def _work(self) -> None:
        self.engine.background.run()
        self.engine.engine.refit_due()  # the thread's next step
        self.engine.background.run()
        self.scheduled.refit_due()
        self.chronicle.refit()


class ScheduledDialect(Dialect):
    """Means that are learned again, some of them."""

    def condition(self, tape: Tape) -> Rule:
        """As drawn, with a schedule or none."""
        rule = super().condition(tape)
        if "tally" in rule:
            return {"tally": {**rule["tally"], "early": None}}  # it would be in microseconds
        if "richer" not in rule:
            return rule
        refit = tape.one((20 * self.unit, 50 * self.unit, None))
        return {"richer": {**rule["richer"], "refit": refit}}


KINDS = ("tally", "since", "richer", "richer", "richer")


@given(st.binary(min_size=100, max_size=300))
@settings(max_examples=4 * settings().max_examples)
def test_memberships_and_transitions_are_those_of_an_oracle_with_schedules(data: bytes) -> None:
    engine = Driver()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aside, "CHUNK", 2)
        try:
            ScheduledHistory(data, engine).run()
        finally:
            engine.close()
