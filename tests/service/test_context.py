"""What an event's context makes of its user's profile."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from tests.service.opened import START, define, member

from segmentd.population.kinds import Json
from segmentd.service.items import EventWrite, ProfileWrite
from segmentd.service.request_users import GivenProfile
from segmentd.service.service import Service
from segmentd.times import DAY, SECOND, Micros


def opened_app(version: str, time: int) -> EventWrite:
    return EventWrite("u", "Application Opened", time=Micros(time), context={"app": {"version": version}})


def profile_after(service: Service, *events: EventWrite) -> Mapping[str, Json]:
    """The attributes after these events, each a commit of its own."""

    async def scenario() -> Mapping[str, Json]:
        for each in events:
            await service.profiles.ingest([each])
        return (await service.profiles.get("u"))[0].attributes

    return asyncio.run(scenario())


def test_the_latest_context_by_event_time_wins(service: Service) -> None:
    found = profile_after(service, opened_app("2", START - SECOND), opened_app("1", START - DAY))
    assert found["app.version"] == "2"


def test_a_device_whose_clock_is_years_ahead_does_not_win_for_years(service: Service) -> None:
    """Its context is as old as its receipt, so that the next event's is later."""
    found = profile_after(service, opened_app("9", START + 1_000 * DAY), opened_app("1", START + 2))
    assert found["app.version"] == "1"


def test_the_same_holds_for_the_events_of_a_request(service: Service) -> None:
    events = [opened_app("9", START + 1_000 * DAY), opened_app("1", START)]
    given = GivenProfile(ProfileWrite("u"), events)
    rule: Json = {"attribute": {"app.version": {"equals": "1"}}}
    [found] = asyncio.run(service.evaluations.given([given], [], rule)).evaluations
    assert found.rule is not None
    assert found.rule.member


def test_the_context_of_a_refused_event_decides_no_kinds(service: Service) -> None:
    """The next event of the same commit with the same context does."""
    context: dict[str, Json] = {"device": {"maker": "Acme"}}

    async def scenario() -> tuple[list[bool], bool]:
        await service.profiles.upsert([ProfileWrite("erased")])
        await service.identity.erase("erased")
        writes = [EventWrite(user, "Seen", time=Micros(START), context=context) for user in ("erased", "u")]
        outcome = await service.profiles.ingest(writes)
        await define(service, "acme", {"attribute": {"device.maker": {"equals": "Acme"}}})
        return [each.error is None for each in outcome.results], await member(service, "u", "acme")

    assert asyncio.run(scenario()) == ([False, True], True)
