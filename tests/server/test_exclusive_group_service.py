"""ExclusiveGroupService through a real channel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc
from google.protobuf import field_mask_pb2
from tests.server.live import run
from tests.server.served import Client, refusal, serving

from segmentd.v1 import exclusive_group_service_pb2 as pb
from segmentd.v1 import segment_service_pb2
from segmentd.v1.exclusive_group_pb2 import ExclusiveGroup
from segmentd.v1.exclusive_group_service_pb2_grpc import ExclusiveGroupServiceStub


def stub(client: Client) -> Any:
    return ExclusiveGroupServiceStub(client.channel)


async def fill(client: Client) -> None:
    """Users u1 to u4; a has u1 and u2, b has u2 and u3, c has u2 and u4."""
    await client.upsert({f"u{number}": {} for number in range(1, 5)})
    for name, users in (("a", ["u1", "u2"]), ("b", ["u2", "u3"]), ("c", ["u2", "u4"])):
        await client.define(name, {"list": {"users": users}})


async def create(client: Client, *segment_ids: str, group_id: str = "g", **more: Any) -> Any:
    group = ExclusiveGroup(id=group_id, segment_ids=segment_ids, **more)
    return await stub(client).CreateExclusiveGroup(pb.CreateExclusiveGroupRequest(group=group))


def test_a_group_is_made_asked_changed_reported_on_and_deleted(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "groups.db") as client:
            await fill(client)
            groups = stub(client)
            made = await create(client, "a", "b", "c", name="Campaigns", author="ada", labels={"team": "crm"})
            assert list(made.group.managed_segment_ids) == ["g/a", "g/b", "g/c"]
            assert (made.group.version, made.group.author, made.group.name) == (1, "ada", "Campaigns")
            for user, place in (("u1", "g/a"), ("u2", "g/a"), ("u3", "g/b"), ("u4", "g/c")):
                found = [each for each in ("g/a", "g/b", "g/c") if await client.is_member(user, each)]
                assert found == [place]
            answer = await groups.GetExclusiveGroupReport(
                pb.GetExclusiveGroupReportRequest(group_id="g", min_revision=made.revision)
            )
            report = answer.report
            shares = [
                (each.segment_id, each.matched_count, each.claimed_count, each.lost_count) for each in report.shares
            ]
            assert shares == [("a", 2, 2, 0), ("b", 2, 1, 1), ("c", 2, 1, 1)]
            assert (report.user_count, report.overlap_user_count, report.withheld_count) == (4, 1, 2)
            pairs = [(each.first_segment_id, each.second_segment_id, each.user_count) for each in report.overlaps]
            assert pairs == [("a", "b", 1), ("a", "c", 1), ("b", "c", 1)]
            assert answer.revision >= made.revision
            change = ExclusiveGroup(id="g", segment_ids=["c", "a"], etag=made.group.etag, note="swap")
            changed = await groups.UpdateExclusiveGroup(pb.UpdateExclusiveGroupRequest(group=change))
            assert (changed.group.version, changed.group.name, changed.group.note) == (2, "Campaigns", "swap")
            assert await client.is_member("u2", "g/c")
            assert (await refusal(client.check("u3", "g/b"))).reason == "SEGMENT_NOT_FOUND"
            stale = await refusal(groups.UpdateExclusiveGroup(pb.UpdateExclusiveGroupRequest(group=change)))
            assert (stale.code, stale.reason) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH")
            assert stale.metadata["group_id"] == "g"
            await groups.DeleteExclusiveGroup(pb.DeleteExclusiveGroupRequest(group_id="g", etag=changed.group.etag))
            gone = await refusal(groups.GetExclusiveGroup(pb.GetExclusiveGroupRequest(group_id="g")))
            assert (gone.code, gone.reason, gone.metadata) == (
                grpc.StatusCode.NOT_FOUND,
                "GROUP_NOT_FOUND",
                {"group_id": "g"},
            )

    run(test())


def test_managed_segments_refuse_edits_and_members_of_a_group_stay(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "groups.db") as client:
            await fill(client)
            await create(client, "a", "b")
            request = segment_service_pb2.UpdateSegmentRequest()
            request.segment.id, request.segment.name = "g/b", "mine"
            refused = await refusal(client.segments.UpdateSegment(request))
            assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "SEGMENT_MANAGED")
            assert refused.metadata == {"segment_id": "g/b", "group_id": "g"}
            delete = segment_service_pb2.DeleteSegmentRequest(segment_id="a")
            refused = await refusal(client.segments.DeleteSegment(delete))
            assert (refused.reason, refused.code) == ("SEGMENT_REFERENCED", grpc.StatusCode.FAILED_PRECONDITION)
            again = await refusal(create(client, "a"))
            assert (again.code, again.reason) == (grpc.StatusCode.ALREADY_EXISTS, "GROUP_EXISTS")

    run(test())


def test_groups_are_listed_by_id_in_pages(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "groups.db") as client:
            await fill(client)
            for name in ("y", "x", "z"):
                await create(client, "a", "b", group_id=name)
            page = await stub(client).ListExclusiveGroups(pb.ListExclusiveGroupsRequest(page_size=2))
            assert ([each.id for each in page.groups], page.total_size) == (["x", "y"], 3)
            request = pb.ListExclusiveGroupsRequest(page_size=2, page_token=page.next_page_token)
            rest = await stub(client).ListExclusiveGroups(request)
            assert ([each.id for each in rest.groups], rest.next_page_token) == (["z"], "")

    run(test())


def test_faults_are_named_by_their_field(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "groups.db") as client:
            await fill(client)
            for group, fields in (
                (ExclusiveGroup(segment_ids=["a"]), {"group.id"}),
                (ExclusiveGroup(id="g", segment_ids=["a"], author="x" * 300), {"group.author"}),
                (ExclusiveGroup(id="g"), {"group.segment_ids"}),
                (ExclusiveGroup(id="g", segment_ids=["a", "nobody", "a"]), {"group.segment_ids[2]"}),
                (ExclusiveGroup(id="g", segment_ids=["a", "nobody"]), {"group.segment_ids[1]"}),
                (ExclusiveGroup(id="g" * 255, segment_ids=["a"]), {"group.segment_ids[0]"}),
            ):
                refused = await refusal(stub(client).CreateExclusiveGroup(pb.CreateExclusiveGroupRequest(group=group)))
                assert (refused.code, set(refused.violations)) == (grpc.StatusCode.INVALID_ARGUMENT, fields)
            await create(client, "a")
            update = pb.UpdateExclusiveGroupRequest(
                group=ExclusiveGroup(id="g"), update_mask=field_mask_pb2.FieldMask(paths=["name", "rule"])
            )
            refused = await refusal(stub(client).UpdateExclusiveGroup(update))
            assert set(refused.violations) == {"update_mask.paths[1]"}

    run(test())
