"""Exclusive groups: every user is in the first segment that matches, and in no other of the group."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.service.opened import define, member, opened
from tests.service.test_user_lists import moves
from tests.service.uploading import members, upload

from segmentd.errors import (
    AlreadyExists,
    Conflict,
    FailedPrecondition,
    InvalidInput,
    NotFound,
    Reason,
    SegmentdError,
)
from segmentd.service.group_info import GroupSpec
from segmentd.service.group_report import GroupReport
from segmentd.service.items import EventWrite
from segmentd.service.service import Service
from segmentd.times import DAY, Micros

USERS = [f"u{number}" for number in range(8)]
SEGMENTS = ("a", "b", "c", "d")
SETS = st.fixed_dictionaries({name: st.sets(st.sampled_from(USERS)) for name in SEGMENTS})
ORDERS = st.lists(st.sampled_from(SEGMENTS), min_size=1, max_size=4, unique=True)


def claims(order: Sequence[str], sets: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Whom each segment claims, by the words: each user is given to the first segment that has it."""
    claimed: dict[str, set[str]] = {name: set() for name in order}
    for user in USERS:
        for name in order:
            if user in sets[name]:
                claimed[name].add(user)
                break
    return claimed


async def fill(service: Service, sets: Mapping[str, set[str]]) -> None:
    for name, users in sets.items():
        await upload(service, name, sorted(users))


async def check(service: Service, group: str, order: Sequence[str], sets: Mapping[str, set[str]]) -> None:
    """Memberships and report say what the words say."""
    expected = claims(order, sets)
    assert {name: await members(service, f"{group}/{name}") for name in order} == expected
    report = await service.groups.report(group)
    matched = {name: sets[name] for name in order}
    assert [(each.segment_id, each.matched, each.claimed, each.lost) for each in report.shares] == [
        (name, len(matched[name]), len(expected[name]), len(matched[name] - expected[name])) for name in order
    ]
    times = [sum(user in users for users in matched.values()) for user in USERS]
    assert report.users == sum(each > 0 for each in times)
    assert report.overlap_users == sum(each > 1 for each in times)
    assert report.withheld == sum(times) - report.users
    pairs = {
        (i, j): len(matched[order[i]] & matched[order[j]])
        for i, j in combinations(range(len(order)), 2)
        if matched[order[i]] & matched[order[j]]
    }
    assert report.overlaps == pairs


@settings(max_examples=60)
@given(SETS, ORDERS, ORDERS, SETS)
def test_groups_are_waterfalls_whatever_is_written_and_reordered(
    before: dict[str, set[str]], first: list[str], second: list[str], after: dict[str, set[str]]
) -> None:
    async def run() -> None:
        service = opened()
        try:
            await fill(service, before)
            for name in SEGMENTS:
                await define(service, name, {"list": {"uploaded": name}})
            await service.groups.create(GroupSpec("g", tuple(first)), "", "")
            await check(service, "g", first, before)
            await service.groups.update(GroupSpec("g", tuple(second)), ["segment_ids"], "", "", "")
            await check(service, "g", second, before)
            assert {name for name in service._engine.live.segments if "/" in name} == {f"g/{name}" for name in second}
            for name in set(first) & set(second):
                old, new = claims(first, before)[name], claims(second, before)[name]
                found = moves(service, f"g/{name}")
                assert {(user, entered) for user, entered, _ in found} == (
                    {(user, True) for user in old | new} | {(user, False) for user in old - new}
                )
                assert {cause for _, _, cause in found} <= {"DEFINITION"}
            await fill(service, after)
            await check(service, "g", second, after)
        finally:
            service.close()

    asyncio.run(run())


@pytest.fixture
def grouped(service: Service) -> Service:
    """Segments a to c, and a group g of them."""

    async def make() -> None:
        await fill(service, {"a": {"u1", "u2"}, "b": {"u2", "u3"}, "c": {"u3", "u4"}, "d": set()})
        for name in SEGMENTS:
            await define(service, name, {"list": {"uploaded": name}})
        spec = GroupSpec("g", ("a", "b", "c"), "Campaigns", "d", "crm", {"team": "crm"})
        await service.groups.create(spec, "ada", "first")

    asyncio.run(make())
    return service


async def refused(call: Any) -> SegmentdError:
    with pytest.raises(SegmentdError) as seen:
        await call
    return seen.value


