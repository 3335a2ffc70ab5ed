"""A merge comes to what one user would be who had written everything, and is the same after a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.service.opened import START, define, member, opened
from tests.service.uploading import BETA, upload

from segmentd.errors import Reason
from segmentd.population.kinds import Json
from segmentd.service.items import EventWrite, ProfileWrite
from segmentd.service.merging import MergeOutcome, UserMerge
from segmentd.service.segment_info import SegmentSpec
from segmentd.service.service import Service
from segmentd.service.united import Precedence
from segmentd.times import DAY, HOUR, Micros

IDS = ["a", "b", "c", "d"]
RULES: dict[str, Json] = {
    "two": {"behavioral": {"event": "Buy", "within": "7d", "count": {"at_least": 2}}},
    "first": {"behavioral": {"event": "Buy", "first": {"more_than_ago": "3d"}}},
    "sum": {"behavioral": {"event": "Buy", "sum": {"property": "revenue", "above": 5}}},
    "latest": {"behavioral": {"event": "View", "distinct": {"property": "page", "at_least": 2}}},
    "pro": {"attribute": {"plan": {"equals": "pro"}}},
    "phone": {"attribute": {"app.version": {"equals": "2"}}},
    "both": {"all": [{"segment": "two"}, {"not": {"segment": "pro"}}]},
    "lost": {"lifecycle": {"stage": "resurrected", "model": {"events": ["Buy", "View"]}}},
}
_user = st.sampled_from(IDS)
_step = st.one_of(
    st.tuples(st.just("buy"), _user, st.integers(0, 200), st.integers(0, 4)),
    st.tuples(st.just("view"), _user, st.sampled_from(["/", "/a", "/b"])),
    st.tuples(st.just("plan"), _user, st.sampled_from(["pro", "free", None])),
    st.tuples(st.just("app"), _user, st.sampled_from(["1", "2"])),
    st.tuples(st.just("merge"), _user, _user),
    st.tuples(st.just("pass"), st.sampled_from([HOUR, 2 * DAY, 5 * DAY])),
)


class Merged:
    """The steps under many ids that are merged on the way, and under the ids that survive in the end.

    Without those that write the plan that the user has: they change nothing, and the latest change counts.
    """

    def __init__(self, steps: Sequence[Sequence[Any]]) -> None:
        self.survivor = {name: name for name in IDS}
        self.steps: list[Sequence[Any]] = []
        plans: dict[str, tuple[int, str | None]] = dict.fromkeys(IDS, (-1, None))
        for number, step in enumerate(steps):
            if step[0] == "merge":
                old, new = self.survivor[step[1]], self.survivor[step[2]]
                self.survivor = {name: new if each == old else each for name, each in self.survivor.items()}
                plans[new] = max(plans[old], plans[new], key=lambda plan: plan[0])
            elif step[0] == "plan":
                user = self.survivor[step[1]]
                if plans[user][1] == step[2]:
                    continue
                plans[user] = number, step[2]
            self.steps.append(step)

    def writes(self, number: int, step: Sequence[Any], user: str, now: int) -> EventWrite | ProfileWrite:
        match step:
            case ("buy", _, hours, revenue):
                return EventWrite(user, "Buy", f"m{number}", Micros(now - hours * HOUR), {"revenue": revenue})
            case ("view", _, page):
                return EventWrite(user, "View", f"m{number}", Micros(now), {"page": page})
            case ("app", _, version):
                return EventWrite(user, "Buy", f"m{number}", Micros(now), context={"app": {"version": version}})
            case _:
                return ProfileWrite(user, {"plan": step[2]})


async def play(service: Service, merged: Merged, *, as_one: bool) -> None:
    now = START
    for name, rule in RULES.items():
        await define(service, name, rule)
    for number, step in enumerate([*merged.steps, *(("merge", name, merged.survivor[name]) for name in IDS)]):
        if step[0] == "pass":
            now = Micros(now + step[1])
            await service.advance_clock(to=now)
        elif step[0] == "merge":
            if not as_one:
                await service.identity.merge([UserMerge(step[1], step[2], Precedence.LATEST_WINS)])
        else:
            now = Micros(now + 1000)
            await service.advance_clock(to=now)
            user = merged.survivor[step[1]] if as_one else step[1]
            write = merged.writes(number, step, user, now)
            call = service.profiles.ingest if isinstance(write, EventWrite) else service.profiles.upsert
            found = await call([write])  # type: ignore[list-item]
            assert found.results[0].error is None


async def state(service: Service, merged: Merged) -> dict[str, Any]:
    """What can be asked about every id: attributes, memberships, who is in each segment, events."""
    found: dict[str, Any] = {}
    users = sorted({merged.survivor[step[1]] for step in merged.steps if step[0] not in ("pass", "merge")})
    for user in users:
        profile = (await service.profiles.get(user))[0]
        found[user] = (profile.user_id, dict(profile.attributes), [await member(service, user, name) for name in RULES])
        store = service._engine.store
        key = store.user_key(user)
        assert key is not None
        events = await asyncio.wrap_future(service._engine.thread.call(partial(store.events_of, key)))
        found[f"events of {user}"] = [(each.name, each.time, each.message_id, each.properties) for each in events]
    for name in RULES:
        members = (await service.memberships.members(name, -1, 100)).user_ids
        found[f"in {name}"] = sorted(set(members) & set(users))
    return found


async def listed(service: Service) -> dict[str, list[str]]:
    """Who is in each segment by its members."""
    return {name: sorted((await service.memberships.members(name, -1, 100)).user_ids) for name in RULES}


def replayed(service: Service) -> dict[str, list[str]]:
    """Who is in each segment by the log alone."""
    live, store = service._engine.live, service._engine.store
    names = {live.user_key(row): name for row, name in enumerate(live.users.user_ids)}
    segments = {entry.definition.segment_key: name for name, entry in live.catalogue.entries.items()}
    found = service._engine.thread.call(
        lambda: {name: sorted(names[each] for each in store.members(key).tolist()) for key, name in segments.items()}
    )
    return found.result()


@settings(max_examples=30, deadline=None)
@given(steps=st.lists(_step, max_size=25))
def test_the_survivor_is_who_would_have_written_everything(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Sequence[Any]]
) -> None:
    merged = Merged(steps)
    path = tmp_path_factory.mktemp("merged") / "test.db"

    async def scenario() -> None:
        one, many = opened(), opened(path)
        try:
            await play(one, merged, as_one=True)
            await play(many, merged, as_one=False)
            expected = await state(one, merged)
            assert await state(many, merged) == expected
            for name in IDS:
                asked = [await member(many, name, each) for each in RULES]
                assert asked == [await member(many, merged.survivor[name], each) for each in RULES]
            assert await listed(many) == replayed(many)
            now = many._engine.clock.now()
            many.close()
            many = opened(path, now)
            assert await state(many, merged) == expected
            assert await listed(many) == replayed(many)
        finally:
            one.close()
            many.close()

    asyncio.run(scenario())


def merge(service: Service, *merges: UserMerge) -> list[MergeOutcome]:
    return [each.outcome for each in asyncio.run(service.identity.merge(merges)).results]


def test_outcomes_of_chains_circles_and_repetitions_in_one_call(service: Service) -> None:
    asyncio.run(service.profiles.upsert([ProfileWrite("a"), ProfileWrite("b")]))
    outcomes = merge(
        service,
        UserMerge("a", "b"),
        UserMerge("a", "b"),
        UserMerge("b", "a"),
        UserMerge("x", "a"),
        UserMerge("b", "new"),
        UserMerge("new", "x"),
        UserMerge("y", "y"),
        UserMerge("", "y"),
    )
    assert outcomes == [
        MergeOutcome.MERGED,
        MergeOutcome.ALREADY_MERGED,
        MergeOutcome.ALREADY_MERGED,
        MergeOutcome.ALIASED,
        MergeOutcome.MERGED,
        MergeOutcome.ALREADY_MERGED,
        MergeOutcome.SAME_ID,
        MergeOutcome.REFUSED,
    ]
    assert asyncio.run(service.profiles.get("x"))[0].merged_ids == ("a", "b", "x")
    before = asyncio.run(service.status()).revision
    assert set(merge(service, UserMerge("a", "new"), UserMerge("new", "a"))) == {MergeOutcome.ALREADY_MERGED}
    assert asyncio.run(service.status()).revision == before


@pytest.mark.parametrize(
    ("precedence", "expected"),
    [(Precedence.SURVIVOR_WINS, {"x": 1, "y": 2, "z": 3}), (Precedence.LATEST_WINS, {"x": 9, "z": 3})],
)
def test_whose_attribute_counts(service: Service, precedence: Precedence, expected: dict[str, int]) -> None:
    async def scenario() -> None:
        await service.profiles.upsert([ProfileWrite("anon", {"x": 8, "y": 9})])
        await service.profiles.upsert([ProfileWrite("known", {"x": 1, "y": 2})])
        await service.advance_clock(by=Micros(HOUR))
        await service.profiles.upsert([ProfileWrite("anon", {"x": 9, "y": None, "z": 3})])
        await service.identity.merge([UserMerge("anon", "known", precedence)])
        assert (await service.profiles.get("anon"))[0].attributes == expected
        assert (await service.profiles.get("known"))[0].create_time < START + HOUR

    asyncio.run(scenario())


def test_named_users_and_lists_count_for_the_survivor_and_percentages_stay_its_own(service: Service) -> None:
    async def scenario() -> None:
        await service.profiles.upsert([ProfileWrite(name) for name in ("anon", "known", "other")])
        share: Json = {"list": {"percentage": {"salt": "s", "from": 0, "to": 5000}}}
        await define(service, "half", share)
        before = await member(service, "known", "half")
        await define(service, "included", None, include=("anon",))
        await service.segments.create(SegmentSpec("out", rule={"not": {"segment": "half"}}, exclude=("anon",)), "", "")
        await define(service, "listed", {"list": {"users": ["anon"]}})
        await define(service, "unlisted", {"not": {"list": {"users": ["anon"]}}})
        await service.identity.merge([UserMerge("anon", "known")])
        found = [await member(service, "known", name) for name in ("half", "included", "out", "listed", "unlisted")]
        assert found == [before, True, False, True, False]
        assert (await service.memberships.members("included", -1, 10)).user_ids == ["known"]
        await define(service, "later", {"list": {"users": ["anon", "other"]}})
        assert (await service.memberships.members("later", -1, 10)).user_ids == ["known", "other"]
        assert (await service.evaluations.count({"not": {"list": {"users": ["anon"]}}})).users == 2
        told = (await service.evaluations.stored("anon", {"x": 1}, ["half", "later"], None)).evaluations[0]
        assert [each.member for each in told.segments] == [before, True]

    asyncio.run(scenario())


def test_an_uploaded_list_of_who_is_absorbed_counts_for_the_survivor(service: Service) -> None:
    async def scenario() -> None:
        await upload(service, "beta", ["a"])
        await define(service, "invited", BETA)
        await service.profiles.upsert([ProfileWrite("b", {"plan": "pro"})])
        assert not await member(service, "b", "invited")
        await service.identity.merge([UserMerge("a", "b")])
        assert await member(service, "b", "invited")

    asyncio.run(scenario())


def test_an_event_sent_again_under_the_other_id_is_a_duplicate(service: Service) -> None:
    async def scenario() -> None:
        event = EventWrite("anon", "Buy", "m1", START, {"revenue": 3})
        await service.profiles.ingest([event])
        await service.identity.merge([UserMerge("anon", "known")])
        for user in ("anon", "known"):
            again = EventWrite(user, "Buy", "m1", START, {"revenue": 3})
            other = EventWrite(user, "Buy", "m1", START, {"revenue": 4})
            stranger = EventWrite("stranger", "Buy", "m1", START, {"revenue": 3})
            results = (await service.profiles.ingest([again, other, stranger])).results
            assert [each.duplicate for each in results] == [True, False, False]
            assert [each.error and each.error.reason for each in results[1:]] == [Reason.MESSAGE_ID_REUSED] * 2
        assert (await service.status()).events == 1

    asyncio.run(scenario())


def test_a_segment_that_failed_adds_up_after_a_merge_and_an_erasure(tmp_path: Path) -> None:
    """It has no answers at the moment, but the log has members, and goes on when the segment is judged again."""

    async def scenario() -> None:
        path = tmp_path / "test.db"
        service = opened(path)
        await define(service, "s", {"behavioral": {"event": "Buy"}})
        await service.profiles.ingest([EventWrite(name, "Buy") for name in IDS])
        service.close()
        service = opened(path, disabled=("behavioral",))
        await service.identity.merge([UserMerge("a", "b")])
        await service.identity.erase("c")
        assert replayed(service)["s"] == ["b", "d"]
        service.close()
        service = opened(path)
        assert (await service.memberships.members("s", -1, 10)).user_ids == ["b", "d"] == replayed(service)["s"]
        service.close()

    asyncio.run(scenario())
