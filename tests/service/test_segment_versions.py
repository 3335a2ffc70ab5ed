"""Versions come back, archived segments are not deleted ones, and what a group makes is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from tests.service.opened import define, member, opened

from segmentd.engine.catalogue import State
from segmentd.errors import Reason, SegmentdError
from segmentd.population.kinds import Json
from segmentd.service.group_info import GroupSpec
from segmentd.service.items import EventWrite, ProfileWrite
from segmentd.service.segment_info import SegmentSpec
from segmentd.service.service import Service
from segmentd.storage import Store
from segmentd.times import DAY, Micros

CHAMPIONS: Json = {"rfm": {"m": {"equals": 5}, "refit": {"every": "1d"}}}


def rule(equals: Json) -> Json:
    return {"attribute": {"x": {"equals": equals}}}


async def refused(call: Awaitable[object]) -> tuple[Reason, dict[str, str]]:
    """The reason and metadata of a call that must be refused."""
    with pytest.raises(SegmentdError) as seen:
        await call
    return seen.value.reason, seen.value.metadata


async def user(service: Service, name: str, x: Json) -> None:
    """Write one user."""
    await service.profiles.upsert([ProfileWrite(name, {"x": x})])


def test_an_old_version_comes_back_as_a_new_one(service: Service) -> None:
    async def scenario() -> None:
        await user(service, "u", 1)
        await define(service, "s", rule(1), include=("i",))
        await service.segments.update(SegmentSpec("s", rule=rule(2)), ["rule", "include"], "", "bob", "two")
        assert not await member(service, "u", "s")
        tried = await service.segments.preview_restoration("s", 1, "", "", "", 10)
        [change] = tried.preview.changes
        assert (tried.view.info.version, change.entering, change.entering_sample) == (3, 2, ("u", "i"))
        restored = await service.segments.restore("s", 1, "1-2", "ann", "back")
        info = restored.info
        assert (info.version, info.author, info.note, info.spec.include) == (3, "ann", "back", ("i",))
        assert await member(service, "u", "s")
        versions, _ = await service.segments.versions("s")
        assert [(each.version, each.author, each.state) for each in versions] == [
            (3, "ann", "active"),
            (2, "bob", "active"),
            (1, "", "active"),
        ]
        assert (await refused(service.segments.restore("s", 9, "", "", "")))[0] == Reason.VERSION_NOT_FOUND
        assert (await refused(service.segments.restore("s", 1, "1-2", "", "")))[0] == Reason.ETAG_MISMATCH
        assert (await refused(service.segments.restore("t", 1, "", "", "")))[0] == Reason.SEGMENT_NOT_FOUND

    asyncio.run(scenario())


def test_a_version_that_refers_to_what_is_gone_does_not_come_back(service: Service) -> None:
    async def scenario() -> None:
        await define(service, "part", rule(1))
        await define(service, "whole", {"segment": "part"})
        await service.segments.update(SegmentSpec("whole", rule=rule(1)), ["rule"], "", "", "")
        await service.segments.delete("part")
        assert (await refused(service.segments.restore("whole", 1, "", "", "")))[0] == Reason.INVALID_RULE
        assert service.segments.get("whole").info.version == 2

    asyncio.run(scenario())


def test_an_archived_segment_says_so_and_comes_back(tmp_path: Path) -> None:
    async def before(service: Service) -> None:
        await user(service, "u", 1)
        await define(service, "s", rule(1))
        await service.segments.archive("s", "", "ann", "over")
        assert (await refused(member(service, "u", "s")))[0] == Reason.SEGMENT_ARCHIVED

    async def after(service: Service) -> None:
        view = service.segments.get("s")
        assert (view.state, view.info.version, view.info.author, view.info.note) == (State.ARCHIVED, 2, "ann", "over")
        assert (await refused(service.segments.archive("s", "")))[0] == Reason.SEGMENT_ARCHIVED
        await service.segments.restore("s", 2, "", "", "")
        assert await member(service, "u", "s")

    for scenario in (before, after):
        service = opened(tmp_path / "db")
        asyncio.run(scenario(service))
        service.close()


def test_a_deleted_segment_is_unknown_and_its_id_is_free(tmp_path: Path) -> None:
    async def before(service: Service) -> None:
        await user(service, "u", 1)
        await define(service, "s", rule(1))
        await define(service, "refers", {"segment": "s"})
        assert await refused(service.segments.delete("s")) == (
            Reason.SEGMENT_REFERENCED,
            {"segment_id": "s", "referenced_by": "refers"},
        )
        await service.segments.delete("refers")
        await service.segments.delete("s", "1-1")
        assert (await refused(member(service, "u", "s")))[0] == Reason.SEGMENT_NOT_FOUND
        assert (await refused(service.segments.delete("s")))[0] == Reason.SEGMENT_NOT_FOUND

    async def after(service: Service) -> None:
        assert (await refused(service.segments.versions("s")))[0] == Reason.SEGMENT_NOT_FOUND
        view = await define(service, "s", rule(1))
        assert (view.info.version, view.info.segment_key) == (1, 3)
        await service.segments.archive("s", "")
        await service.segments.delete("s")

    for scenario in (before, after):
        service = opened(tmp_path / "db")
        asyncio.run(scenario(service))
        service.close()
    with Store.open(tmp_path / "db") as store:
        moves = [each.transition for each in store.transitions(None, 100)]
        assert all(len(store.members(key)) == 0 for key in (1, 2, 3))
    assert [(each.segment_key, each.segment_version, each.entered, each.cause) for each in moves] == [
        (1, 1, True, "DEFINITION"),
        (2, 1, True, "DEFINITION"),
        (2, 1, False, "DEFINITION"),
        (1, 1, False, "DEFINITION"),
        (3, 1, True, "DEFINITION"),
        (3, 2, False, "DEFINITION"),
    ]


def test_what_a_group_makes_is_refused_and_names_the_group(service: Service) -> None:
    managed = SegmentSpec("g/a", rule={"segment": "a"}, managed_by="g")

    async def scenario() -> None:
        await define(service, "a", rule(1))
        await service.groups.create(GroupSpec("g", ("a",)), "", "")
        segments = service.segments
        spec = replace(managed, name="mine")
        for call in (
            segments.update(spec, ["name"], "", "", ""),
            segments.update(managed, ["name"], "", "", ""),
            segments.preview_update(spec, ["name"], "", "", "", 1),
            segments.restore("g/a", 1, "", "", ""),
            segments.archive("g/a", ""),
            segments.delete("g/a"),
            segments.create(spec, "", ""),
        ):
            expected = {"segment_id": "g/a", "group_id": "g"}
            assert await refused(call) == (Reason.SEGMENT_MANAGED, expected)
        assert await refused(segments.delete("a")) == (
            Reason.SEGMENT_REFERENCED,
            {"segment_id": "a", "groups": "g"},
        )
        await service.groups.delete("g", "")
        await service.segments.delete("a")
        assert service.segments.select({}, archived=True)[0] == []

    asyncio.run(scenario())


def test_of_concurrent_edits_with_one_etag_one_is_made(service: Service) -> None:
    async def scenario() -> None:
        await define(service, "base", rule(0))
        await define(service, "above", {"not": {"segment": "base"}})
        etag = service.segments.get("base").info.etag
        edits = [service.segments.update(SegmentSpec("base", rule=rule(i)), ["rule"], etag, "", "") for i in (1, 2, 3)]
        above = service.segments.update(SegmentSpec("above", rule={"segment": "base"}), ["rule"], "", "", "")
        results = await asyncio.gather(*edits, above, return_exceptions=True)
        assert [type(each).__name__ for each in results] == ["SegmentView", "Conflict", "Conflict", "SegmentView"]
        await user(service, "u", 1)
        assert await member(service, "u", "base")
        assert await member(service, "u", "above")

    asyncio.run(scenario())


def test_versions_and_answers_name_the_models_also_of_what_is_referred_to(service: Service) -> None:
    async def scenario() -> None:
        orders = [EventWrite(f"u{i}", "Order Completed", properties={"revenue": 10.0 * i}) for i in range(5)]
        await service.profiles.ingest(orders)
        await define(service, "best", CHAMPIONS)
        await define(service, "rest", {"not": {"segment": "best"}})
        start = service.segments.get("best").models[0].fitted
        assert start is not None
        await service.advance_clock(by=Micros(2 * DAY + 1))
        for name in ("best", "rest"):
            check = await service.memberships.check("u4", name)
            assert [(each.type_name, each.version) for each in check.models] == [("rfm", 3)]
            [model] = service.segments.get(name).models
            assert model.fitted is not None
            assert (model.fitted.version, model.fitted.fit_time) == (3, start.fit_time + 2 * DAY)
            [version], _ = await service.segments.versions(name)
            assert list(orjson.loads(version.models).values()) == [3]
        models, _ = await service.segments.models("rest")
        assert [each.version for each in models] == [3, 2, 1]
        assert orjson.loads(models[0].summary)["groups"]

    asyncio.run(scenario())
