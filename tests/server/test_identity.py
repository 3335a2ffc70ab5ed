from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc
from tests.server.live import run
from tests.server.served import START, Client, event, item_refusal, refusal, serving

from segmentd.server import facts
from segmentd.service import items
from segmentd.times import DAY, Micros
from segmentd.v1 import profile_export_pb2 as export
from segmentd.v1 import profile_service_pb2 as pb
from segmentd.v1 import transition_pb2

BUYERS = {"behavioral": {"event": "Order Completed", "within": "7d"}}


async def merge(client: Client, *merges: tuple[str, str], precedence: int = 0) -> Any:
    request = pb.MergeProfilesRequest(
        merges=[
            pb.ProfileMerge(from_user_id=one, into_user_id=other, precedence=precedence)  # type: ignore[arg-type]
            for one, other in merges
        ]
    )
    return await client.profiles.MergeProfiles(request)


async def declare(client: Client, **keeps: str) -> Any:
    events = [pb.EventDeclaration(name=name.replace("_", " "), keep=keep) for name, keep in keeps.items()]
    return await client.profiles.DeclareEvents(pb.DeclareEventsRequest(events=events))


async def exported(client: Client, user: str) -> list[Any]:
    return [part async for part in client.profiles.ExportProfile(pb.ExportProfileRequest(user_id=user))]


def test_merges_answer_one_by_one_and_ids_lead_to_the_survivor(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(tmp_path / "test.db") as client:
            await client.define("buyers", BUYERS)
            await client.ingest(event("anon", "Order Completed", "m1"))
            done = await merge(client, ("anon", "ada"), ("", "ada"), ("ghost", "anon"), ("ada", "ghost"), ("x", "x"))
            assert [pb.MergeOutcome.Name(each.outcome).removeprefix("MERGE_OUTCOME_") for each in done.results] == [
                "MERGED",
                "REFUSED",
                "ALIASED",
                "ALREADY_MERGED",
                "SAME_ID",
            ]
            assert item_refusal(done.results[1].error).violations.keys() == {"merges[1].from_user_id"}
            assert done.results[2].survivor_user_id == "ada"
            for name in ("ada", "anon", "ghost"):
                assert await client.is_member(name, "buyers")
                found = (await client.profiles.GetProfile(pb.GetProfileRequest(user_id=name))).profile
                assert (found.user_id, list(found.merged_user_ids)) == ("ada", ["anon", "ghost"])
            again = await merge(client, ("anon", "ada"))
            assert again.revision == done.revision
            bad = await merge(client, ("a", "b"), precedence=7)
            assert item_refusal(bad.results[0].error).violations.keys() == {"merges[0].precedence"}
            many = await refusal(merge(client, *[("a", "b")] * 1_001))
            assert (many.reason, many.metadata["limit"]) == ("BATCH_TOO_LARGE", "1000")

    run(scenario())


def test_an_erased_user_is_gone_and_the_id_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(tmp_path / "test.db") as client:
            await client.define("named", None, include_user_ids=["ada", "bob"])
            await client.upsert({"ada": {"email": "ada@example.com"}})
            done = await client.profiles.DeleteProfile(pb.DeleteProfileRequest(user_id="ada"))
            assert done.purged
            answer = await client.check("ada", "named")
            assert (answer.user_known, answer.revision) == (False, done.revision)
            assert await client.is_member("bob", "named")
            late = await client.ingest(event("ada", "Order Completed", "m1"))
            found = item_refusal(late.results[0].error)
            assert (found.reason, list(found.metadata)) == ("USER_ERASED", ["refused_until"])
            for name in ("ada", "nobody"):
                unknown = await refusal(client.profiles.DeleteProfile(pb.DeleteProfileRequest(user_id=name)))
                assert (unknown.code, unknown.reason) == (grpc.StatusCode.NOT_FOUND, "USER_NOT_FOUND")
            empty = await refusal(client.profiles.DeleteProfile(pb.DeleteProfileRequest()))
            assert empty.violations.keys() == {"user_id"}
            refused = await refusal(client.define("again", None, include_user_ids=["ada"]))
            assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "USER_ERASED")

    run(scenario())


