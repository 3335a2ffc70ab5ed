"""Exclusive groups of segments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from google.protobuf import field_mask_pb2

from segmentd.client.calls import Call, asked, paged
from segmentd.v1 import exclusive_group_pb2
from segmentd.v1 import exclusive_group_service_pb2 as groups
from segmentd.v1.exclusive_group_service_pb2_grpc import ExclusiveGroupServiceStub


class ExclusiveGroups:
    """Calls of ExclusiveGroupService."""

    @asked
    def create_exclusive_group(
        self, group: exclusive_group_pb2.ExclusiveGroup, *, validate_only: bool = False, sample_size: int = 0
    ) -> Call[groups.CreateExclusiveGroupResponse]:
        """Define a new group. With `validate_only` nothing is stored, and the answer has a preview."""
        request = groups.CreateExclusiveGroupRequest(group=group, validate_only=validate_only, sample_size=sample_size)
        return Call(ExclusiveGroupServiceStub, "CreateExclusiveGroup", request)

    @asked
    def get_exclusive_group(self, group_id: str, min_revision: int = 0) -> Call[groups.GetExclusiveGroupResponse]:
        """One group."""
        request = groups.GetExclusiveGroupRequest(group_id=group_id, min_revision=min_revision)
        return Call(ExclusiveGroupServiceStub, "GetExclusiveGroup", request)

    @paged
    def list_exclusive_groups(self, min_revision: int = 0) -> Call[Iterable[exclusive_group_pb2.ExclusiveGroup]]:
        """The groups, ordered by id; pages are asked for as they are needed."""
        request = groups.ListExclusiveGroupsRequest(min_revision=min_revision, page_size=1_000)
        return Call(ExclusiveGroupServiceStub, "ListExclusiveGroups", request, lambda page: page.groups)

    @asked
    def update_exclusive_group(
        self,
        group: exclusive_group_pb2.ExclusiveGroup,
        fields: Sequence[str] = (),
        *,
        validate_only: bool = False,
        sample_size: int = 0,
    ) -> Call[groups.UpdateExclusiveGroupResponse]:
        """Change the fields that are named (`*`: all of them), or those that are set where none is.

        With `validate_only` nothing is stored, and the answer has a preview.
        """
        mask = field_mask_pb2.FieldMask(paths=fields) if fields else None
        request = groups.UpdateExclusiveGroupRequest(
            group=group, update_mask=mask, validate_only=validate_only, sample_size=sample_size
        )
        return Call(ExclusiveGroupServiceStub, "UpdateExclusiveGroup", request)

    @asked
    def delete_exclusive_group(self, group_id: str, etag: str = "") -> Call[groups.DeleteExclusiveGroupResponse]:
        """Delete a group and the segments that it made."""
        request = groups.DeleteExclusiveGroupRequest(group_id=group_id, etag=etag)
        return Call(ExclusiveGroupServiceStub, "DeleteExclusiveGroup", request)

    @asked
    def exclusive_group_report(
        self, group_id: str, min_revision: int = 0
    ) -> Call[groups.GetExclusiveGroupReportResponse]:
        """Who matches, who is claimed, and which overlaps the group prevented."""
        request = groups.GetExclusiveGroupReportRequest(group_id=group_id, min_revision=min_revision)
        return Call(ExclusiveGroupServiceStub, "GetExclusiveGroupReport", request)
