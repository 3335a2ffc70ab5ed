"""Every scenario file, played through a real server: writes, moves of the clock, and who is where until when."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.scenarios.scenario import Expected, GivenEvent, GivenSegment, Scenario, Step, load, moved
from tests.server.live import run
from tests.server.served import Client, refusal, serving, struct

from segmentd.server.instants import to_timestamp
from segmentd.times import FOREVER, SECOND, FrozenClock, Micros, parse_instant
from segmentd.v1 import membership_service_pb2, profile_pb2, profile_service_pb2, segment_pb2, segment_service_pb2

HERE = Path(__file__).parent
FILES = sorted(HERE.glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_scenario(path: Path, tmp_path: Path) -> None:
    scenario = load(path)

    async def play() -> None:
        async with serving(tmp_path / "db", FrozenClock(parse_instant(scenario.start))) as client:
            await Player(client, scenario).play()

    run(play())


class Player:
    """Plays the steps one after the other; a failure names the step."""

    def __init__(self, client: Client, scenario: Scenario) -> None:
        self._client = client
        self._scenario = scenario
        self._now = parse_instant(scenario.start)
        self._users: set[str] = set()
        self._transitions: int | None = None
        self._outcomes: list[str] | None = None

    async def play(self) -> None:
        for number, step in enumerate(self._scenario.steps, 1):
            await self._step(step, f"step {number}: {step.say}")

    async def _step(self, step: Step, where: str) -> None:
        given = [name for name in Step.model_fields if name != "say" and getattr(step, name) is not None]
        assert len(given) == 1, f"{where}: a step has exactly one key, not {given}"
        for segment_id, segment in (step.segments or {}).items():
            await self._client.segments.CreateSegment(
                segment_service_pb2.CreateSegmentRequest(segment=self._segment(segment_id, segment))
            )
        for segment_id, segment in (step.edit or {}).items():
            await self._client.segments.UpdateSegment(
                segment_service_pb2.UpdateSegmentRequest(segment=self._segment(segment_id, segment))
            )
        if step.profiles:
            answer = await self._client.upsert(step.profiles)
            assert not any(each.HasField("error") for each in answer.results), f"{where}: {answer}"
            self._users |= step.profiles.keys()
        if step.events:
            await self._ingest(step.events)
        if step.clock:
            self._now = moved(self._now, step.clock)
            self._transitions = (await self._client.advance(to=self._now)).transition_count
        if step.refit:
            await self._client.segments.RefitSegment(segment_service_pb2.RefitSegmentRequest(segment_id=step.refit))
        if step.expect:
            await self._expect(step.expect, where)

    def _segment(self, segment_id: str, given: GivenSegment) -> segment_pb2.Segment:
        self._users |= set(given.include)
        return segment_pb2.Segment(
            id=segment_id,
            rule=struct(given.rule) if given.rule is not None else None,
            include_user_ids=given.include,
            exclude_user_ids=given.exclude,
        )

    async def _ingest(self, events: list[GivenEvent]) -> None:
        answer = await self._client.ingest(*(_event(each) for each in events))
        self._outcomes = [
            profile_service_pb2.IngestOutcome.Name(each.outcome).removeprefix("INGEST_OUTCOME_").lower()
            for each in answer.results
        ]
        self._users |= {each.user for each, done in zip(events, self._outcomes, strict=True) if done != "refused"}

    async def _expect(self, expected: Expected, where: str) -> None:
        for segment_id, members in expected.members.items():
            found = {user for user in sorted(self._users) if await self._client.is_member(user, segment_id)}
            assert found == set(members), f"{where}: members of {segment_id}"
            listed = await self._client.memberships.ListSegmentMembers(
                membership_service_pb2.ListSegmentMembersRequest(segment_id=segment_id)
            )
            assert {each.user_id for each in listed.members} == found, f"{where}: list of {segment_id}"
        for segment_id, ends in expected.until.items():
            for user, end in ends.items():
                assert await self._end(user, segment_id) == _instant(end), f"{where}: {user} in {segment_id}"
        for segment_id, reason in expected.errors.items():
            refused = await refusal(self._client.check("somebody", segment_id))
            assert refused.reason == reason, f"{where}: {segment_id}"
        if expected.transitions is not None:
            assert self._transitions == expected.transitions, f"{where}: transitions"
        if expected.outcomes is not None:
            assert self._outcomes == expected.outcomes, f"{where}: outcomes"

    async def _end(self, user: str, segment_id: str) -> Micros:
        """When the membership of a member ends if nothing is written."""
        answer = await self._client.memberships.ExplainMembership(
            membership_service_pb2.ExplainMembershipRequest(user_id=user, segment_id=segment_id, with_leaves_time=True)
        )
        assert not answer.leaves_time_is_lower_bound
        if not answer.HasField("leaves_time"):
            return FOREVER
        return Micros(answer.leaves_time.seconds * SECOND + answer.leaves_time.nanos // 1000)


def test_there_are_scenarios() -> None:
    assert len(FILES) >= 15


def _instant(text: str) -> Micros:
    return FOREVER if text == "forever" else parse_instant(text)


def _event(given: GivenEvent) -> profile_pb2.Event:
    context: dict[str, Any] = given.context
    return profile_pb2.Event(
        user_id=given.user,
        name=given.name,
        message_id=given.id,
        event_time=None if given.at is None else to_timestamp(parse_instant(given.at)),
        properties=struct(given.properties),
        context=struct(context),
    )
