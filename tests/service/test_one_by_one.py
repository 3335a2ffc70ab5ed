"""A stored user is evaluated by what was compiled before: it never answers for columns as they no longer are."""

from __future__ import annotations

import asyncio

import numpy as np
from tests.service.opened import START, define

from segmentd.engine.one_pass import FewRows
from segmentd.population.kinds import Json
from segmentd.population.one_verdict import NEVER
from segmentd.service.items import EventWrite, ProfileWrite
from segmentd.service.service import Service
from segmentd.times import DAY, FOREVER, Micros


async def evaluated(
    service: Service, user: str, *names: str, context: dict[str, Json] | None = None
) -> list[bool | None]:
    """Whether the user is in these segments, None for an error; asked twice, as the first time compiles."""
    first, again = [await service.evaluations.stored(user, context or {}, names, None) for _ in range(2)]
    answers = [[(each.member, each.holds_until) for each in found.evaluations[0].segments] for found in (first, again)]
    assert answers[0] == answers[1]
    failed = [each.error is not None for each in again.evaluations[0].segments]
    return [None if error else member for error, (member, _) in zip(failed, answers[0], strict=True)]


async def put(service: Service, user: str, **attributes: Json) -> None:
    await service.profiles.upsert([ProfileWrite(user, attributes)])


def test_a_first_value_gives_a_name_its_kind(service: Service) -> None:
    async def scenario() -> None:
        await put(service, "ada", plan="pro")
        await define(service, "big", {"attribute": {"seats": {"above": "5"}}})
        await define(service, "small", {"not": {"segment": "big"}})
        assert await evaluated(service, "ada", "big", "small") == [False, True]
        await put(service, "bob", seats="9.1")  # text: compared as a version
        assert await evaluated(service, "ada", "big", "small") == [False, True]
        assert await evaluated(service, "bob", "big", "small") == [True, False]

    asyncio.run(scenario())


def test_what_is_written_is_seen(service: Service) -> None:
    async def scenario() -> None:
        await define(service, "pro", {"attribute": {"plan": {"equals": "pro"}}})
        for number in range(20):
            plan = "pro" if number % 3 else "free"
            await put(service, "ada", plan=plan, size=number)
            assert await evaluated(service, "ada", "pro") == [plan == "pro"]

    asyncio.run(scenario())


def test_an_edit_is_seen(service: Service) -> None:
    async def scenario() -> None:
        await put(service, "ada", plan="pro")
        await define(service, "chosen", {"attribute": {"plan": {"equals": "pro"}}})
        assert await evaluated(service, "ada", "chosen") == [True]
        await define(service, "named", {"attribute": {"plan": {"equals": "free"}}}, include=("ada",))
        assert await evaluated(service, "ada", "chosen", "named") == [True, True]

    asyncio.run(scenario())


def test_names_that_only_a_request_brings(service: Service) -> None:
    async def scenario() -> None:
        await put(service, "ada", plan="pro")
        await define(service, "new-app", {"attribute": {"build": {"at_least": 7}, "plan": {"equals": "pro"}}})
        assert await evaluated(service, "ada", "new-app") == [False]
        assert await evaluated(service, "ada", "new-app", context={"build": 8}) == [True]
        assert await evaluated(service, "ada", "new-app", context={"build": "8.1"}) == [None]  # of another kind
        assert await evaluated(service, "ada", "new-app", context={"build": 8, "plan": "free"}) == [False]
        assert await evaluated(service, "ada", "new-app") == [False]

    asyncio.run(scenario())


def test_while_somebody_writes_it_waits_its_turn(service: Service) -> None:
    async def scenario() -> None:
        await put(service, "ada", plan="pro")
        await define(service, "pro", {"attribute": {"plan": {"equals": "pro"}}})
        assert await evaluated(service, "ada", "pro") == [True]
        with service.memberships._live.writing:
            assert await evaluated(service, "ada", "pro") == [True]

    asyncio.run(scenario())


def test_what_time_changes_says_until_when(service: Service) -> None:
    async def scenario() -> None:
        time = Micros(START - DAY)
        await service.profiles.ingest([EventWrite("ada", "Opened", time=time)])
        rule: Json = {
            "all": [{"behavioral": {"event": "Opened", "within": "3d"}}, {"attribute": {"vip": {"missing": True}}}]
        }
        await define(service, "lately", rule)
        [found] = (await service.evaluations.stored("ada", {}, ["lately"], None)).evaluations
        assert [(each.member, each.holds_until) for each in found.segments] == [(True, time + 3 * DAY)]
        await put(service, "ada", vip=True)
        [found] = (await service.evaluations.stored("ada", {}, ["lately"], None)).evaluations
        assert [(each.member, each.holds_until) for each in found.segments] == [(False, FOREVER)]

    asyncio.run(scenario())


def test_a_segment_that_was_compiled_again_is_judged_with_who_refers_to_it(service: Service) -> None:
    """Requests with many layouts make a plan forget what was compiled; who refers to it may still have that."""

    async def scenario() -> None:
        await define(service, "bought", {"behavioral": {"event": "Buy", "within": "7d"}})
        await define(service, "same", {"segment": "bought"})
        await service.profiles.ingest([EventWrite("ada", "Buy", time=Micros(START))])

    asyncio.run(scenario())
    live = service._engine.live
    plans = live.catalogue.plans
    users = live.users.view(np.array([0]), np.array([START + 7 * DAY]))

    def judged() -> list[object]:
        """As at the deadline."""
        return [verdicts for _, verdicts in FewRows(users, live.memberships.words[:1], users.at).judge(plans)]

    assert judged() == [[NEVER], [NEVER]]
    plans[0].compiled.clear()
    assert judged() == [[NEVER], [NEVER]]
