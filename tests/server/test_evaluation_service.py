"""EvaluationService through a real channel: rules, contexts and profiles that are not stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.server.live import run
from tests.server.served import MEMBER, NOT_MEMBER, Client, event, item_refusal, refusal, serving, struct

from segmentd.v1 import evaluation_service_pb2 as pb
from segmentd.v1 import profile_pb2

PRO = {"attribute": {"plan": {"equals": "pro"}}}
CHAMPIONS = {"rfm": {"segment": ["Champions"]}}
BOUGHT = {"behavioral": {"event": "Order Completed", "count": {"at_least": 1}, "within": "7d"}}


def test_a_rule_is_counted_before_it_is_saved(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            await client.upsert({f"u{i}": {"plan": "pro" if i < 3 else "free"} for i in range(5)})
            count = await client.evaluations.CountMembers(pb.CountMembersRequest(rule=struct(PRO)))
            assert (count.member_count, count.user_count) == (3, 5)
            assert count.revision == 1
            none = await refusal(client.evaluations.CountMembers(pb.CountMembersRequest()))
            assert list(none.violations) == ["rule"]
            unlearned = await refusal(client.evaluations.CountMembers(pb.CountMembersRequest(rule=struct(CHAMPIONS))))
            assert (unlearned.reason, unlearned.metadata) == ("NO_MODEL", {"type": "rfm"})

    run(test())


def test_a_context_is_laid_over_what_is_stored(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            await client.define("pro", PRO)
            await client.define("bought", BOUGHT)
            await client.upsert({"u": {"plan": "free"}})
            await client.ingest(event("u", "Order Completed"))
            answer = await stored(client, "u", {"plan": "pro"}, ["pro", "bought", "nowhere", ""], PRO)
            only = answer.evaluations[0]
            assert only.user_known
            assert [each.membership for each in only.memberships] == [MEMBER, MEMBER, 0, 0]
            assert [item_refusal(each.error).reason for each in only.memberships[2:]] == [
                "SEGMENT_NOT_FOUND",
                "INVALID_REQUEST",
            ]
            assert only.memberships[1].HasField("holds_until_time")
            assert only.rule_membership.membership == MEMBER
            assert not await client.is_member("u", "pro")
            nobody = (await stored(client, "nobody", {}, ["pro"], PRO)).evaluations[0]
            assert not nobody.user_known
            assert nobody.memberships[0].membership == nobody.rule_membership.membership == NOT_MEMBER

    run(test())


def test_faults_of_a_context_are_named(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            await client.upsert({"u": {"score": 1}})
            refused = await refusal(stored(client, "u", {"score": "high"}, [], PRO))
            assert refused.reason == "WRONG_TYPE"
            assert list(refused.violations) == ["stored_user.context.score"]
            empty = await refusal(stored(client, "", {"a": float("nan")}, [], PRO))
            assert sorted(empty.violations) == ["stored_user.context.a", "stored_user.user_id"]

    run(test())


def test_given_profiles_are_judged_alone(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            await client.define("bought", BOUGHT)
            await client.upsert({"a": {"plan": "pro"}})
            profiles = [
                pb.GivenProfile(user_id="a", attributes=struct({"plan": "free"})),
                pb.GivenProfile(user_id="b", attributes=struct({"plan": "pro"}), events=[bought("")]),
                pb.GivenProfile(user_id="c", events=[bought("c"), bought("d")]),
                pb.GivenProfile(user_id="b", events=[bought("b")]),
                pb.GivenProfile(user_id="e", events=[bought(""), bought("", revenue="much")]),
            ]
            answer = await client.evaluations.EvaluateSegments(
                pb.EvaluateSegmentsRequest(
                    segment_ids=["bought"], rule=struct(PRO), given_profiles=pb.GivenProfiles(profiles=profiles)
                )
            )
            assert [each.user_id for each in answer.evaluations] == ["a", "b", "c", "b", "e"]
            found = [
                None
                if each.HasField("error")
                else (each.memberships[0].membership == MEMBER, each.rule_membership.membership == MEMBER)
                for each in answer.evaluations
            ]
            assert found == [(False, False), (True, True), None, (True, False), None]
            assert item_refusal(answer.evaluations[2].error).violations.keys() == {
                "given_profiles.profiles[2].events[1].user_id"
            }
            wrong = item_refusal(answer.evaluations[4].error)
            assert wrong.reason == "WRONG_TYPE"
            assert wrong.violations.keys() == {"given_profiles.profiles[4].events[1].properties.revenue"}

    run(test())


def test_a_rule_that_refers_to_a_waiting_segment_has_no_answer(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            await client.define("champions", CHAMPIONS)
            await client.define("pro", PRO)
            await client.upsert({"u": {"plan": "pro"}})
            for user in ("u", "nobody"):
                only = (await stored(client, user, {}, ["pro"], {"segment": "champions"})).evaluations[0]
                assert only.memberships[0].membership == (MEMBER if user == "u" else NOT_MEMBER)
                assert item_refusal(only.rule_membership.error).reason == "SEGMENT_PENDING"

    run(test())


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (pb.EvaluateSegmentsRequest(stored_user=pb.StoredUser(user_id="u")), "segment_ids"),
        (pb.EvaluateSegmentsRequest(segment_ids=["a"]), "subject"),
        (pb.EvaluateSegmentsRequest(segment_ids=["a"], given_profiles=pb.GivenProfiles()), "given_profiles.profiles"),
        (pb.EvaluateSegmentsRequest(segment_ids=["a"] * 10_001), "segment_ids"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, request_: pb.EvaluateSegmentsRequest, field: str) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            assert list((await refusal(client.evaluations.EvaluateSegments(request_))).violations) == [field]

    run(test())


def bought(user_id: str, **properties: Any) -> profile_pb2.Event:
    return event(user_id, "Order Completed", **properties)


async def stored(client: Client, user_id: str, context: dict[str, Any], segments: list[str], rule: Any) -> Any:
    subject = pb.StoredUser(user_id=user_id, context=struct(context))
    request = pb.EvaluateSegmentsRequest(segment_ids=segments, rule=struct(rule), stored_user=subject)
    return await client.evaluations.EvaluateSegments(request)
