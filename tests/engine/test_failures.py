"""A segment that cannot be judged fails with its dependants, and the others go on."""

from __future__ import annotations

from typing import Any

import pytest
from tests.engine import toys
from tests.engine.driver import Driver, every, has, named, negated, ref, since, tally
from tests.engine.editing import USERS, people, start
from tests.engine.inline import run

WINDOW = 1_000


def test_a_segment_that_cannot_be_judged_fails_with_its_dependants_and_the_others_go_on(engine: Driver) -> None:
    engine.define("broken", {"broken": {"attribute": "plan", "breaks_at": "bad"}})
    engine.define("above", every(ref("broken"), tally()))
    engine.define("fine", tally())
    people(engine)
    engine.profile("u0", plan="bad")
    engine.event("u0", "Other")
    assert engine.state("broken") == "failed: segment broken cannot be evaluated: out of order"
    assert engine.state("above").startswith("failed: segment above cannot be evaluated: ")
    assert engine.state("fine") == "active"
    engine.restart()
    assert engine.state("broken").startswith("failed: ")
    assert engine.state("above").startswith("failed: ")
    assert engine.stored("fine") == set(USERS)
    engine.profile("u0", plan="good")
    engine.define("broken", {"broken": {"attribute": "plan", "breaks_at": "worse"}})
    assert engine.stored("broken") == set(USERS)
    assert engine.stored("above") == set(USERS)


def test_a_new_segment_that_cannot_be_judged_is_failed_from_its_first_revision(engine: Driver, chunks: None) -> None:
    people(engine)
    engine.profile("u5", plan="bad")
    engine.define("broken", {"broken": {"attribute": "plan", "breaks_at": "bad"}})
    engine.define("above", ref("broken"))
    assert engine.state("broken").startswith("failed: ")
    assert engine.state("above").startswith("failed: ")
    assert engine.moves() == []


@pytest.mark.parametrize("steps_before", [1, 2, 3])
def test_a_write_that_breaks_what_is_judged_aside_fails_it(engine: Driver, chunks: None, steps_before: int) -> None:
    people(engine)
    steps = engine.edit("broken", {"broken": {"attribute": "plan", "breaks_at": "bad"}})
    start(engine, steps, steps_before)
    engine.profile("u0", plan="bad")
    run(steps)
    assert engine.state("broken").startswith("failed: ")


def test_what_breaks_in_the_pass_of_the_switch_itself_is_failed(engine: Driver) -> None:
    engine.define("quiet", tally())
    people(engine)
    engine.move(10)
    broken = Breaks()
    engine.plugins.segment_types["broken"] = broken  # type: ignore[index]  # a plain dict inside
    broken.after = 1
    engine.define("broken", {"broken": {"attribute": "plan", "breaks_at": "bad"}}, include=["new"])
    assert engine.state("broken").startswith("failed: ")
    engine.define("above", every(ref("quiet")))
    assert engine.state("above") == "active"


class Breaks(toys.Broken):
    """Works a few times."""

    after = 0

    def evaluate(self, params: toys.BrokenParams, *rest: Any) -> Any:
        self.after -= 1
        if self.after < 0:
            raise RuntimeError("out of order")
        return super().evaluate(params, *rest)


def test_a_first_value_of_another_kind_fails_the_segment_and_keeps_the_value(engine: Driver) -> None:
    engine.define("pro", has("plan", "pro"))
    engine.define("above", every(tally(), negated(ref("pro"))))
    engine.define("fine", tally())
    outcome = engine.profile("u", plan=5.0)
    assert [each.error for each in outcome.results] == [None]
    assert engine.state("pro") == "failed: segment pro cannot be evaluated: rule.has.equals: plan is number, not text"
    assert engine.state("above").startswith("failed: ")
    assert engine.moves() == []


def test_a_first_value_fails_what_is_judged_aside_too(engine: Driver, chunks: None) -> None:
    people(engine)
    steps = engine.edit("pro", has("plan", "pro"))
    start(engine, steps, 3)
    engine.profile("new", plan=5.0)
    run(steps)
    assert engine.state("pro").startswith("failed: ")


def test_a_type_whose_version_grew_is_judged_anew_with_its_dependants(engine: Driver) -> None:
    engine.define("ever", tally())
    engine.define("above", negated(ref("ever")))
    engine.define("old", since(age=WINDOW))
    people(engine)
    engine.event("v", "Other")
    engine.moves()
    engine.restart(toys.plugins(toys.Reversed()))
    moves = engine.moves()
    assert {(move.segment, move.entered, move.cause) for move in moves} == {
        ("ever", False, "TYPE"),
        ("ever", True, "TYPE"),
        ("above", True, "TYPE"),
        ("above", False, "TYPE"),
    }
    assert engine.stored("ever") == {"v"}
    assert engine.stored("above") == set(USERS)
    engine.restart()
    assert engine.moves() == []


def test_a_type_that_is_gone_fails_its_segments_until_it_is_back(engine: Driver) -> None:
    engine.define("ever", tally())
    engine.define("old", since(age=WINDOW))
    people(engine)
    engine.moves()
    without = toys.plugins()
    engine.restart(type(without)({k: v for k, v in without.segment_types.items() if k != "tally"}, (), {}))
    assert engine.state("ever").startswith("failed: ")
    assert engine.moves() == []
    engine.event("v")
    engine.restart(toys.plugins())
    assert engine.stored("ever") == {*USERS, "v"}
    assert named(engine.moves()) == [f"+ever:v@{engine.last} TYPE"]


def test_a_type_that_breaks_at_a_start_fails_its_segments_and_that_is_told_once(
    engine: Driver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def breaks(*_: object) -> None:
        raise ZeroDivisionError("no luck today")

    engine.define("ever", tally())
    people(engine)
    with monkeypatch.context() as patch:
        patch.setattr(toys.Tally, "evaluate", breaks)
        for _ in range(2):
            engine.restart()
            assert engine.state("ever") == "failed: segment ever cannot be evaluated: no luck today"
    assert [each for each in caplog.messages if "is failed" in each] == [
        "segment ever is failed: segment ever cannot be evaluated: no luck today"
    ]
    engine.restart()
    assert engine.stored("ever") == set(USERS)
