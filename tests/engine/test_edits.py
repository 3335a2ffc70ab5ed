"""An edit is judged aside, reached by writes and deadlines, and switched with its dependants in one revision."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import Any

import pytest
from tests.engine import toys
from tests.engine.driver import Driver, event, every, has, named, negated, ref, since, some, tally
from tests.engine.inline import run

from segmentd.errors import InvalidInput, SegmentdError
from segmentd.service import aside
from segmentd.service.evaluation import Evaluations

WINDOW = 1_000
USERS = [f"u{i}" for i in range(6)]


@pytest.fixture
def chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rows a step."""
    monkeypatch.setattr(aside, "CHUNK", 2)


def start(engine: Driver, steps: Generator[None, None, int], number: int = 1) -> None:
    """Make the first steps of an edit."""
    for _ in range(number):
        next(steps)


def people(engine: Driver) -> None:
    """Six users, one event each."""
    engine.write(*(event(user, at=-i) for i, user in enumerate(USERS)))


def test_until_the_switch_the_old_version_answers(engine: Driver, chunks: None) -> None:
    engine.define("s", tally(within=WINDOW))
    people(engine)
    engine.moves()
    steps = engine.edit("s", negated(tally()))
    start(engine, steps, 2)
    assert engine.stored("s") == set(USERS)
    assert engine.moves() == []
    before = engine.engine.live.revision
    assert run(steps) == before + 1
    assert engine.stored("s") == set()
    moves = engine.moves()
    assert {(move.entered, move.cause, move.at) for move in moves} == {(False, "DEFINITION", engine.last)}
    assert [move.user for move in moves] == USERS


@pytest.mark.parametrize("user", ["u0", "u2", "u5", "new"])
def test_a_write_reaches_what_is_judged_aside_on_both_sides_of_the_border(
    engine: Driver, chunks: None, user: str
) -> None:
    people(engine)
    steps = engine.edit("twice", tally(at_least=2))
    start(engine, steps, 2)
    engine.event(user)
    engine.event(user)
    run(steps)
    assert engine.stored("twice") == {user}
    assert named(engine.moves()) == [f"+twice:{user}@{engine.last} DEFINITION"]


@pytest.mark.parametrize("steps_before", [1, 2, 3])
def test_a_deadline_reaches_what_is_judged_aside(engine: Driver, chunks: None, steps_before: int) -> None:
    people(engine)
    steps = engine.edit("recent", tally(within=WINDOW))
    start(engine, steps, steps_before)
    engine.move(WINDOW - 3)
    run(steps)
    assert engine.stored("recent") == {"u0", "u1", "u2"}
    engine.moves()
    engine.move(WINDOW)
    assert [move.user for move in engine.moves()] == ["u2", "u1", "u0"]


def test_deadlines_of_the_old_version_are_made_while_the_new_one_is_judged(engine: Driver, chunks: None) -> None:
    engine.define("recent", tally(within=WINDOW))
    people(engine)
    engine.moves()
    steps = engine.edit("recent", tally(within=2 * WINDOW))
    start(engine, steps)
    engine.move(WINDOW - 4)
    assert named(engine.moves()) == [f"-recent:u5@{WINDOW - 5} TIME", f"-recent:u4@{WINDOW - 4} TIME"]
    # The instant of the switch, WINDOW - 3, is also u3's deadline under the old version: no move.
    run(steps)
    assert named(engine.moves()) == [
        f"+recent:u4@{engine.last} DEFINITION",
        f"+recent:u5@{engine.last} DEFINITION",
    ]


def test_dependants_switch_in_the_same_revision(engine: Driver, chunks: None) -> None:
    engine.define("base", tally())
    engine.define("not-base", negated(ref("base")))
    engine.define("either", some(ref("base"), ref("not-base")))
    engine.define("apart", tally(within=WINDOW))
    people(engine)
    engine.logged()
    engine.define("base", tally(at_least=2))
    logged = engine.logged()
    assert {each.revision for each in logged} == {engine.engine.live.revision}
    assert [each.transition.segment_key for each in logged] == [1] * 6 + [2] * 6
    assert engine.stored("either") == set(USERS)
    assert engine.stored("not-base") == set(USERS)


