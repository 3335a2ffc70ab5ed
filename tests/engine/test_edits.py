"""An edit is judged aside, reached by writes and deadlines, and switched with its dependants in one revision."""

from __future__ import annotations

import asyncio

import pytest
from tests.engine.driver import Driver, has, named, negated, ref, some, tally
from tests.engine.editing import USERS, people, start
from tests.engine.inline import run

from segmentd.errors import InvalidInput, SegmentdError
from segmentd.service.evaluation import Evaluations

WINDOW = 1_000


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


def test_circles_and_unknown_segments_are_refused(engine: Driver) -> None:
    engine.define("a", tally())
    engine.define("b", ref("a"))
    with pytest.raises(InvalidInput, match="circle"):
        engine.define("a", negated(ref("b")))
    with pytest.raises(InvalidInput, match="there is no segment 'c'"):
        engine.define("a", ref("c"))
    assert engine.state("a") == "active"
