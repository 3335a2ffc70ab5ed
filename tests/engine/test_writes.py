"""Writes: what is refused leaves nothing behind, what is stored is there after a restart, repeats change nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
from tests.engine import toys
from tests.engine.driver import Driver, event, has, named, negated, tally

from segmentd.engine.memberships import Memberships
from segmentd.errors import StorageFailed
from segmentd.plugins.derivation import Derivation
from segmentd.plugins.host import Plugins, load_plugins
from segmentd.population.kinds import Json, Kind
from segmentd.service.ingest import Ingest
from segmentd.service.items import ProfileWrite
from segmentd.service.profiles import Profiles
from segmentd.storage import Store, event_rows, session
from segmentd.storage.session import Session


def test_a_refused_event_decides_no_kind(engine: Driver) -> None:
    bad = event("u", properties={"size": "large"}, context={"screen": {"width": "wide"}})
    good = event("v", properties={"size": 5})
    refused, kept = engine.write(bad, good).results
    assert refused.error is not None
    assert kept.error is None
    assert engine.engine.live.schema.event_property("E", "size") is Kind.NUMBER
    assert "u" not in engine.engine.live.users.index


def test_first_values_of_one_group_decide_for_the_rest_of_it(engine: Driver) -> None:
    first, second = engine.write(ProfileWrite("u", {"x": "a"}), ProfileWrite("v", {"x": 1})).results
    assert first.error is None
    assert second.error is not None
    assert "v" not in engine.engine.live.users.index


def test_a_user_without_attributes_has_a_profile(engine: Driver) -> None:
    engine.write(ProfileWrite("u", {"plan": None}))
    engine.write(ProfileWrite("v"))
    engine.event("w")
    for user in ("u", "v", "w"):
        assert Profiles(engine.engine)._get(user)[0].attributes == {}
    engine.define("free", negated(has("plan", "pro")))
    engine.restart()
    assert engine.stored("free") == {"u", "v", "w"}


def test_a_repeated_message_changes_nothing_and_other_content_is_refused(engine: Driver) -> None:
    engine.define("twice", tally(at_least=2))
    engine.write(event("u", at=0, message_id="m"))
    revision = engine.engine.live.revision
    again, other = engine.write(event("u", at=0, message_id="m"), event("u", at=1, message_id="m")).results
    assert again.duplicate
    assert other.error is not None
    assert engine.engine.live.revision == revision
    inside = engine.write(*(event("v", at=0, message_id="n") for _ in range(3))).results
    assert [each.duplicate for each in inside] == [False, True, True]
    assert engine.stored("twice") == set()
    engine.restart()
    assert engine.write(event("u", at=0, message_id="m")).results[0].duplicate
    assert engine.stored("twice") == set()


def test_an_attribute_that_is_removed_is_missing(engine: Driver) -> None:
    engine.define("pro", has("plan", "pro"))
    engine.profile("u", plan="pro")
    engine.profile("u", plan=None)
    assert engine.stored("pro") == set()
    engine.restart()
    assert engine.stored("pro") == set()


def test_a_write_that_changes_nothing_makes_no_revision(engine: Driver) -> None:
    engine.profile("u", plan="pro")
    revision = engine.engine.live.revision
    assert engine.profile("u", plan="pro").revision == revision
    assert engine.profile("u", colour=None).revision == revision


@pytest.mark.parametrize(
    "moment", ["advance", "append_moves", "write_kinds", "insert_event_batch", "transaction", "beside"]
)
def test_a_commit_that_fails_is_an_error_and_memory_is_as_the_disk(
    engine: Driver, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    engine.define("ever", tally())
    engine.event("u")

    def fails(*_: object) -> None:
        raise StorageFailed("full")

    with monkeypatch.context() as patch:
        if moment == "transaction":
            patch.setattr(Session, "_commit", fails)
        elif moment == "beside":  # while the group is judged already
            patch.setattr(event_rows, "_FEW", 0)
            patch.setattr(event_rows, "_MANY", 0)
            patch.setattr(session, "_execute", fails)
        else:
            patch.setattr(Store, moment, fails)
        with pytest.raises(StorageFailed):
            engine.write(event("v", properties={"size": "large"}), ProfileWrite("u", {"plan": "pro"}))
        assert engine.see("v", exactly=False).known.tolist() == [False]
        assert engine.see("u", exactly=False).words.tolist() == engine.see("u").words.tolist()
    engine.engine.recover()
    assert engine.stored("ever") == {"u"}
    assert "v" not in engine.engine.live.users.index
    assert engine.engine.live.schema.event_property("E", "size") is None
    engine.write(event("v", properties={"size": 5}))
    assert engine.stored("ever") == {"u", "v"}
    assert engine.engine.live.users.index == {"u": 0, "v": 1}


def test_bits_are_published_after_commit_and_under_the_lock(engine: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.define("ever", tally())
    live, found = engine.engine.live, []
    store, release = Memberships.store, Memberships.release

    def stored(self: Memberships, *arguments: Any) -> None:
        found.append((live.lock.locked(), engine.store.state().revision - live.revision))
        store(self, *arguments)

    def released(self: Memberships, slot: int) -> None:
        found.append((live.lock.locked(), engine.store.state().revision - live.revision))
        release(self, slot)

    monkeypatch.setattr(Memberships, "store", stored)
    monkeypatch.setattr(Memberships, "release", released)
    engine.event("u")
    engine.define("ever", tally(at_least=2))
    assert (True, 1) in found
    assert {locked for locked, _ in found} == {True}


def test_nothing_is_published_of_a_commit_that_is_still_open(engine: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.define("ever", tally())
    looked = []

    def looks(self: Ingest, *_: object) -> None:
        seen = engine.see("u", exactly=False)
        looked.append((seen.known.tolist(), seen.revision, engine.engine.revisions.reached(seen.revision + 1)))

    monkeypatch.setattr(Ingest, "judged", looks)
    revision = engine.engine.live.revision
    engine.event("u")
    assert looked == [([False], revision, False)]
    assert engine.see("u", exactly=False).known.tolist() == [True]
    assert engine.engine.revisions.reached(revision + 1)


def test_properties_that_a_later_definition_reads_are_those_of_their_events() -> None:
    engine = Driver(plugins=load_plugins())
    engine.define("ever", {"behavioral": {"event": "E"}})
    users = ("a", "b", "c")
    for time, user in enumerate(("a", "b", "a", "a", "c", "a", "b", "a", "a")):
        engine.event(user, at=-10 * (time % 4), properties={"size": float(time)})
    big: Json = {"behavioral": {"event": "E", "where": {"size": {"at_least": 6}}, "count": {"at_least": 2}}}
    total: Json = {"behavioral": {"event": "E", "sum": {"property": "size", "at_least": 7}}}
    engine.define("big", big)
    engine.define("total", total)
    assert engine.stored("big") == {"a"}
    assert engine.stored("total") == {"a", "b"}
    engine.event("c", properties={"size": 5.0})
    assert engine.stored("total") == set(users)
    engine.restart()
    assert engine.stored("big") == {"a"}
    assert engine.stored("total") == set(users)
    engine.close()


class Shout(Derivation):
    """The plan in capitals."""

    name = "shout"
    inputs = ("plan",)
    groups = (("loud",),)
    outputs: ClassVar[Mapping[str, Kind]] = {"loud": Kind.TEXT}

    def derive(self, values: Mapping[str, Json]) -> Mapping[str, Json]:
        return {"loud": str(values["plan"]).upper()}


class Whisper(Shout):
    """The next version: in small letters."""

    version = 2

    def derive(self, values: Mapping[str, Json]) -> Mapping[str, Json]:
        return {"loud": str(values["plan"]).lower()}


def _with(derivation: Derivation) -> Plugins:
    types = toys.plugins()
    return Plugins(types.segment_types, (derivation,), types.origins)


def test_a_derivation_that_changed_moves_users_by_transitions(engine: Driver) -> None:
    engine.restart(_with(Shout()))
    engine.define("loud", has("loud", "PRO"))
    engine.define("ever", tally())
    engine.profile("u", plan="pro")
    engine.moves()
    engine.restart(_with(Whisper()))
    assert engine.stored("loud") == set()
    assert named(engine.moves()) == [f"-loud:u@{engine.last} TYPE"]
    engine.profile("u", plan="pro", loud="PRO")
    assert engine.stored("loud") == {"u"}


class Dunce(toys.Richer):
    """Cannot learn."""

    def fit(self, *_: object) -> None:
        raise RuntimeError("too hard")


def test_a_type_that_cannot_learn_fails_its_segment_and_not_the_server(engine: Driver) -> None:
    engine.restart(toys.plugins(Dunce()))
    engine.profile("u", points=1.0)
    engine.define("rich", {"richer": {"attribute": "points"}})
    assert engine.state("rich") == "failed: richer cannot learn: RuntimeError: too hard"
    engine.restart()
    assert engine.state("rich").startswith("failed: ")
    engine.restart(toys.plugins())
    assert engine.state("rich") == "active"


class Forgetful(toys.Has):
    """Cannot say what it reads."""

    def reads(self, params: toys.HasParams) -> Any:
        raise RuntimeError("no idea")


def test_a_type_that_breaks_between_two_starts_fails_its_segments_and_not_the_server(engine: Driver) -> None:
    engine.define("pro", has("plan", "pro"))
    engine.define("ever", tally())
    engine.event("u")
    engine.restart(toys.plugins(Forgetful()))
    assert engine.state("pro") == "failed: RuntimeError: no idea"
    assert engine.stored("ever") == {"u"}