def test_no_context_of_an_erased_user_is_kept_to_be_read_faster(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(tmp_path / "test.db") as client:
            sent = event("ada", "Order Completed", "m1")
            sent.context.update({"device": {"name": "the phone of ada"}})
            await client.ingest(sent)
            caches = [facts._sound_context, items._remembered_attributes]
            assert all(each.cache_info().currsize for each in caches)
            await client.profiles.DeleteProfile(pb.DeleteProfileRequest(user_id="ada"))
            assert not any(each.cache_info().currsize for each in caches)

    run(scenario())


def test_an_export_has_everything(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(tmp_path / "test.db") as client:
            await client.define("buyers", BUYERS, include_user_ids=["ada"])
            await client.define("named", {"list": {"users": ["anon"]}}, exclude_user_ids=["ada"])
            await client.upsert(
                {"ada": {"userAgent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0", "x": [1, "y"][1]}}
            )
            await client.ingest(event("anon", "Order Completed", "m1", revenue=12), event("anon", "Order Completed"))
            await merge(client, ("anon", "ada"))
            parts = await exported(client, "anon")
            kinds = [part.WhichOneof("part") for part in parts]
            assert kinds == sorted(
                kinds, key=["identity", "attribute", "membership", "mention", "event", "transition"].index
            )
            identity = parts[0].identity
            assert (identity.user_id, list(identity.merged_user_ids), len(identity.user_keys)) == ("ada", ["anon"], 2)
            attributes = {part.attribute.name: part.attribute for part in parts if part.HasField("attribute")}
            assert attributes["x"].value.string_value == "y"
            assert attributes["x"].HasField("change_time")
            assert attributes["os.name"].derived
            assert [part.membership.segment_id for part in parts if part.HasField("membership")] == ["buyers"]
            mentions = {(part.mention.kind, part.mention.id) for part in parts if part.HasField("mention")}
            assert mentions == {
                (export.MENTION_KIND_INCLUDE, "buyers"),
                (export.MENTION_KIND_EXCLUDE, "named"),
                (export.MENTION_KIND_RULE, "named"),
            }
            events = [part.event.event for part in parts if part.HasField("event")]
            assert [(each.user_id, each.name, each.message_id) for each in events] == [
                ("ada", "Order Completed", "m1"),
                ("ada", "Order Completed", ""),
            ]
            assert events[0].properties["revenue"] == 12
            moves = [part.transition for part in parts if part.HasField("transition")]
            assert {each.user_key for each in moves} <= set(identity.user_keys)
            assert moves[-1].cause == transition_pb2.TRANSITION_CAUSE_MERGE
            unknown = await refusal(anext(aiter(client.profiles.ExportProfile(pb.ExportProfileRequest(user_id="no")))))
            assert unknown.reason == "USER_NOT_FOUND"

    run(scenario())


def test_events_are_declared_listed_and_leave(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(tmp_path / "test.db") as client:
            await client.define("buyers", BUYERS)
            await client.ingest(event("ada", "Order Completed", at=Micros(START - 9 * DAY)), event("ada", "Viewed"))
            done = await declare(client, Order_Completed="6d", Viewed="2y", Opened="1d", **{"": "1d"})
            refused = [item_refusal(each.error) for each in done.results if each.HasField("error")]
            assert [each.reason for each in refused] == ["RETENTION_TOO_SHORT", "INVALID_REQUEST", "INVALID_REQUEST"]
            assert refused[0].metadata == {"event": "Order Completed", "segments": "buyers"}
            assert refused[1].violations.keys() == {"events[1].keep"}
            assert not (await declare(client, Order_Completed="8d")).results[0].HasField("error")
            found = await client.profiles.ListEvents(pb.ListEventsRequest(page_size=2))
            assert [(each.name, each.keep) for each in found.events] == [("Opened", "1d"), ("Order Completed", "8d")]
            rest = await client.profiles.ListEvents(pb.ListEventsRequest(page_size=2, page_token=found.next_page_token))
            assert [(each.name, each.event_count, each.keep) for each in rest.events] == [("Viewed", 1, "")]
            assert rest.next_page_token == ""
            long = await refusal(client.define("long", {"behavioral": {"event": "Order Completed", "within": "9d"}}))
            assert (long.reason, list(long.violations)) == ("INVALID_RULE", ["rule.behavioral"])

    run(scenario())