def test_a_deadline_at_the_instant_of_the_switch_is_no_second_move(engine: Driver) -> None:
    engine.define("recent", tally(within=WINDOW))
    engine.define("other", tally(within=WINDOW))
    people(engine)
    engine.moves()
    engine.move(WINDOW - 1)
    engine.moves()
    engine.define("recent", tally(within=2 * WINDOW))
    assert engine.last == WINDOW
    mine = [move for move in engine.moves() if move.user == "u0"]
    assert named(mine) == [f"-other:u0@{WINDOW} TIME"]
    assert engine.stored("recent") == set(USERS)


def test_a_user_whom_an_edit_brings_moves_once(engine: Driver) -> None:
    engine.define("quiet", negated(tally()))
    engine.define("loud", negated(ref("quiet")))
    engine.define("other", negated(has("plan", "pro")))
    engine.moves()
    engine.define("quiet", tally(), include=["new"])
    assert named(engine.moves()) == [
        f"+other:new@{engine.last} DEFINITION",
        f"+quiet:new@{engine.last} DEFINITION",
    ]
    engine.define("quiet", tally(), include=["new", "newer"], exclude=["newer"])
    assert named(engine.moves()) == [
        f"+other:newer@{engine.last} DEFINITION",
        f"+loud:newer@{engine.last} DEFINITION",
    ]


def test_exclude_beats_include_and_both_beat_the_rule_at_every_instant(engine: Driver) -> None:
    people(engine)
    engine.define("recent", tally(within=WINDOW), include=["u0", "u1"], exclude=["u1", "u2"])
    assert engine.stored("recent") == {"u0", "u3", "u4", "u5"}
    engine.move(2 * WINDOW)
    assert engine.stored("recent") == {"u0"}


def test_an_archived_segment_is_left_by_all_and_can_be_defined_again(engine: Driver) -> None:
    engine.define("recent", tally(within=WINDOW))
    people(engine)
    engine.moves()
    engine.archive("recent")
    assert len(engine.moves()) == len(USERS)
    engine.restart()
    assert engine.state("recent") == "archived"
    engine.define("recent", tally())
    assert engine.stored("recent") == set(USERS)
    assert len(engine.moves()) == len(USERS)


def test_a_freed_slot_is_empty_for_the_next_segment(engine: Driver) -> None:
    people(engine)
    for _ in range(70):
        engine.define("old", tally())
        engine.define("old", tally(at_least=2))
    engine.define("new", tally(at_least=2))
    assert engine.stored("new") == set()
    engine.event("u1")
    assert engine.stored("new") == {"u1"}


def test_more_segments_than_a_word_has_bits(engine: Driver) -> None:
    people(engine)
    for i in range(70):
        engine.define(f"s{i}", tally(at_least=1 + i % 2, within=WINDOW + i))
    assert [len(engine.stored(f"s{i}")) for i in range(70)] == [6, 0] * 35
    engine.move(WINDOW + 30)
    assert [len(engine.stored(f"s{i}")) for i in (0, 28, 30, 36, 69)] == [0, 0, 0, 6, 0]


def test_a_question_between_two_steps_takes_no_events_away_from_the_edit(engine: Driver, chunks: None) -> None:
    people(engine)
    engine.move(10)
    steps = engine.edit("ever", tally())
    start(engine, steps)
    assert asyncio.run(Evaluations(engine.engine).count(tally("Other"))).members == 0
    assert asyncio.run(Evaluations(engine.engine).given([], [], tally("Other"))).evaluations == []
    run(steps)
    assert engine.stored("ever") == set(USERS)
    engine.restart()
    assert engine.stored("ever") == set(USERS)


