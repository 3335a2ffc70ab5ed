"""Rules that ask for user lists: which lists there are, who may delete them, and who sees them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.service.opened import define
from tests.service.uploading import BETA, members, upload

from segmentd.errors import FailedPrecondition, InvalidInput, Reason
from segmentd.population.kinds import Kind
from segmentd.service.items import EventWrite, ProfileWrite
from segmentd.service.request_users import GivenProfile
from segmentd.service.service import Service


def test_a_rule_that_names_no_list_is_refused_at_its_path(service: Service) -> None:
    async def run() -> None:
        rule: Any = {"all": [{"list": {"users": ["u1"]}}, {"not": {"list": {"uploaded": "gamma"}}}]}
        with pytest.raises(InvalidInput) as seen:
            await define(service, "segment", rule)
        assert seen.value.reason is Reason.INVALID_RULE
        (fault,) = seen.value.violations
        assert (fault.field, fault.description) == (
            "rule.all[1].not.list.uploaded",
            "there is no user list 'gamma'",
        )
        with pytest.raises(InvalidInput, match=r"rule.list.uploaded"):
            await service.evaluations.count({"list": {"uploaded": "gamma"}})

    asyncio.run(run())


def test_a_list_that_segments_read_cannot_be_deleted(service: Service) -> None:
    async def run() -> None:
        await upload(service, "beta", ["u1"])
        await define(service, "b", {"not": BETA})
        await define(service, "a", {"any": [BETA, {"segment": "b"}]})
        await define(service, "c", {"segment": "a"})
        assert (await service.user_lists.get("beta")).referenced_by == ("a", "b")
        with pytest.raises(FailedPrecondition) as seen:
            await service.user_lists.delete("beta")
        assert seen.value.reason is Reason.LIST_REFERENCED
        assert seen.value.metadata == {"list_id": "beta", "referenced_by": "a,b"}
        for segment in ("c", "a", "b"):
            await service.segments.archive(segment, "")
        before = service.memberships.revision
        assert await service.user_lists.delete("beta") == before + 1
        with pytest.raises(InvalidInput):
            await define(service, "d", BETA)
        await upload(service, "beta", [])
        await define(service, "d", BETA)
        assert await members(service, "d") == set()

    asyncio.run(run())


def test_names_that_begin_with_list_are_refused_by_name(service: Service) -> None:
    async def run() -> None:
        await upload(service, "beta", [])
        written = await service.profiles.upsert([ProfileWrite("u1", {"list:beta": True, "plan": "pro"})])
        event = EventWrite("u1", "Seen", context={"list:beta": True})
        written_event = await service.profiles.ingest([event])
        (declared,), _ = await service.profiles.declare([("list:beta", Kind.FLAG)], retype=False)
        errors = [written.results[0].error, written_event.results[0].error, declared]
        assert [str(error) for error in errors] == [
            "attributes.list:beta: is no name: names that begin with list: belong to user lists",
            "context.list:beta: is no name: names that begin with list: belong to user lists",
            "name: names that begin with list: belong to user lists",
        ]
        with pytest.raises(InvalidInput) as seen:
            await define(service, "segment", {"attribute": {"list:beta": {"exists": True}}})
        assert seen.value.violations[0].field == "rule.attribute.list:beta"
        assert not [each.name for each in (await service.profiles.attributes())[0] if each.name.startswith("list:")]

    asyncio.run(run())


def test_evaluations_see_the_lists_of_stored_users_and_of_given_ids(service: Service) -> None:
    async def run() -> None:
        await upload(service, "beta", ["u1"])
        await service.profiles.upsert([ProfileWrite("u2", {"plan": "pro"})])
        assert (await service.evaluations.count(BETA)).members == 1
        for user, expected in (("u1", True), ("u2", False)):
            stored = (await service.evaluations.stored(user, {"plan": "x"}, [], BETA)).evaluations[0].rule
            given = GivenProfile(ProfileWrite(user, {}))
            brought = (await service.evaluations.given([given], [], BETA)).evaluations[0].rule
            assert stored is not None
            assert brought is not None
            assert (stored.member, brought.member) == (expected, expected)

    asyncio.run(run())
