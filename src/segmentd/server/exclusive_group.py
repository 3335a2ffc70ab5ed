"""ExclusiveGroupService: waterfalls of segments."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, Final

from segmentd.errors import InvalidInput
from segmentd.limits import MAX_ID_BYTES
from segmentd.server import definitions, pages
from segmentd.server.faults import Faults
from segmentd.server.instants import to_timestamp
from segmentd.server.rpc import Context
from segmentd.server.segment import sample_size
from segmentd.server.subjects import check_id
from segmentd.server.waiting import reach
from segmentd.service.group_info import GroupInfo, GroupSpec
from segmentd.service.group_report import GroupReport
from segmentd.service.groups import FIELDS, PreviewedGroup
from segmentd.service.service import Service
from segmentd.v1 import exclusive_group_pb2, exclusive_group_service_pb2_grpc
from segmentd.v1 import exclusive_group_service_pb2 as pb

_PAGE: Final = (100, 1_000)
"""How many groups a page has by default and at most."""


class ExclusiveGroupHandlers(exclusive_group_service_pb2_grpc.ExclusiveGroupServiceServicer):
    """Groups, and reports on them."""

    def __init__(self, service: Service) -> None:
        self._groups = service.groups
        self._memberships = service.memberships

    async def CreateExclusiveGroup(
        self, request: pb.CreateExclusiveGroupRequest, context: Context
    ) -> pb.CreateExclusiveGroupResponse:
        size, given = sample_size(request.sample_size), request.group
        with _below_group():
            spec = _spec_of(given)
            if request.validate_only:
                found = await self._groups.preview_creation(spec, given.author, given.note, size)
                return pb.CreateExclusiveGroupResponse(**_preview(found))
            view = await self._groups.create(spec, given.author, given.note)
        return pb.CreateExclusiveGroupResponse(group=_group(view.info), revision=view.revision)

    async def GetExclusiveGroup(
        self, request: pb.GetExclusiveGroupRequest, context: Context
    ) -> pb.GetExclusiveGroupResponse:
        check_id(request.group_id, "group_id")
        if request.min_revision:
            await reach(self._memberships, request.min_revision, context)
        view = self._groups.get(request.group_id)
        return pb.GetExclusiveGroupResponse(group=_group(view.info), revision=view.revision)

    async def ListExclusiveGroups(
        self, request: pb.ListExclusiveGroupsRequest, context: Context
    ) -> pb.ListExclusiveGroupsResponse:
        size, after = await pages.asked(request, Faults(), _PAGE, self._memberships, context)
        infos, revision = self._groups.select()
        rest = [info for info in infos if info.spec.group_id > after]
        page, token = pages.cut(request, rest, size, lambda info: info.spec.group_id)
        return pb.ListExclusiveGroupsResponse(
            groups=[_group(info) for info in page],
            total_size=len(infos),
            revision=revision,
            next_page_token=token,
        )

    async def UpdateExclusiveGroup(
        self, request: pb.UpdateExclusiveGroupRequest, context: Context
    ) -> pb.UpdateExclusiveGroupResponse:
        fields = _changed_fields(request)
        size, given = sample_size(request.sample_size), request.group
        with _below_group():
            spec = _spec_of(given)
            if request.validate_only:
                found = await self._groups.preview_update(spec, fields, given.etag, given.author, given.note, size)
                return pb.UpdateExclusiveGroupResponse(**_preview(found))
            view = await self._groups.update(spec, fields, given.etag, given.author, given.note)
        return pb.UpdateExclusiveGroupResponse(group=_group(view.info), revision=view.revision)

    async def DeleteExclusiveGroup(
        self, request: pb.DeleteExclusiveGroupRequest, context: Context
    ) -> pb.DeleteExclusiveGroupResponse:
        check_id(request.group_id, "group_id")
        revision = await self._groups.delete(request.group_id, request.etag)
        return pb.DeleteExclusiveGroupResponse(revision=revision)

    async def GetExclusiveGroupReport(
        self, request: pb.GetExclusiveGroupReportRequest, context: Context
    ) -> pb.GetExclusiveGroupReportResponse:
        check_id(request.group_id, "group_id")
        if request.min_revision:
            await reach(self._memberships, request.min_revision, context)
        report = await self._groups.report(request.group_id)
        return pb.GetExclusiveGroupReportResponse(
            report=_report(report), revision=report.revision, evaluate_time=to_timestamp(report.at)
        )


@contextmanager
def _below_group() -> Iterator[None]:
    """Faults of the group stand below the field that brings it."""
    try:
        yield
    except InvalidInput as error:
        raise error.below("group.") from None


def _spec_of(group: exclusive_group_pb2.ExclusiveGroup) -> GroupSpec:
    """What the message defines. Raises InvalidInput with every fault of form; the segments are checked apart."""
    faults = Faults()
    for field in ("name", "description", "owner", "note"):
        faults.text(getattr(group, field), field)
    faults.text(group.author, "author", MAX_ID_BYTES)
    labels = faults.labels(group.labels)
    faults.id(group.id, "id")
    faults.raise_any()
    return GroupSpec(group.id, tuple(group.segment_ids), group.name, group.description, group.owner, labels)


def _changed_fields(request: pb.UpdateExclusiveGroupRequest) -> Collection[str]:
    """The fields that an update changes. Raises InvalidInput at each path that names none."""
    if not request.update_mask.paths:
        return FIELDS & {field.name for field, _ in request.group.ListFields()}
    faults = Faults()
    for index, path in enumerate(request.update_mask.paths):
        known = path == "*" or path in FIELDS
        faults.add(f"update_mask.paths[{index}]", None if known else f"{path[:80]!r} is no field that can be changed")
    faults.raise_any()
    return FIELDS if "*" in request.update_mask.paths else set(request.update_mask.paths)


def _preview(found: PreviewedGroup) -> dict[str, Any]:
    """The fields of an answer with `validate_only`."""
    group = _group(found.info)
    group.etag = ""
    return {"group": group, "revision": found.preview.revision, "preview": definitions.edit_preview(found.preview)}


def _group(info: GroupInfo) -> exclusive_group_pb2.ExclusiveGroup:
    spec = info.spec
    return exclusive_group_pb2.ExclusiveGroup(
        id=spec.group_id,
        name=spec.name,
        description=spec.description,
        owner=spec.owner,
        labels=spec.labels,
        segment_ids=spec.segment_ids,
        managed_segment_ids=[spec.managed(each) for each in spec.segment_ids],
        version=info.version,
        etag=info.etag,
        create_time=to_timestamp(info.create_time),
        update_time=to_timestamp(info.update_time),
        author=info.author,
        note=info.note,
    )


def _report(report: GroupReport) -> exclusive_group_pb2.ExclusiveGroupReport:
    names = report.info.spec.segment_ids
    return exclusive_group_pb2.ExclusiveGroupReport(
        shares=[
            exclusive_group_pb2.ExclusiveGroupShare(
                segment_id=share.segment_id,
                managed_segment_id=report.info.spec.managed(share.segment_id),
                matched_count=share.matched,
                claimed_count=share.claimed,
                lost_count=share.lost,
            )
            for share in report.shares
        ],
        user_count=report.users,
        overlap_user_count=report.overlap_users,
        withheld_count=report.withheld,
        overlaps=[
            exclusive_group_pb2.ExclusiveGroupOverlap(
                first_segment_id=names[first], second_segment_id=names[second], user_count=users
            )
            for (first, second), users in sorted(report.overlaps.items())
        ],
    )
