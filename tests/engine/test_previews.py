"""A preview says exactly what the oracle says of an edit, and leaves everything as it was."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.dialect import toy_dialect
from tests.engine.driver import Driver, event, every, has, negated, ref, some, tally
from tests.engine.history import History
from tests.engine.oracle import Definition, Person

from segmentd.engine.catalogue import State
from segmentd.errors import AlreadyExists
from segmentd.service import aside
from segmentd.service.items import ProfileWrite
from segmentd.service.preview import Change, Preview
from segmentd.service.segment_info import SegmentSpec

T = TypeVar("T")
WINDOW = 1_000
USERS = [f"u{i}" for i in range(6)]
SAMPLE = 3


@pytest.fixture(autouse=True)
def chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rows a step."""
    monkeypatch.setattr(aside, "CHUNK", 2)


def ended(steps: Generator[None, None, T]) -> T:
    """What the steps return."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result


def preview(
    engine: Driver, name: str, rule: Any, include: tuple[str, ...] = (), exclude: tuple[str, ...] = ()
) -> Generator[None, None, Preview]:
    """The steps of a preview."""
    spec = SegmentSpec(name, rule=rule, include=include, exclude=exclude)
    return engine.engine._previewed(lambda: engine._definition(spec), SAMPLE)


def change(found: Preview, name: str) -> Change:
    """What would become of one segment."""
    return next(each for each in found.changes if each.segment_id == name)


def people(engine: Driver) -> None:
    """Six users, one event each."""
    engine.write(*(event(user, at=-i) for i, user in enumerate(USERS)))


def everything(engine: Driver) -> tuple[Any, ...]:
    """All that a preview must leave as it was."""
    live = engine.engine.live
    memberships = live.memberships
    return (
        live.catalogue,
        live.revision,
        live.instant,
        list(live.users.user_ids),
        sorted(memberships._free),
        memberships.counts.sum(),
        memberships.words.sum(),
        dict(live.models.latest),
        set(live.models._looks),
        set(live.users.tables),
        live.shadows,
        live.shadow_failures,
        engine.store.segments(),
        engine.store.models(),
        engine.store.next_user_key(),
    )


class Previewed(History):
    """Every definition is previewed before it is made."""

    def _define(self) -> None:
        self._finish()
        name, definition = self._definition()
        if self._circular(name, definition.rule):
            return
        self.engine.engine.tick()
        self.chronicle.tick()
        before = everything(self.engine)
        include, exclude = tuple(sorted(definition.include)), tuple(sorted(definition.exclude))
        found = ended(preview(self.engine, name, self._said(definition), include, exclude))
        assert everything(self.engine) == before
        self.compare_preview(name, definition, found)
        self.chronicle.define(name, definition)
        self.engine.define(name, self._said(definition), include, exclude)

    def compare_preview(self, name: str, definition: Definition, found: Preview) -> None:
        chronicle, world = self.chronicle, self.chronicle.world
        edit = chronicle.begin(name, definition)
        ahead = world.copy()
        ahead.segments[name] = definition
        ahead.means |= edit.means
        newcomers = sorted(definition.include - ahead.people.keys())
        for user in newcomers:
            ahead.people[user] = Person()
        assert {each.segment_id for each in found.changes} == ahead.dependants({name})
        assert (found.new_users, found.revision) == (len(newcomers), chronicle.revision)
        for each in found.changes:
            was = {user for user, bits in chronicle.bits.items() if each.segment_id in bits}
            if not ahead.active(each.segment_id):
                assert (each.state, each.size, each.entering, each.leaving) == (State.PENDING, None, 0, 0)
                continue
            will = {user for user in ahead.people if each.segment_id in ahead.bits(user, chronicle.now)}
            entering = [user for user in ahead.people if user in will - was]
            leaving = [user for user in ahead.people if user in was - will]
            assert (each.entering, each.leaving, each.size) == (len(entering), len(leaving), len(will))
            assert list(each.entering_sample) == entering[:SAMPLE]
            assert list(each.leaving_sample) == leaving[:SAMPLE]


@given(st.binary(min_size=100, max_size=300))
@settings(max_examples=4 * settings().max_examples)
def test_a_preview_is_what_the_oracle_says(data: bytes) -> None:
    engine = Driver()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aside, "CHUNK", 2)
        try:
            Previewed(data, engine, toy_dialect()).run()
        finally:
            engine.close()


def test_the_segment_and_all_that_refer_to_it(engine: Driver) -> None:
    engine.define("base", tally())
    engine.define("not-base", negated(ref("base")))
    engine.define("either", some(ref("base"), ref("not-base")))
    engine.define("apart", tally())
    people(engine)
    found = ended(preview(engine, "base", tally(at_least=2)))
    assert [each.segment_id for each in found.changes] == ["base", "not-base", "either"]
    assert (change(found, "base").leaving, change(found, "base").leaving_sample) == (6, ("u0", "u1", "u2"))
    assert (change(found, "not-base").entering, change(found, "not-base").size) == (6, 6)
    assert (change(found, "either").entering, change(found, "either").leaving) == (0, 0)


def test_users_that_include_would_create_are_counted_and_not_created(engine: Driver) -> None:
    engine.define("s", tally())
    engine.define("not-s", negated(ref("s")))
    people(engine)
    found = ended(preview(engine, "s", tally(), include=("x", "a", "u0"), exclude=("x",)))
    assert found.new_users == 2
    assert (change(found, "s").entering, change(found, "s").entering_sample, change(found, "s").size) == (1, ("a",), 7)
    assert (change(found, "not-s").entering_sample, change(found, "not-s").size) == (("x",), 1)
    assert "x" not in engine.engine.live.users.index
    assert engine.store.next_user_key() == 7


@pytest.mark.parametrize("steps_before", [1, 2, 3])
def test_what_is_written_meanwhile_counts(engine: Driver, steps_before: int) -> None:
    people(engine)
    steps = preview(engine, "twice", tally(at_least=2))
    for _ in range(steps_before):
        next(steps)
    engine.event("u0")
    engine.write(event("new"), event("new"))
    found = ended(steps)
    assert (change(found, "twice").entering_sample, change(found, "twice").size) == (("u0", "new"), 2)


def test_an_edit_after_a_preview_finds_free_slots(engine: Driver) -> None:
    people(engine)
    for _ in range(70):
        ended(preview(engine, "s", tally()))
    engine.define("s", tally(at_least=2))
    assert engine.plan("s").slot == 0
    assert engine.stored("s") == set()


def test_a_preview_that_is_given_up_leaves_nothing(engine: Driver) -> None:
    people(engine)
    before = everything(engine)
    steps = preview(engine, "s", every(tally("Other"), tally()))
    next(steps)
    steps.close()
    assert everything(engine) == before


def test_a_pending_segment_is_answered_as_such(engine: Driver) -> None:
    people(engine)
    found = ended(preview(engine, "rich", {"richer": {"attribute": "points"}}))
    [one] = found.changes
    assert (one.state, one.reason, one.size, one.entering) == (State.PENDING, "nobody to learn from yet", None, 0)


def test_a_model_is_fitted_for_the_preview_and_not_kept(engine: Driver) -> None:
    engine.write(*(ProfileWrite(user, {"points": float(i)}) for i, user in enumerate(USERS)))
    found = ended(preview(engine, "rich", {"richer": {"attribute": "points"}}))
    assert (change(found, "rich").size, [each.version for each in change(found, "rich").models]) == (3, [1])
    assert engine.store.models() == []


def test_a_segment_that_cannot_be_judged_is_answered_as_such(engine: Driver) -> None:
    people(engine)
    engine.define("broken", {"broken": {"attribute": "plan", "breaks_at": "bad"}})
    engine.define("above", ref("broken"))
    engine.profile("u5", plan="worse")
    found = ended(preview(engine, "broken", {"broken": {"attribute": "plan", "breaks_at": "worse"}}))
    assert [(each.state, each.size) for each in found.changes] == [(State.FAILED, None)] * 2
    assert "out of order" in change(found, "broken").reason
    assert engine.state("broken") == "active"


def test_what_cannot_be_made_cannot_be_previewed(engine: Driver) -> None:
    engine.define("s", has("plan", "pro"))
    steps = engine.engine._previewed(lambda: engine.segments._edits.creation(SegmentSpec("s"), "", ""), 1)
    with pytest.raises(AlreadyExists):
        ended(steps)