def test_a_group_is_one_revision_and_its_segments_say_whose_they_are(grouped: Service) -> None:
    async def run() -> None:
        service = grouped
        view = service.groups.get("g")
        assert (view.info.version, view.info.author, view.info.note) == (1, "ada", "first")
        second = service.segments.get("g/b").info
        assert second.spec.rule == {"all": [{"segment": "b"}, {"not": {"any": [{"segment": "a"}]}}]}
        assert (second.spec.managed_by, dict(second.spec.labels), second.spec.owner) == ("g", {"team": "crm"}, "crm")
        assert second.update_time == view.info.update_time == service.segments.get("g/c").info.update_time
        changed = await service.groups.update(GroupSpec("g", ("c", "d", "a")), ["segment_ids"], "", "bob", "why")
        assert changed.revision == view.revision + 1
        assert changed.info.create_time == view.info.create_time < changed.info.update_time
        versions = {name: service.segments.get(f"g/{name}").info.version for name in ("a", "c", "d")}
        assert versions == {"a": 2, "c": 2, "d": 1}
        with pytest.raises(NotFound):
            service.segments.get("g/b")
        assert sorted(moves(service, "g/c")) == [
            ("u3", True, "DEFINITION"),
            ("u4", True, "DEFINITION"),
        ]

    asyncio.run(run())


def test_a_change_of_nothing_makes_no_version(grouped: Service) -> None:
    async def run() -> None:
        before = grouped.groups.get("g")
        same = await grouped.groups.update(GroupSpec("g", ("a", "b", "c")), ["segment_ids"], before.info.etag, "", "")
        assert same == before
        renamed = await grouped.groups.update(GroupSpec("g", name="New"), ["name"], before.info.etag, "", "")
        assert (renamed.info.spec.name, renamed.info.spec.segment_ids) == ("New", ("a", "b", "c"))
        stale = await refused(grouped.groups.update(GroupSpec("g", name="x"), ["name"], before.info.etag, "", ""))
        assert (type(stale), stale.reason) == (Conflict, Reason.ETAG_MISMATCH)
        assert isinstance(await refused(grouped.groups.delete("g", before.info.etag)), Conflict)

    asyncio.run(run())


def test_only_the_group_changes_its_segments_and_nobody_takes_what_it_is_made_of(grouped: Service) -> None:
    async def run() -> None:
        segments = grouped.segments
        spec = segments.get("g/b").info.spec
        for call in (
            segments.update(replace(spec, name="mine"), ["name"], "", "", ""),
            segments.archive("g/b", ""),
            segments.create(replace(spec, managed_by=""), "", ""),
        ):
            error = await refused(call)
            assert error.reason is Reason.SEGMENT_MANAGED
            assert error.metadata == {"segment_id": "g/b", "group_id": "g"}
        taken = await refused(segments.archive("b", ""))
        assert (taken.reason, "exclusive group g" in taken.message) == (Reason.SEGMENT_REFERENCED, True)
        await grouped.groups.update(GroupSpec("g", ("a", "c")), ["segment_ids"], "", "", "")
        await segments.archive("b", "")

    asyncio.run(run())


@pytest.mark.parametrize(
    ("names", "field", "words"),
    [
        ((), "segment_ids", "1 to 50"),
        (tuple(f"s{number}" for number in range(51)), "segment_ids", "1 to 50"),
        (("a", "b", "a"), "segment_ids[2]", "twice"),
        (("a", ""), "segment_ids[1]", "empty"),
        (("a", "x" * 255), "segment_ids[1]", "bytes"),
        (("a", "nobody"), "segment_ids[1]", "no segment"),
        (("old",), "segment_ids[0]", "archived"),
        (("g/b",), "segment_ids[0]", "made by this group"),
        (("round", "a"), "segment_ids", "circle"),
    ],
)
def test_a_group_of_what_cannot_be_is_refused_whole(
    grouped: Service, names: tuple[str, ...], field: str, words: str
) -> None:
    async def run() -> None:
        await define(grouped, "old", {"segment": "a"})
        await grouped.segments.archive("old", "")
        await define(grouped, "round", {"segment": "g/a"})
        before = grouped.groups.get("g")
        error = await refused(grouped.groups.update(GroupSpec("g", names), ["segment_ids"], "", "", ""))
        assert isinstance(error, InvalidInput)
        assert (error.violations[0].field, words in error.violations[0].description) == (field, True), error
        assert grouped.groups.get("g") == before
        assert await members(grouped, "g/b") == {"u3"}

    asyncio.run(run())


