"""Memberships change at exactly the right microsecond, each change once and in order."""

from __future__ import annotations

import pytest
from tests.engine.driver import START, Driver, event, every, has, named, negated, ref, since, some, tally

from segmentd.service.items import ProfileWrite
from segmentd.times import FOREVER, MINUTE

WINDOW = 1_000


def test_a_membership_ends_at_its_instant_and_not_a_microsecond_before(engine: Driver) -> None:
    engine.define("recent", tally(within=WINDOW))
    engine.event("u", at=0)
    engine.move(WINDOW - 1)
    assert engine.horizon("u") == WINDOW
    assert engine.member("recent", "u")
    assert engine.see("u", exactly=False).members(engine.plan("recent")).tolist() == [True]
    engine.move(WINDOW, tick=False)
    assert engine.see("u", exactly=False).overdue.tolist() == [True]
    assert not engine.member("recent", "u")
    assert engine.stored("recent") == {"u"}
    engine.engine.tick()
    assert engine.stored("recent") == set()
    assert named(engine.moves())[-1] == f"-recent:u@{WINDOW} TIME"


def test_exit_and_re_entry_with_nobody_looking_in_between_are_two_transitions(engine: Driver) -> None:
    engine.define("recent", tally(within=10 * MINUTE))
    engine.event("u", at=0)
    engine.moves()
    engine.move(12 * MINUTE, tick=False)
    engine.event("u")
    assert named(engine.moves()) == [f"-recent:u@{10 * MINUTE} TIME", f"+recent:u@{12 * MINUTE} EVENT"]


def test_a_deadline_at_the_instant_of_a_commit_is_judged_on_the_new_data(engine: Driver) -> None:
    engine.define("recent", tally(within=WINDOW))
    engine.event("u", at=0)
    engine.event("v", at=0)
    engine.moves()
    engine.move(WINDOW, tick=False)
    engine.event("u")
    assert engine.last == WINDOW
    assert named(engine.moves()) == [f"-recent:v@{WINDOW} TIME"]
    assert engine.member("recent", "u")


def test_several_deadlines_of_one_row_in_one_move_of_the_clock(engine: Driver) -> None:
    engine.define("twice", tally(at_least=2, within=100))
    engine.event("u", at=1_000)
    engine.write(*(event("u", at=10 * MINUTE + at) for at in (0, 50, 300, 350, 350)))
    engine.moves()
    engine.move(10 * MINUTE + 1_000)
    times = [(50, "+"), (100, "-"), (350, "+"), (450, "-")]
    expected = [f"{sign}twice:u@{10 * MINUTE + at} TIME" for at, sign in times]
    # The event at 300 is alone until those at 350 come.
    assert named(engine.moves()) == expected
    assert engine.horizon("u") > 10 * MINUTE + 1_000


def test_a_segment_of_two_parts_that_flip_at_the_same_instant_does_not_flicker(engine: Driver) -> None:
    engine.define("young", tally(within=WINDOW))
    engine.define("old", since(age=WINDOW))
    engine.define("either", some(ref("young"), ref("old")))
    engine.define("both", every(ref("young"), ref("old")))
    engine.event("u", at=0)
    engine.moves()
    engine.move(2 * WINDOW)
    assert named(engine.moves()) == [f"-young:u@{WINDOW} TIME", f"+old:u@{WINDOW} TIME"]
    assert engine.member("either", "u")
    assert not engine.member("both", "u")


def test_a_segment_of_segments_follows_its_parts_without_a_gap(engine: Driver) -> None:
    engine.define("top", tally(within=5))
    engine.define("middle", tally(within=5))
    engine.define("leaf", tally("E", 1, WINDOW))
    engine.define("middle", negated(ref("leaf")))
    engine.define("top", negated(ref("middle")))
    engine.event("u", at=0)
    engine.moves()
    engine.move(WINDOW)
    # Dependency order, not the order of creation.
    assert named(engine.moves()) == [
        f"-leaf:u@{WINDOW} TIME",
        f"+middle:u@{WINDOW} TIME",
        f"-top:u@{WINDOW} TIME",
    ]


