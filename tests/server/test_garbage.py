"""Garbage through a real channel: a clear status with the field named, and a server that answers right afterwards."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.struct_pb2 import Struct, Value
from tests.server.live import run
from tests.server.served import Client, Refusal, event, item_refusal, refusal, serving, struct
from tests.server.toys import UPSERT, send

from segmentd.v1 import evaluation_service_pb2, membership_service_pb2, profile_pb2, profile_service_pb2, segment_pb2
from segmentd.v1 import segment_service_pb2 as pb

PRO = {"attribute": {"plan": {"equals": "pro"}}}
MEGABYTE = 1024 * 1024


async def healthy(client: Client) -> None:
    """The server still takes writes and answers right."""
    number = (await client.upsert({})).revision
    user = f"healthy{number}"
    await client.upsert({user: {"plan": "pro"}})
    assert await client.is_member(user, "pro")
    assert not await client.is_member(user, "free")


def afterwards_healthy(path: Path, test: Callable[[Client], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with serving(path / "db") as client:
            await client.define("pro", PRO)
            await client.define("free", {"not": {"segment": "pro"}})
            await test(client)
            await healthy(client)

    run(whole())


def nested(levels: int) -> dict[str, Any]:
    rule: dict[str, Any] = PRO
    for _ in range(levels):
        rule = {"not": rule}
    return rule


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({}, "rule"),
        ({"all": []}, "rule.all"),
        ({"all": {}}, "rule.all"),
        ({"all": [PRO], "any": [PRO]}, "rule"),
        ({"all": [PRO, 7]}, "rule.all[1]"),
        ({"astrology": {"sign": "leo"}}, "rule"),
        ({"all": [PRO, {"segment": "nowhere"}]}, "rule.all[1].segment"),
        ({"segment": 7}, "rule.segment"),
        ({"not": {"demographic": {"shoe_size": {"equals": 43}}}}, "rule.not.demographic.shoe_size"),
        ({"all": [PRO, {"behavioral": {"event": "A", "within": "soon"}}]}, "rule.all[1].behavioral.within"),
        ({"behavioral": {"event": 7, "within": "7d"}}, "rule.behavioral.event"),
        ({"attribute": {"plan": {"equalz": "pro"}}}, "rule.attribute.plan.equalz"),
        ({"attribute": {"name": {"matches": "(a"}}}, "rule.attribute.name.matches"),
        (nested(30), "rule" + ".not" * 24),
        ({"any": [PRO] * 3000}, "rule.any[1999]"),
    ],
)
def test_a_bad_rule_is_refused_at_its_path(tmp_path: Path, rule: dict[str, Any], field: str) -> None:
    async def test(client: Client) -> None:
        request = evaluation_service_pb2.CountMembersRequest(rule=struct(rule))
        for refused in (
            await refusal(client.define("bad", rule)),
            await refusal(client.evaluations.CountMembers(request)),
        ):
            assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_RULE"), refused
            assert field in refused.violations, refused.violations
        assert (await refusal(client.check("u", "bad"))).reason == "SEGMENT_NOT_FOUND"

    afterwards_healthy(tmp_path, test)


def test_every_fault_of_a_rule_is_named_at_once(tmp_path: Path) -> None:
    async def test(client: Client) -> None:
        rule = {"all": [{"x": 1}, {"behavioral": {"within": "soon", "extra": 1}}, {"not": []}]}
        refused = await refusal(client.define("bad", rule))
        assert refused.metadata == {"segment_id": "bad"}
        assert {"rule.all[0]", "rule.all[1].behavioral.extra", "rule.all[2].not"} <= refused.violations.keys()

    afterwards_healthy(tmp_path, test)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_rule_has_no_number_that_cannot_be_compared(tmp_path: Path, number: float) -> None:
    async def test(client: Client) -> None:
        rule = struct({"attribute": {"age": {}}})
        age = rule.fields["attribute"].struct_value.fields["age"]
        age.struct_value.fields["at_least"].number_value = number
        request = pb.CreateSegmentRequest(segment=segment_pb2.Segment(id="bad", rule=rule))
        refused = await refusal(client.segments.CreateSegment(request))
        assert (refused.reason, list(refused.violations)) == ("INVALID_RULE", ["rule.attribute.age.at_least"])
        written = await client.profiles.UpsertProfiles(upsert(Struct(fields={"n": Value(number_value=number)})))
        assert list(item_refusal(written.results[0].error).violations) == ["profiles[0].attributes.n"]

    afterwards_healthy(tmp_path, test)


def test_a_circle_is_refused_and_shown(tmp_path: Path) -> None:
    async def test(client: Client) -> None:
        await client.define("a", PRO)
        await client.define("b", {"not": {"segment": "a"}})
        await client.define("c", {"all": [PRO, {"segment": "b"}]})
        for rule, ring in (({"segment": "c"}, "a → c → b → a"), ({"not": {"segment": "a"}}, "a → a")):
            request = pb.UpdateSegmentRequest(segment=segment_pb2.Segment(id="a", rule=struct(rule)))
            refused = await refusal(client.segments.UpdateSegment(request))
            assert refused.reason == "INVALID_RULE"
            assert [text for text in refused.violations.values() if ring in text], refused.violations

    afterwards_healthy(tmp_path, test)


def test_a_regular_expression_takes_linear_time(tmp_path: Path) -> None:
    """A backtracking engine would not end this within the age of the universe."""

    async def test(client: Client) -> None:
        await client.upsert({"u": {"name": "a" * 50_000 + "!"}})
        await client.define("evil", {"attribute": {"name": {"matches": "^(a+)+$"}}})
        assert not await client.is_member("u", "evil")
        huge = await refusal(client.define("huge", {"attribute": {"name": {"matches": "((a{1,100}){1,100}){1,100}"}}}))
        assert list(huge.violations) == ["rule.attribute.name.matches"]
        backward = await refusal(client.define("back", {"attribute": {"name": {"matches": r"(a)\1"}}}))
        assert list(backward.violations) == ["rule.attribute.name.matches"]

    afterwards_healthy(tmp_path, test)


def test_text_of_ten_megabytes_is_refused_where_it_stands(tmp_path: Path) -> None:
    async def test(client: Client) -> None:
        huge = "x" * 10 * MEGABYTE
        assert list((await refusal(client.check(huge, "pro"))).violations) == ["user_id"]
        assert list((await refusal(client.check("u", huge))).violations) == ["segment_id"]
        assert list((await refusal(client.define("s", PRO, name=huge))).violations) == ["segment.name"]
        bad = await refusal(client.define("s", {"attribute": {"plan": {"equals": huge}}}))
        assert list(bad.violations) == ["rule.attribute.plan.equals"]
        answer = await client.ingest(
            event("u", "A", note=huge), event("u", "A", huge), event("u", huge), event("u", "A")
        )
        assert [list(item_refusal(each.error).violations) for each in answer.results[:3]] == [
            ["events[0].properties.note"],
            ["events[1].message_id"],
            ["events[2].name"],
        ]
        assert answer.results[3].outcome == profile_service_pb2.INGEST_OUTCOME_STORED

    afterwards_healthy(tmp_path, test)


@pytest.mark.parametrize("field", ["events", "profiles", "attributes", "user_ids"])
def test_a_million_items_are_too_many(tmp_path: Path, field: str) -> None:
    async def test(client: Client) -> None:
        refused = await million(client, field)
        assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "BATCH_TOO_LARGE")
        assert refused.metadata == {"limit": "10000", "given": "1000000"}
        assert list(refused.violations) == [field]

    afterwards_healthy(tmp_path, test)


async def million(client: Client, field: str) -> Refusal:
    size = 1_000_000
    if field == "events":
        request = profile_service_pb2.IngestEventsRequest(events=[profile_pb2.Event(user_id="u", name="A")] * size)
        return await refusal(client.profiles.IngestEvents(request))
    if field == "profiles":
        profiles = [profile_service_pb2.ProfileUpsert(user_id="u")] * size
        return await refusal(
            client.profiles.UpsertProfiles(profile_service_pb2.UpsertProfilesRequest(profiles=profiles))
        )
    if field == "attributes":
        attributes = [profile_pb2.Attribute(name="a", kind=profile_pb2.ATTRIBUTE_KIND_TEXT)] * size
        declare = profile_service_pb2.DeclareAttributesRequest(attributes=attributes)
        return await refusal(client.profiles.DeclareAttributes(declare))
    batch = membership_service_pb2.BatchCheckMembershipsRequest(user_ids=["u"] * size, segment_ids=["pro"])
    return await refusal(client.memberships.BatchCheckMemberships(batch))


def test_more_than_the_limit_of_bytes_is_refused(tmp_path: Path) -> None:
    async def test(client: Client) -> None:
        with pytest.raises(grpc.aio.AioRpcError) as seen:
            await client.upsert({"u": {f"n{i}": "x" * MEGABYTE for i in range(65)}})
        assert seen.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED

    afterwards_healthy(tmp_path, test)


@pytest.mark.parametrize("data", [b"\x0a\x04\x0a\x02\xff\xfe", b"\xff\xff\xff", b"\x0a\x7f"])
def test_bytes_that_are_no_request_are_refused(tmp_path: Path, data: bytes) -> None:
    async def test(client: Client) -> None:
        refused = await refusal(send(client.channel, UPSERT, data))
        assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
        assert refused.violations

    afterwards_healthy(tmp_path, test)


def test_a_value_of_no_kind_is_refused(tmp_path: Path) -> None:
    async def test(client: Client) -> None:
        answer = await client.profiles.UpsertProfiles(
            upsert(Struct(fields={"a": Value(), "\x01": Value(bool_value=True)}))
        )
        assert item_refusal(answer.results[0].error).violations.keys() == {
            "profiles[0].attributes.a",
            "profiles[0].attributes",
        }
        missing = await refusal(client.segments.CreateSegment(pb.CreateSegmentRequest()))
        assert list(missing.violations) == ["segment.id"]

    afterwards_healthy(tmp_path, test)


def test_a_cancelled_write_does_no_harm(tmp_path: Path) -> None:
    async def test(client: Client) -> None:
        for _ in range(20):
            call = asyncio.ensure_future(client.upsert({f"u{i}": {"plan": "pro"} for i in range(500)}))
            await asyncio.sleep(0)
            call.cancel()
        calls = [client.profiles.UpsertProfiles(upsert(struct({"plan": "pro"})), timeout=0.0005) for _ in range(50)]
        for result in await asyncio.gather(*calls, return_exceptions=True):
            if isinstance(result, grpc.aio.AioRpcError):
                assert result.code() == grpc.StatusCode.DEADLINE_EXCEEDED

    afterwards_healthy(tmp_path, test)


def upsert(attributes: Struct) -> profile_service_pb2.UpsertProfilesRequest:
    profile = profile_service_pb2.ProfileUpsert(user_id="u", attributes=attributes)
    return profile_service_pb2.UpsertProfilesRequest(profiles=[profile])
