"""Evaluating what a request brings gives what storing it would have given."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from tests.service.opened import START, define, member

from segmentd.errors import Reason
from segmentd.population.kinds import Json, Kind
from segmentd.service.evaluation import Evaluated
from segmentd.service.items import EventWrite, ProfileWrite
from segmentd.service.request_users import GivenProfile
from segmentd.service.service import Service
from segmentd.times import MINUTE, Micros

PRO: Json = {"attribute": {"plan": {"equals": "pro"}}}


def members(found: Evaluated) -> list[bool | None]:
    """The answers to the rule; None where a profile was refused."""
    return [each.rule.member if each.rule is not None else None for each in found.evaluations]


def given(service: Service, profiles: Sequence[GivenProfile], rule: Json) -> list[bool | None]:
    return members(asyncio.run(service.evaluations.given(profiles, [], rule)))


def test_a_stored_value_of_a_kind_declared_away_is_missing_and_no_error(service: Service) -> None:
    async def scenario() -> tuple[bool, list[bool | None]]:
        await service.profiles.upsert([ProfileWrite("u", {"x": "abc", "plan": "pro"})])
        await service.profiles.declare([("x", Kind.NUMBER)], retype=True)
        rule: Json = {"all": [PRO, {"attribute": {"x": {"missing": True}}}]}
        await define(service, "a", rule)
        found = await service.evaluations.stored("u", {}, [], rule)
        return await member(service, "u", "a"), members(found)

    assert asyncio.run(scenario()) == (True, [True])


def test_a_user_given_several_times_is_included_each_time(service: Service) -> None:
    async def scenario() -> list[bool]:
        await define(service, "a", PRO, include=("u",))
        profiles = [GivenProfile(ProfileWrite(user, {"n": i})) for i, user in enumerate(["u", "v", "u", "u"])]
        found = await service.evaluations.given(profiles, ["a"], None)
        return [each.segments[0].member for each in found.evaluations]

    assert asyncio.run(scenario()) == [True, False, True, True]


def test_given_profiles_agree_on_the_kind_of_a_name_that_nobody_has(service: Service) -> None:
    """The first value of a request decides; another kind is refused, and neither disturbs the other."""
    profiles = [GivenProfile(ProfileWrite("u", {"new": 5})), GivenProfile(ProfileWrite("v", {"new": "five"}))]
    found = asyncio.run(service.evaluations.given(profiles, [], {"attribute": {"new": {"exists": True}}}))
    assert members(found) == [True, None]
    refused = found.evaluations[1].error
    assert refused is not None
    assert refused.reason is Reason.WRONG_TYPE


def test_given_events_agree_on_the_kind_of_a_property_that_nobody_has(service: Service) -> None:
    profiles = [
        GivenProfile(ProfileWrite(user), [EventWrite(user, "E", time=START, properties={"new": value})])
        for user, value in (("u", 5), ("v", "five"), ("w", 6))
    ]
    rule: Json = {"behavioral": {"event": "E", "where": {"new": {"above": 5}}}}
    assert given(service, profiles, rule) == [False, None, True]


def test_a_given_event_a_little_ahead_of_the_clock_counts_from_now(service: Service) -> None:
    ahead = [
        EventWrite("u", "E", time=Micros(START + 5 * MINUTE)),
        EventWrite("u", "F", time=Micros(START + 5 * MINUTE + 1)),
    ]
    profiles = [GivenProfile(ProfileWrite("u"), ahead)]
    assert given(service, profiles, {"behavioral": {"event": "E"}}) == [True]
    assert given(service, profiles, {"behavioral": {"event": "F"}}) == [False]