def test_at_one_instant_segments_stand_in_dependency_order_and_rows_in_theirs(engine: Driver) -> None:
    engine.define("above", tally(within=1))
    engine.define("below", tally(within=WINDOW))
    engine.define("above", negated(ref("below")))
    engine.event("v", at=0)
    engine.event("u", at=0)
    engine.event("w", at=1)
    engine.moves()
    engine.move(WINDOW + 5)
    assert named(engine.moves()) == [
        f"-below:v@{WINDOW} TIME",
        f"-below:u@{WINDOW} TIME",
        f"+above:v@{WINDOW} TIME",
        f"+above:u@{WINDOW} TIME",
        f"-below:w@{WINDOW + 1} TIME",
        f"+above:w@{WINDOW + 1} TIME",
    ]


def test_dependants_of_a_written_row_get_its_new_horizon_although_no_bit_changed(engine: Driver) -> None:
    engine.define("recent", tally(within=WINDOW))
    engine.define("quiet", negated(ref("recent")))
    engine.event("u", at=0)
    engine.move(WINDOW - 1)
    engine.event("u")
    engine.moves()
    engine.move(2 * WINDOW - 2)
    assert engine.moves() == []
    engine.move(2 * WINDOW - 1)
    assert named(engine.moves()) == [f"-recent:u@{2 * WINDOW - 1} TIME", f"+quiet:u@{2 * WINDOW - 1} TIME"]


def test_a_late_event_changes_the_present_and_rewrites_nothing(engine: Driver) -> None:
    engine.define("twice", tally(at_least=2, within=WINDOW))
    engine.move(500)
    engine.event("u", at=100)
    engine.moves()
    engine.move(600)
    engine.event("u", at=50)
    assert named(engine.moves()) == ["+twice:u@600 EVENT"]
    engine.move(2_000)
    assert named(engine.moves()) == ["-twice:u@1050 TIME"]


def test_a_late_event_does_not_become_the_last_one(engine: Driver) -> None:
    engine.define("old", since(age=WINDOW))
    engine.move(500)
    engine.event("u", at=400)
    engine.event("u", at=100)
    engine.event("u", at=400)
    engine.event("u", at=50)
    engine.move(WINDOW + 399)
    assert engine.moves() == []
    engine.move(WINDOW + 400)
    assert named(engine.moves()) == [f"+old:u@{WINDOW + 400} TIME"]


def test_a_late_event_that_expired_before_it_came_changes_nothing(engine: Driver) -> None:
    engine.define("recent", tally(within=WINDOW))
    engine.move(5_000)
    engine.event("u", at=1_000)
    engine.event("v", at=5_000 - WINDOW)
    assert engine.moves() == []


def test_a_future_event_counts_from_its_own_instant(engine: Driver) -> None:
    future = 6 * MINUTE
    engine.define("ever", tally())
    engine.event("u", at=future)
    assert not engine.member("ever", "u")
    assert engine.horizon("u") == future
    engine.move(future - 1)
    assert engine.moves() == []
    engine.move(future)
    assert named(engine.moves()) == [f"+ever:u@{future} TIME"]
    assert engine.horizon("u") == FOREVER - START


def test_a_hidden_event_cuts_the_horizon_of_every_segment_that_reads_it(engine: Driver) -> None:
    future = 6 * MINUTE
    engine.define("quiet", negated(tally()))
    engine.define("quieter", ref("quiet"))
    engine.event("u", at=future)
    assert engine.horizon("u") == future
    engine.moves()
    engine.move(future + 1)
    assert named(engine.moves()) == [f"-quiet:u@{future} TIME", f"-quieter:u@{future} TIME"]


@pytest.mark.parametrize(("ahead", "counts"), [(1, True), (5 * MINUTE, True), (5 * MINUTE + 1, False)])
def test_an_event_of_a_skewed_clock_counts_from_receipt(engine: Driver, ahead: int, counts: bool) -> None:
    engine.define("recent", tally(within=WINDOW))
    engine.move(100)
    engine.event("u", at=100 + ahead)
    assert engine.last == 100
    assert engine.member("recent", "u") is counts
    if counts:
        assert engine.horizon("u") == 100 + WINDOW


def test_events_of_equal_time_all_count(engine: Driver) -> None:
    engine.define("thrice", tally(at_least=3, within=WINDOW))
    engine.write(event("u", at=0), event("u", at=0))
    assert not engine.member("thrice", "u")
    engine.event("u", at=0)
    assert engine.member("thrice", "u")
    engine.move(WINDOW)
    assert not engine.member("thrice", "u")


