"""SegmentService through a real channel: definitions, versions, masks, models and the published types."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.json_format import MessageToDict
from tests.server.live import run
from tests.server.served import Client, event, refusal, serving, struct

from segmentd.v1 import evaluation_service_pb2, membership_service_pb2, segment_pb2
from segmentd.v1 import segment_service_pb2 as pb

PRO = {"attribute": {"plan": {"equals": "pro"}}}
FREE = {"attribute": {"plan": {"equals": "free"}}}
CHAMPIONS = {"rfm": {"segment": ["Champions"]}}
ACTIVE, PENDING, ARCHIVED = (
    segment_pb2.SEGMENT_STATE_ACTIVE,
    segment_pb2.SEGMENT_STATE_PENDING,
    segment_pb2.SEGMENT_STATE_ARCHIVED,
)


def test_a_segment_is_returned_as_it_was_defined(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            created = await client.define(
                "s",
                PRO,
                name="Pro",
                description="d",
                owner="o",
                labels={"a": "b"},
                include_user_ids=["u9"],
                exclude_user_ids=["u8"],
                author="me",
                note="first",
            )
            assert created.revision == 1
            segment = created.segment
            assert (segment.state, segment.version, segment.serving_version) == (ACTIVE, 1, 1)
            assert MessageToDict(segment.rule) == PRO
            assert list(segment.include_user_ids) == ["u9"]
            got = await client.segments.GetSegment(pb.GetSegmentRequest(segment_id="s"))
            assert got.segment == segment
            assert not got.segment.HasField("size")
            sized = await client.segments.GetSegment(pb.GetSegmentRequest(segment_id="s", with_size=True))
            assert sized.segment.size == 1
            again = await refusal(client.define("s", PRO))
            assert (again.code, again.reason) == (grpc.StatusCode.ALREADY_EXISTS, "SEGMENT_EXISTS")

    run(test())


def test_a_size_is_that_of_now(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            await client.define("s", {"behavioral": {"event": "Login", "count": {"at_least": 1}, "within": "1h"}})
            await client.ingest(event("u", "Login"))
            for seconds, size in ((3600, 1), (1, 0)):
                await client.advance(seconds * 1_000_000)
                listed = await client.segments.ListSegments(pb.ListSegmentsRequest(with_size=True))
                assert [each.size for each in listed.segments] == [size]

    run(test())


@pytest.mark.parametrize(
    ("fields", "mask", "expected"),
    [
        ({"name": "N"}, None, {"name": "N", "owner": "o", "rule": PRO, "labels": {"a": "b"}}),
        ({"rule": struct(FREE)}, [], {"name": "n", "owner": "o", "rule": FREE, "labels": {"a": "b"}}),
        ({"name": "N"}, ["owner"], {"name": "n", "owner": "", "rule": PRO, "labels": {"a": "b"}}),
        ({"name": "N"}, ["labels", "rule"], {"name": "n", "owner": "o", "rule": {}, "labels": {}}),
        ({"name": "N"}, ["*"], {"name": "N", "owner": "", "rule": {}, "labels": {}}),
    ],
)
def test_an_update_changes_what_its_mask_names(
    tmp_path: Path, fields: dict[str, Any], mask: list[str] | None, expected: dict[str, Any]
) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            await client.define("s", PRO, name="n", owner="o", labels={"a": "b"}, note="old")
            updated = (await update(client, mask, id="s", author="me", **fields)).segment
            assert updated.version == 2
            assert (updated.author, updated.note) == ("me", "")
            shown = {
                "name": updated.name,
                "owner": updated.owner,
                "rule": MessageToDict(updated.rule),
                "labels": dict(updated.labels),
            }
            assert shown == expected

    run(test())


@pytest.mark.parametrize("path", ["id", "size", "labels.a", "rule.all", "", "state"])
def test_a_mask_names_fields_that_can_be_changed(tmp_path: Path, path: str) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            await client.define("s", PRO)
            refused = await refusal(update(client, ["name", path], id="s", name="N"))
            assert refused.reason == "INVALID_REQUEST"
            assert list(refused.violations) == ["update_mask.paths[1]"]

    run(test())


def test_an_edit_is_refused_where_somebody_was_faster(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            first = (await client.define("s", PRO)).segment
            second = (await update(client, None, id="s", name="N", etag=first.etag)).segment
            assert second.etag != first.etag
            refused = await refusal(update(client, None, id="s", name="M", etag=first.etag))
            assert (refused.code, refused.reason) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH")
            assert refused.metadata == {"segment_id": "s", "given": first.etag, "current": second.etag}

    run(test())


def test_a_change_of_nothing_makes_no_version(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            created = await client.define("s", PRO, name="n")
            same = await update(client, None, id="s", name="n", rule=struct(PRO))
            assert (same.segment, same.revision) == (created.segment, created.revision)

    run(test())


def test_an_archived_segment_has_no_members_and_keeps_its_versions(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            await client.define("vip", PRO)
            await client.define("both", {"segment": "vip"})
            referenced = await refusal(client.segments.ArchiveSegment(pb.ArchiveSegmentRequest(segment_id="vip")))
            assert referenced.reason == "SEGMENT_REFERENCED"
            assert referenced.metadata == {"segment_id": "vip", "referenced_by": "both"}
            await client.segments.ArchiveSegment(pb.ArchiveSegmentRequest(segment_id="both"))
            gone = await client.segments.ArchiveSegment(pb.ArchiveSegmentRequest(segment_id="vip"))
            assert gone.segment.state == ARCHIVED
            assert (await refusal(client.check("u", "vip"))).reason == "SEGMENT_ARCHIVED"
            assert (await refusal(update(client, None, id="vip", name="x"))).reason == "SEGMENT_ARCHIVED"
            assert not (await client.segments.ListSegments(pb.ListSegmentsRequest())).segments
            listed = await client.segments.ListSegments(pb.ListSegmentsRequest(with_archived=True))
            assert [each.id for each in listed.segments] == ["both", "vip"]
            again = await client.define("vip", FREE)
            assert again.segment.version == 3
            versions = await client.segments.ListSegmentVersions(pb.ListSegmentVersionsRequest(segment_id="vip"))
            assert [MessageToDict(each.rule) for each in versions.versions] == [FREE, PRO, PRO]
            assert [each.state for each in versions.versions] == [ACTIVE, ARCHIVED, ACTIVE]

    run(test())


def test_an_edit_is_tried_and_thrown_away(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            await client.upsert({f"u{i}": {"plan": "pro" if i % 2 else "free"} for i in range(9)})
            await client.define("not-pro", {"not": PRO})
            created = await client.segments.CreateSegment(
                pb.CreateSegmentRequest(
                    segment=segment_pb2.Segment(id="pro", rule=struct(PRO), include_user_ids=["new"]),
                    validate_only=True,
                    sample_size=2,
                )
            )
            assert (created.segment.state, created.segment.version, created.segment.etag) == (ACTIVE, 1, "")
            [change] = created.preview.changes
            assert (change.entering_count, change.leaving_count, change.size) == (5, 0, 5)
            assert list(change.entering_user_ids) == ["u1", "u3"]
            assert created.preview.new_user_count == 1
            assert (await refusal(client.check("u1", "pro"))).reason == "SEGMENT_NOT_FOUND"
            await client.define("pro", PRO)
            await client.define("both", {"all": [{"segment": "pro"}, {"segment": "not-pro"}]})
            before = await client.segments.GetSegment(pb.GetSegmentRequest(segment_id="pro"))
            request = pb.UpdateSegmentRequest(segment=segment_pb2.Segment(id="pro", rule=struct(FREE)))
            request.validate_only = True
            updated = await client.segments.UpdateSegment(request)
            assert [(each.segment_id, each.entering_count, each.leaving_count) for each in updated.preview.changes] == [
                ("pro", 5, 4),
                ("both", 5, 0),
            ]
            assert len(updated.preview.changes[0].leaving_user_ids) == 4
            assert (updated.revision, updated.preview.evaluate_time) == (before.revision, updated.segment.update_time)
            assert await client.segments.GetSegment(pb.GetSegmentRequest(segment_id="pro")) == before
            request.segment.rule.CopyFrom(struct(PRO))
            [same] = (await client.segments.UpdateSegment(request)).preview.changes
            assert (same.entering_count, same.leaving_count, same.size) == (0, 0, 4)
            request.sample_size = -1
            assert list((await refusal(client.segments.UpdateSegment(request))).violations) == ["sample_size"]
            request.sample_size = 0
            request.segment.etag = "0-0"
            assert (await refusal(client.segments.UpdateSegment(request))).reason == "ETAG_MISMATCH"

    run(test())


def test_a_pending_segment_is_previewed_as_such(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            request = pb.CreateSegmentRequest(segment=segment_pb2.Segment(id="champions", rule=struct(CHAMPIONS)))
            request.validate_only = True
            answer = await client.segments.CreateSegment(request)
            [change] = answer.preview.changes
            assert (change.state, change.state_reason, change.HasField("size")) == (
                PENDING,
                "nobody to learn from yet",
                False,
            )
            assert answer.segment.state == PENDING

    run(test())


def test_a_version_is_restored_and_a_segment_deleted(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            await client.define("s", PRO, author="ann")
            await update(client, None, id="s", rule=struct(FREE))
            restore = pb.RestoreSegmentVersionRequest(segment_id="s", version=1, author="bob", note="back")
            restored = (await client.segments.RestoreSegmentVersion(restore)).segment
            assert (MessageToDict(restored.rule), restored.version, restored.author) == (PRO, 3, "bob")
            for field, request in (
                ("version", pb.RestoreSegmentVersionRequest(segment_id="s")),
                ("segment_id", pb.RestoreSegmentVersionRequest(version=1)),
                ("author", pb.RestoreSegmentVersionRequest(segment_id="s", version=1, author="x" * 300)),
            ):
                assert list((await refusal(client.segments.RestoreSegmentVersion(request))).violations) == [field]
            unknown = pb.RestoreSegmentVersionRequest(segment_id="s", version=7)
            refused = await refusal(client.segments.RestoreSegmentVersion(unknown))
            assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "VERSION_NOT_FOUND")
            assert refused.metadata == {"segment_id": "s", "version": "7"}
            stale = await refusal(client.segments.DeleteSegment(pb.DeleteSegmentRequest(segment_id="s", etag="1-2")))
            assert stale.reason == "ETAG_MISMATCH"
            deleted = await client.segments.DeleteSegment(pb.DeleteSegmentRequest(segment_id="s", etag="1-3"))
            assert deleted.revision == 4
            for call in (
                client.check("u", "s"),
                client.segments.GetSegment(pb.GetSegmentRequest(segment_id="s")),
                client.segments.ListSegmentVersions(pb.ListSegmentVersionsRequest(segment_id="s")),
                client.segments.ListSegmentModels(pb.ListSegmentModelsRequest(segment_id="s")),
            ):
                assert (await refusal(call)).reason == "SEGMENT_NOT_FOUND"
            assert (await client.define("s", PRO)).segment.version == 1

    run(test())


def test_who_manages_a_segment_is_no_input(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            refused = await refusal(client.define("s", PRO, managed_by="group"))
            assert list(refused.violations) == ["segment.managed_by"]

    run(test())


def test_answers_name_the_models_that_decided_them(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            await client.ingest(*(event(f"u{i}", "Order Completed", revenue=10.0 * i) for i in range(5)))
            rule = {"rfm": {"m": {"equals": 5}, "refit": {"every": "1h"}}}
            await client.define("best", rule)
            await client.define("rest", {"not": {"segment": "best"}})
            await client.define("pro", PRO)
            await client.advance(2 * 3_600_000_000)
            named = [("rfm", 3)]
            for segment_id, expected in (("best", named), ("rest", named), ("pro", [])):
                check = await client.check("u1", segment_id)
                assert [(each.type, each.version) for each in check.models] == expected
                explain = membership_service_pb2.ExplainMembershipRequest(user_id="u1", segment_id=segment_id)
                explained = await client.memberships.ExplainMembership(explain)
                assert [(each.type, each.version) for each in explained.models] == expected
            several = membership_service_pb2.CheckMembershipsRequest(user_id="u1", segment_ids=["rest", "pro"])
            answers = (await client.memberships.CheckMemberships(several)).memberships
            assert [[(each.type, each.version) for each in answer.models] for answer in answers] == [named, []]
            listed = await client.memberships.ListUserSegments(
                membership_service_pb2.ListUserSegmentsRequest(user_id="u1")
            )
            assert [(each.type, each.version) for each in listed.segments[0].models] == named
            asked = evaluation_service_pb2.EvaluateSegmentsRequest(segment_ids=["rest"], rule=struct({"not": rule}))
            asked.stored_user.user_id = "u1"
            [evaluation] = (await client.evaluations.EvaluateSegments(asked)).evaluations
            found = (evaluation.memberships[0].models, evaluation.rule_membership.models)
            assert [[(each.type, each.version) for each in models] for models in found] == [named, named]
            request = pb.ListSegmentModelsRequest(segment_id="rest", page_size=2)
            page = await client.segments.ListSegmentModels(request)
            assert [each.version for each in page.models] == [3, 2]
            request.page_token = page.next_page_token
            last = await client.segments.ListSegmentModels(request)
            assert ([each.version for each in last.models], last.next_page_token) == ([1], "")
            assert MessageToDict(last.models[0].summary)["spend"]

    run(test())


def test_lists_come_in_pages(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            for name in "edcba":
                await client.define(name, PRO, labels={"x": "1"} if name != "c" else {})
            for name in "1234":
                await update(client, None, id="a", name=name)
            request = pb.ListSegmentsRequest(labels={"x": "1"}, page_size=3)
            first = await client.segments.ListSegments(request)
            assert ([each.id for each in first.segments], first.total_size) == (["a", "b", "d"], 4)
            request.page_token = first.next_page_token
            second = await client.segments.ListSegments(request)
            assert ([each.id for each in second.segments], second.next_page_token) == (["e"], "")
            versions = pb.ListSegmentVersionsRequest(segment_id="a", page_size=2)
            numbers = []
            while True:
                page = await client.segments.ListSegmentVersions(versions)
                numbers.append([each.version for each in page.versions])
                versions.page_token = page.next_page_token
                if not page.next_page_token:
                    break
            assert numbers == [[5, 4], [3, 2], [1]]
            negative = await refusal(client.segments.ListSegments(pb.ListSegmentsRequest(page_size=-1)))
            assert list(negative.violations) == ["page_size"]

    run(test())


def test_a_segment_waits_for_its_model_and_is_fitted_again(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            pending = (await client.define("champions", CHAMPIONS)).segment
            assert (pending.state, pending.serving_version) == (PENDING, 0)
            assert pending.state_reason
            assert [(model.type, model.version) for model in pending.models] == [("rfm", 0)]
            assert not pending.models[0].HasField("fit_time")
            orders = [event(f"u{i}", "Order Completed", revenue=10.0 * (i + 1)) for i in range(30)]
            await client.ingest(*orders)
            refit = await client.segments.RefitSegment(pb.RefitSegmentRequest(segment_id="champions"))
            assert refit.models[0].version >= 1
            assert refit.models[0].population_size == 30
            got = (await client.segments.GetSegment(pb.GetSegmentRequest(segment_id="champions"))).segment
            assert (got.state, got.serving_version) == (ACTIVE, 1)
            assert list(got.models) == list(refit.models)
            await client.define("pro", PRO)
            refused = await refusal(client.segments.RefitSegment(pb.RefitSegmentRequest(segment_id="pro")))
            assert list(refused.violations) == ["segment_id"]

    run(test())


def test_types_publish_their_parameters(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            types = (await client.segments.ListSegmentTypes(pb.ListSegmentTypesRequest())).types
            by_name = {each.name: each for each in types}
            assert list(by_name) == sorted(by_name)
            assert {"attribute", "behavioral", "demographic", "geographic", "list", "rfm"} <= by_name.keys()
            assert [name for name, each in by_name.items() if each.population_relative] == ["rfm"]
            for each in types:
                assert each.plugin.startswith("segmentd ")
                assert each.description
                assert MessageToDict(each.parameters_schema)["type"] == "object"
            country = next(each for each in by_name["geographic"].parameters if each.name == "country")
            assert country.attributes[0] == "address.country"
            assert "equals" in country.operators

    run(test())


async def update(client: Client, mask: list[str] | None, **fields: Any) -> Any:
    request = pb.UpdateSegmentRequest(
        segment=segment_pb2.Segment(**fields), update_mask=None if mask is None else FieldMask(paths=mask)
    )
    return await client.segments.UpdateSegment(request)