def test_a_failed_commit_during_an_edit_ends_the_edit_and_leaves_other_segments_alone(
    engine: Driver, chunks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.define("ever", tally())
    people(engine)
    steps = engine.edit("twice", tally(at_least=2))
    start(engine, steps)
    engine.engine.recover()
    with pytest.raises(SegmentdError):
        run(steps)
    assert engine.stored("ever") == set(USERS)
    engine.define("twice", tally(at_least=2))
    assert engine.stored("twice") == set()
    assert engine.stored("ever") == set(USERS)


def test_an_abandoned_edit_leaves_nothing(engine: Driver, chunks: None) -> None:
    people(engine)
    steps = engine.edit("ever", tally())
    start(engine, steps)
    steps.close()
    assert engine.engine.live.shadows == []
    assert "ever" not in engine.engine.live.catalogue.entries
    engine.define("twice", tally(at_least=2))
    assert engine.stored("twice") == set()


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


def test_a_model_is_pending_until_somebody_can_be_learned_from_and_refitted_when_doubled(engine: Driver) -> None:
    thread = engine.background
    engine.define("rich", {"richer": {"attribute": "points"}})
    engine.define("poor", negated(ref("rich")))
    assert engine.state("rich") == "pending: nobody to learn from yet"
    assert engine.state("poor").startswith("pending: ")
    engine.event("u")
    thread.run()
    assert engine.state("rich").startswith("pending: ")
    engine.write(*(profile(f"u{i}", points=float(i)) for i in range(4)))
    thread.run()
    assert engine.stored("rich") == {"u2", "u3"}
    assert engine.stored("poor") == {"u", "u0", "u1"}
    assert {move.cause for move in engine.moves()} == {"MODEL"}
    engine.write(*(profile(f"v{i}", points=100.0) for i in range(3)))
    thread.run()
    assert engine.stored("rich") == {"u2", "u3", "v0", "v1", "v2"}
    engine.moves()
    engine.profile("v3", points=90.0)
    thread.run()
    assert engine.stored("rich") == {"v0", "v1", "v2", "v3"}
    assert [each.cause for each in engine.moves()] == ["ATTRIBUTE"] + ["MODEL"] * 4
    engine.restart()
    assert engine.stored("rich") == {"v0", "v1", "v2", "v3"}
    assert engine.plan("rich").models[0].version == 2
    assert engine.moves() == []


def profile(user: str, **attributes: Any) -> Any:
    """Attributes of one user."""
    from segmentd.service.items import ProfileWrite

    return ProfileWrite(user, attributes)


def test_circles_and_unknown_segments_are_refused(engine: Driver) -> None:
    engine.define("a", tally())
    engine.define("b", ref("a"))
    with pytest.raises(InvalidInput, match="circle"):
        engine.define("a", negated(ref("b")))
    with pytest.raises(InvalidInput, match="there is no segment 'c'"):
        engine.define("a", ref("c"))
    assert engine.state("a") == "active"


def test_points_of_people_already_known_can_double_the_population_too(engine: Driver) -> None:
    engine.write(*(event(f"u{i}") for i in range(4)))
    engine.profile("u0", points=1.0)
    engine.define("rich", {"richer": {"attribute": "points"}})
    engine.profile("u1", points=5.0)
    engine.background.run()
    assert engine.plan("rich").models[0].version == 2
    assert engine.stored("rich") == {"u1"}


def test_what_doubled_before_a_stop_is_refitted_after_it(engine: Driver) -> None:
    engine.profile("u0", points=1.0)
    engine.define("rich", {"richer": {"attribute": "points"}})
    engine.profile("u1", points=5.0)
    engine.restart()
    engine.background.run()
    assert engine.plan("rich").models[0].version == 2


def test_a_model_that_somebody_can_be_learned_for_during_its_edit_is_fitted_after_it(
    engine: Driver, chunks: None
) -> None:
    engine.event("u0")
    steps = engine.edit("rich", {"richer": {"attribute": "points"}})
    start(engine, steps)
    engine.profile("u0", points=1.0)
    run(steps)
    engine.background.run()
    assert engine.state("rich") == "active"


def test_what_was_learned_for_a_segment_that_is_gone_is_learned_anew(engine: Driver) -> None:
    for user, points in (("u", 1.0), ("v", 5.0), ("w", 9.0)):
        engine.profile(user, points=points)
    engine.define("rich", {"richer": {"attribute": "points"}})
    assert engine.stored("rich") == {"w"}
    engine.archive("rich")
    for user, points in (("u", 100.0), ("v", 500.0), ("w", 900.0)):
        engine.profile(user, points=points)
    engine.define("rich", {"richer": {"attribute": "points"}})
    assert engine.stored("rich") == {"w"}
