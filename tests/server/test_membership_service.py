"""MembershipService through a real channel: exact, packed, paged and explained answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from tests.server.live import run
from tests.server.served import MEMBER, NOT_MEMBER, Client, event, item_refusal, refusal, serving

from segmentd.server.instants import to_timestamp
from segmentd.times import DAY, Micros
from segmentd.v1 import explanation_pb2
from segmentd.v1 import membership_service_pb2 as pb

PRO = {"attribute": {"plan": {"equals": "pro"}}}
ACTIVE = {"behavioral": {"event": "Login", "count": {"at_least": 2}, "within": "7d"}}
CHAMPIONS = {"rfm": {"segment": ["Champions"]}}


async def shop(client: Client) -> None:
    """Two definitions that answer, one that waits for a model; `u1` is in both, `u2` in none, `u3` is pro."""
    await client.define("pro", PRO, name="Pro plan", labels={"team": "growth"})
    await client.define("active", ACTIVE)
    await client.upsert({"u1": {"plan": "pro"}, "u2": {"plan": "free"}, "u3": {"plan": "pro"}})
    await client.ingest(event("u1", "Login", "m1"), event("u1", "Login", "m2"), event("u2", "Login", "m3"))


def test_a_membership_ends_at_its_microsecond(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            await shop(client)
            answer = await client.check("u1", "active")
            assert answer.membership == MEMBER
            assert answer.user_known
            end = answer.holds_until_time.seconds * 1_000_000 + answer.holds_until_time.nanos // 1000
            await client.advance(to=Micros(end - 1))
            before = await client.check("u1", "active")
            assert (before.membership, before.holds_until_time) == (MEMBER, answer.holds_until_time)
            assert before.evaluate_time == to_timestamp(Micros(end - 1))
            moved = await client.advance(1)
            assert moved.transition_count == 1
            assert not await client.is_member("u1", "active")

    run(test())


def test_what_time_cannot_change_has_no_end(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            await shop(client)
            answer = await client.check("u1", "pro")
            assert answer.membership == MEMBER
            assert not answer.HasField("holds_until_time")

    run(test())


def test_nobody_is_a_member_of_nothing(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            await shop(client)
            answer = await client.check("stranger", "pro")
            assert (answer.membership, answer.user_known) == (NOT_MEMBER, False)
            explained = await client.memberships.ExplainMembership(
                pb.ExplainMembershipRequest(user_id="stranger", segment_id="pro")
            )
            assert not explained.HasField("explanation")

    run(test())


@pytest.mark.parametrize(
    ("user_id", "segment_id", "field"),
    [("", "pro", "user_id"), ("u1", "", "segment_id"), ("u\x00", "pro", "user_id"), ("u1", "x" * 257, "segment_id")],
)
def test_a_bad_id_is_named(tmp_path: Path, user_id: str, segment_id: str, field: str) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            refused = await refusal(client.check(user_id, segment_id))
            assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
            assert list(refused.violations) == [field]

    run(test())


def test_what_cannot_be_answered_is_an_error(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            await shop(client)
            await client.define("champions", CHAMPIONS)
            unknown = await refusal(client.check("u1", "nowhere"))
            assert (unknown.code, unknown.reason) == (grpc.StatusCode.NOT_FOUND, "SEGMENT_NOT_FOUND")
            assert unknown.metadata == {"segment_id": "nowhere"}
            pending = await refusal(client.check("u1", "champions"))
            assert (pending.code, pending.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "SEGMENT_PENDING")

    run(test())


def test_each_segment_is_answered_in_order(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            await shop(client)
            asked = ["active", "nowhere", "pro", "", "pro"]
            answer = await client.memberships.CheckMemberships(
                pb.CheckMembershipsRequest(user_id="u3", segment_ids=asked)
            )
            assert [each.segment_id for each in answer.memberships] == asked
            assert [each.membership for each in answer.memberships] == [NOT_MEMBER, 0, MEMBER, 0, MEMBER]
            assert item_refusal(answer.memberships[1].error).reason == "SEGMENT_NOT_FOUND"
            assert item_refusal(answer.memberships[3].error).violations == {"segment_ids[3]": "it is empty"}
            none = await refusal(client.memberships.CheckMemberships(pb.CheckMembershipsRequest(user_id="u3")))
            assert list(none.violations) == ["segment_ids"]

    run(test())


def test_a_batch_has_one_bit_per_user_and_segment(tmp_path: Path) -> None:
    """Against CheckMembership, one by one."""

    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            users = [f"u{i}" for i in range(23)]
            segments = [f"s{i}" for i in range(70)]
            for index, name in enumerate(segments):
                await client.define(name, {"attribute": {f"n{index % 7}": {"at_least": index}}})
            await client.upsert({user: {f"n{i % 7}": i * 5} for i, user in enumerate(users)})
            users.insert(3, "stranger")
            asked = [*segments[::-1], "s3", "nowhere"]
            answer = await batch(client, users, asked)
            bits = unpacked(answer, len(users), len(asked))
            for u, user in enumerate(users):
                for s, segment in enumerate(asked[:-1]):
                    if (u + s) % 5 == 0:
                        assert bits[u, s] == await client.is_member(user, segment), (user, segment)
            assert bits.any()
            assert list(answer.unknown_user_indexes) == [3]
            assert [(each.index, item_refusal(each.error).reason) for each in answer.segment_errors] == [
                (71, "SEGMENT_NOT_FOUND")
            ]
            assert not bits[:, 71].any()
            assert not bits[3].any()
            assert not answer.HasField("holds_until_time")

    run(test())


def test_a_batch_names_bad_users_and_says_how_long_it_holds(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            await shop(client)
            answer = await batch(client, ["u1", "", "u2"], ["active"])
            assert [each.index for each in answer.user_errors] == [1]
            assert item_refusal(answer.user_errors[0].error).violations == {"user_ids[1]": "it is empty"}
            assert list(answer.unknown_user_indexes) == []
            one = await client.check("u1", "active")
            assert answer.holds_until_time == one.holds_until_time
            await client.advance(8 * DAY)
            assert not unpacked(await batch(client, ["u1"], ["active"]), 1, 1).any()

    run(test())


@pytest.mark.parametrize(("users", "segments", "field"), [(10_001, 1, "user_ids"), (1, 10_001, "segment_ids")])
def test_a_batch_has_limits(tmp_path: Path, users: int, segments: int, field: str) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            refused = await refusal(batch(client, ["u"] * users, ["s"] * segments))
            assert refused.reason == "BATCH_TOO_LARGE"
            assert refused.metadata == {"limit": "10000", "given": "10001"}
            assert list(refused.violations) == [field]
            cells = await refusal(batch(client, ["u"] * 10_000, ["s"] * 1_001))
            assert cells.metadata == {"limit": "10000000", "given": "10010000"}

    run(test())


def test_segments_of_a_user_come_in_pages_with_errors_in_their_range(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            for name in ("a", "c", "e", "g", "z"):
                await client.define(name, PRO, labels={"team": "x"})
            for name in ("b", "f", "h"):
                await client.define(name, CHAMPIONS, labels={"team": "x"})
            await client.define("other", PRO)
            await client.upsert({"u": {"plan": "pro"}})
            request = pb.ListUserSegmentsRequest(user_id="u", labels={"team": "x"}, page_size=2)
            pages = []
            while True:
                page = await client.memberships.ListUserSegments(request)
                pages.append(([each.segment_id for each in page.segments], [each.segment_id for each in page.errors]))
                request.page_token = page.next_page_token
                if not page.next_page_token:
                    break
            assert pages == [(["a", "c"], ["b"]), (["e", "g"], ["f"]), (["z"], ["h"])]
            request.page_token, request.labels["team"] = "nonsense", "x"
            assert (await refusal(client.memberships.ListUserSegments(request))).reason == "PAGE_TOKEN_MISMATCH"

    run(test())


def test_a_page_token_is_bound_to_its_request(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            await shop(client)
            first = await client.memberships.ListUserSegments(pb.ListUserSegmentsRequest(user_id="u1", page_size=1))
            other = pb.ListUserSegmentsRequest(user_id="u2", page_size=1, page_token=first.next_page_token)
            refused = await refusal(client.memberships.ListUserSegments(other))
            assert (refused.reason, refused.metadata) == ("PAGE_TOKEN_MISMATCH", {"field": "user_id"})

    run(test())


def test_segments_of_a_user_say_when_the_user_leaves(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            await shop(client)
            page = await client.memberships.ListUserSegments(
                pb.ListUserSegmentsRequest(user_id="u1", with_leaves_time=True)
            )
            active, pro = page.segments
            assert (active.segment_id, pro.segment_id) == ("active", "pro")
            assert (pro.name, dict(pro.labels)) == ("Pro plan", {"team": "growth"})
            assert not pro.HasField("leaves_time")
            explained = await client.memberships.ExplainMembership(
                pb.ExplainMembershipRequest(user_id="u1", segment_id="active", with_leaves_time=True)
            )
            assert active.leaves_time == explained.leaves_time
            end = active.leaves_time.seconds * 1_000_000 + active.leaves_time.nanos // 1000
            await client.advance(to=Micros(end - 1))
            assert await client.is_member("u1", "active")
            await client.advance(1)
            assert not await client.is_member("u1", "active")

    run(test())


def test_members_come_in_pages_and_each_once(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            await client.define("pro", PRO)
            await client.upsert({f"u{i}": {"plan": "pro" if i % 3 else "free"} for i in range(20)})
            request = pb.ListSegmentMembersRequest(segment_id="pro", page_size=5)
            found: list[str] = []
            while True:
                page = await client.memberships.ListSegmentMembers(request)
                assert page.total_size == 13
                found += [each.user_id for each in page.members]
                request.page_token = page.next_page_token
                if not page.next_page_token:
                    break
            assert sorted(found) == sorted(f"u{i}" for i in range(20) if i % 3)
            assert len(found) == len(set(found))

    run(test())


def test_an_explanation_mirrors_the_rule(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            await shop(client)
            await client.define(
                "mixed",
                {"all": [PRO, {"not": {"segment": "active"}}]},
                include_user_ids=["u1"],
            )
            answer = await client.memberships.ExplainMembership(
                pb.ExplainMembershipRequest(user_id="u1", segment_id="mixed")
            )
            root = answer.explanation
            assert (answer.membership, answer.segment_version) == (MEMBER, 1)
            assert outline(root) == [
                ("SEGMENT", "", MEMBER),
                ("INCLUDE", "", MEMBER),
                ("ALL", "rule.all", NOT_MEMBER),
                ("CONDITION", "rule.all[0].attribute", MEMBER),
                ("NOT", "rule.all[1].not", NOT_MEMBER),
                ("SEGMENT", "", MEMBER),
                ("CONDITION", "rule.behavioral", MEMBER),
            ]
            reason = root.children[1].children[0].reasons[0]
            assert (reason.subject, reason.operator, reason.member) == ("plan", "equals", True)
            assert (reason.observed, reason.threshold) == ("pro", "pro")

    run(test())


async def batch(client: Client, users: list[str], segments: list[str]) -> Any:
    return await client.memberships.BatchCheckMemberships(
        pb.BatchCheckMembershipsRequest(user_ids=users, segment_ids=segments)
    )


def unpacked(answer: Any, users: int, segments: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """The bits by the words of the proto, one at a time."""
    bits = np.zeros((users, segments), dtype=np.bool_)
    for u in range(users):
        for s in range(segments):
            byte = answer.member_bits[u * answer.bytes_per_user + s // 8]
            bits[u, s] = bool(byte & (1 << (s % 8)))
    assert len(answer.member_bits) == users * answer.bytes_per_user
    return bits


def outline(node: Any) -> list[tuple[str, str, int]]:
    kind = explanation_pb2.NodeKind.Name(node.kind).removeprefix("NODE_KIND_")
    return [(kind, node.path, node.membership), *(line for child in node.children for line in outline(child))]
