"""Edits to definitions: what is a change, and what stays failed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.service.opened import define, member, opened

from segmentd.engine.catalogue import State
from segmentd.errors import FailedPrecondition
from segmentd.population.kinds import Json, Kind
from segmentd.service.items import EventWrite, ProfileWrite
from segmentd.service.segment_info import SegmentSpec
from segmentd.service.service import Service
from segmentd.storage import Store


def rule(equals: Json) -> Json:
    return {"attribute": {"x": {"equals": equals}}}


@pytest.mark.parametrize(("before", "after"), [(1, True), (True, 1), (False, 0)])
def test_a_rule_that_asks_for_true_instead_of_one_is_another_rule(service: Service, before: Json, after: Json) -> None:
    async def scenario() -> SegmentSpec:
        await define(service, "a", rule(before))
        await service.segments.update(SegmentSpec("a", rule=rule(after)), ["rule"], "", "", "")
        return service.segments.get("a").info.spec

    found = asyncio.run(scenario()).rule
    assert isinstance(found, dict)
    assert repr(found) == repr(rule(after))


def test_an_update_that_changes_nothing_makes_no_version(service: Service) -> None:
    async def scenario() -> int:
        await define(service, "a", {"all": [rule(1), {"attribute": {"y": {"equals": 1, "exists": True}}}]})
        same: Json = {"all": [rule(1), {"attribute": {"y": {"exists": True, "equals": 1}}}]}
        return (await service.segments.update(SegmentSpec("a", rule=same), ["rule"], "", "", "")).info.version

    assert asyncio.run(scenario()) == 1


def test_an_update_answers_with_its_own_version_and_etag_however_late_the_answer_is_read(service: Service) -> None:
    """With the etag of a later update, its caller would overwrite what it has never seen."""

    async def scenario() -> list[tuple[int, Json, int]]:
        await define(service, "a", rule(0))
        updates = [
            asyncio.create_task(service.segments.update(SegmentSpec("a", rule=rule(i)), ["rule"], "", "", ""))
            for i in (1, 2)
        ]
        await asyncio.sleep(0)
        service._engine.refit([]).result()  # the loop stands still until all edits are made
        return [(view.info.version, view.info.spec.rule, view.revision) for view in await asyncio.gather(*updates)]

    assert asyncio.run(scenario()) == [(2, rule(1), 2), (3, rule(2), 3)]


def test_a_segment_whose_type_is_switched_off_stays_failed_when_attributes_are_declared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Declaring tries all failed segments again; a rule that cannot be read must not come back as nobody's."""

    async def before(service: Service) -> None:
        await define(service, "a", {"behavioral": {"event": "E"}})
        await service.profiles.ingest([EventWrite("u", "E")])

    async def without_type(service: Service) -> None:
        await service.profiles.declare([("q", Kind.NUMBER)], retype=False)
        assert service.segments.get("a").state is State.FAILED
        with pytest.raises(FailedPrecondition, match="behavioral"):
            await member(service, "u", "a")

    async def again(service: Service) -> bool:
        return await member(service, "u", "a")

    first = opened(tmp_path / "db")
    asyncio.run(before(first))
    first.close()
    second = opened(tmp_path / "db", disabled=["behavioral"])
    asyncio.run(without_type(second))
    second.close()
    with monkeypatch.context() as patch:
        patch.setattr(Store, "set_segment_state", lambda *_: pytest.fail("it is noted already"))
        opened(tmp_path / "db", disabled=["behavioral"]).close()
    third = opened(tmp_path / "db")
    assert asyncio.run(again(third))
    third.close()


def test_who_was_in_a_segment_that_failed_does_not_enter_its_next_version(tmp_path: Path) -> None:
    async def before(service: Service) -> None:
        await define(service, "s", {"behavioral": {"event": "E"}})
        await service.profiles.ingest([EventWrite("in", "E"), EventWrite("out", "E")])
        await service.profiles.upsert([ProfileWrite(user, {"plan": "pro"}) for user in ("in", "new")])

    async def edited(service: Service) -> list[tuple[int, bool]]:
        start = service._engine.tail.end
        spec = SegmentSpec("s", rule={"attribute": {"plan": {"equals": "pro"}}})
        await service.segments.update(spec, ["rule"], "", "", "")
        moves = service._engine.log_reader.run(lambda reads: reads.transitions(start, 10)).result()
        return [(each.transition.user_key, each.transition.entered) for each in moves]

    first = opened(tmp_path / "db")
    asyncio.run(before(first))
    keys = {user: first._engine.live.user_key(first._engine.live.users.index[user]) for user in ("out", "new")}
    first.close()
    second = opened(tmp_path / "db", disabled=["behavioral"])
    assert sorted(asyncio.run(edited(second))) == sorted([(keys["out"], False), (keys["new"], True)])
    second.close()