def test_ids_that_a_group_needs_must_be_free(grouped: Service) -> None:
    async def run() -> None:
        await define(grouped, "h/a", {"segment": "a"})
        for spec in (GroupSpec("g", ("a",)), GroupSpec("h", ("a",))):
            error = await refused(grouped.groups.create(spec, "", ""))
            assert (type(error), error.reason) == (AlreadyExists, Reason.GROUP_EXISTS)
        await grouped.segments.archive("h/a", "")
        await grouped.groups.create(GroupSpec("h", ("a",)), "", "")
        assert await members(grouped, "h/a") == {"u1", "u2"}
        missing = await refused(grouped.groups.delete("nobody", ""))
        assert (type(missing), missing.reason) == (NotFound, Reason.GROUP_NOT_FOUND)

    asyncio.run(run())


def test_what_others_refer_to_keeps_a_group_from_letting_it_go(grouped: Service) -> None:
    async def run() -> None:
        await grouped.groups.create(GroupSpec("outer", ("g/b", "d")), "", "")
        await define(grouped, "user", {"segment": "g/c"})
        assert await members(grouped, "outer/g/b") == {"u3"}
        for call in (
            grouped.groups.delete("g", ""),
            grouped.groups.update(GroupSpec("g", ("a", "c")), ["segment_ids"], "", "", ""),
            grouped.groups.update(GroupSpec("g", ("a", "b")), ["segment_ids"], "", "", ""),
        ):
            error = await refused(call)
            assert (type(error), error.reason) == (FailedPrecondition, Reason.SEGMENT_REFERENCED)
        assert (await refused(grouped.groups.delete("g", ""))).metadata == {"segment_id": "g/b", "groups": "outer"}
        await grouped.groups.delete("outer", "")
        await grouped.segments.archive("user", "")
        await grouped.groups.delete("g", "")
        assert grouped.groups.select()[0] == []
        assert {name for name in grouped._engine.live.segments if "/" in name} == set()
        assert await members(grouped, "a") == {"u1", "u2"}

    asyncio.run(run())


def test_time_moves_users_down_the_waterfall(service: Service) -> None:
    async def run() -> None:
        await service.profiles.ingest([EventWrite("u1", "Seen")])
        await define(service, "new", {"behavioral": {"event": "Seen", "within": "1d"}})
        await define(service, "known", {"behavioral": {"event": "Seen", "within": "7d"}})
        await service.groups.create(GroupSpec("g", ("new", "known")), "", "")
        assert (await member(service, "u1", "g/new"), await member(service, "u1", "g/known")) == (True, False)
        await service.advance_clock(by=Micros(DAY))
        assert (await member(service, "u1", "g/new"), await member(service, "u1", "g/known")) == (False, True)
        await service.advance_clock(by=Micros(6 * DAY))
        report = await service.groups.report("g")
        assert (report.users, [each.claimed for each in report.shares]) == (0, [0, 0])
        assert moves(service, "g/known") == {("u1", True, "TIME"): 1, ("u1", False, "TIME"): 1}

    asyncio.run(run())


def test_a_group_below_a_segment_without_answers_has_none_either(service: Service) -> None:
    async def run() -> None:
        await upload(service, "a", ["u1"])
        await define(service, "a", {"list": {"uploaded": "a"}})
        await define(service, "waiting", {"rfm": {"segment": "Champions"}})
        await service.groups.create(GroupSpec("g", ("a", "waiting")), "", "")
        assert await member(service, "u1", "g/a")
        for call in (member(service, "u1", "g/waiting"), service.groups.report("g")):
            assert (await refused(call)).reason is Reason.SEGMENT_PENDING

    asyncio.run(run())


def test_groups_survive_a_restart(tmp_path: Path) -> None:
    async def make(service: Service) -> GroupReport:
        await fill(service, {"a": {"u1", "u2"}, "b": {"u2", "u3"}, "c": set(), "d": set()})
        for name in SEGMENTS:
            await define(service, name, {"list": {"uploaded": name}})
        await service.groups.create(GroupSpec("gone", ("d",)), "", "")
        await service.groups.create(GroupSpec("g", ("b", "a"), labels={"team": "crm"}), "ada", "why")
        await service.groups.delete("gone", "")
        return await service.groups.report("g")

    first = opened(tmp_path / "groups.db")
    before = asyncio.run(make(first))
    view = first.groups.get("g")
    first.close()
    second = opened(tmp_path / "groups.db")
    assert second.groups.get("g") == view
    assert second.groups.select()[0] == [view.info]
    assert asyncio.run(second.groups.report("g")) == before
    second.close()