def test_early_horizons_move_nobody(engine: Driver) -> None:
    engine.define("recent", tally(within=WINDOW, early=7))
    engine.event("u", at=0)
    engine.moves()
    assert engine.horizon("u") <= engine.last + 7
    engine.move(WINDOW - 1)
    assert engine.moves() == []
    engine.move(WINDOW)
    assert named(engine.moves()) == [f"-recent:u@{WINDOW} TIME"]


def test_a_waiting_attribute_comes_due(engine: Driver) -> None:
    engine.define("begun", {"after": {"attribute": "begins"}})
    engine.profile("u", begins=float(START + 700))
    assert engine.horizon("u") == 700
    engine.move(2_000)
    assert named(engine.moves()) == ["+begun:u@700 TIME"]


def test_a_commit_is_strictly_later_than_the_last_although_the_clock_stands(engine: Driver) -> None:
    engine.define("recent", tally(within=2))
    instants = []
    for _ in range(3):
        engine.event("u")
        instants.append(engine.last)
    assert instants == sorted(set(instants))
    assert engine.now == engine.last > 0


def test_the_clock_that_stands_behind_the_last_commit_still_meets_deadlines(engine: Driver) -> None:
    engine.define("recent", tally(within=2))
    engine.event("u", at=0)
    engine.event("v")
    engine.event("v")
    engine.event("v")
    assert "-recent:u@2 TIME" in named(engine.moves())


def test_new_users_enter_what_everybody_enters(engine: Driver) -> None:
    engine.define("quiet", negated(tally()))
    engine.define("not-pro", negated(has("plan", "pro")))
    engine.write(event("u", "Other"))
    engine.profile("v", colour="red")
    assert named(engine.moves()) == [
        f"+quiet:u@{engine.last - 1} EVENT",
        f"+not-pro:u@{engine.last - 1} EVENT",
        f"+quiet:v@{engine.last} ATTRIBUTE",
        f"+not-pro:v@{engine.last} ATTRIBUTE",
    ]


def test_the_cause_is_what_was_written_or_else_the_time(engine: Driver) -> None:
    engine.define("recent", tally(within=WINDOW))
    engine.define("pro", has("plan", "pro"))
    engine.define("both", every(ref("recent"), ref("pro")))
    engine.profile("u", plan="free")
    engine.write(event("u", message_id="m1"))
    engine.profile("u", plan="pro")
    engine.profile("u", plan=None)
    moves = engine.moves()
    assert [(move.segment, move.cause) for move in moves] == [
        ("recent", "EVENT"),
        ("pro", "ATTRIBUTE"),
        ("both", "ATTRIBUTE"),
        ("pro", "ATTRIBUTE"),
        ("both", "ATTRIBUTE"),
    ]


def test_a_write_that_only_meets_a_deadline_leaves_the_cause_to_time(engine: Driver) -> None:
    engine.define("recent", tally(within=WINDOW))
    engine.event("u", at=0)
    engine.moves()
    engine.move(WINDOW, tick=False)
    engine.profile("u", colour="red")
    assert engine.last == WINDOW
    assert named(engine.moves()) == [f"-recent:u@{WINDOW} TIME"]


def test_what_is_written_about_a_row_that_is_due_is_judged_too(engine: Driver) -> None:
    engine.define("recent", tally(within=WINDOW))
    engine.define("pro", has("plan", "pro"))
    engine.event("u", at=0)
    engine.moves()
    engine.move(WINDOW, tick=False)
    engine.profile("u", plan="pro")
    assert named(engine.moves()) == [f"-recent:u@{WINDOW} TIME", f"+pro:u@{WINDOW} ATTRIBUTE"]


def test_one_group_is_one_revision_without_states_between_its_items(engine: Driver) -> None:
    engine.define("pro", has("plan", "pro"))
    before = engine.engine.live.revision
    engine.write(
        *(event("u", at=-5) for _ in range(3)),
        *(ProfileWrite("u", {"plan": plan}) for plan in ("pro", "free")),
    )
    assert engine.engine.live.revision == before + 1
    assert engine.moves() == []
