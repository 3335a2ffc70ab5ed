"""SegmentService: defines segments."""

from __future__ import annotations

from typing import Any, Final

import orjson

from segmentd.limits import MAX_ID_BYTES
from segmentd.records import ModelRecord
from segmentd.server import definitions, pages
from segmentd.server.assumptions import assumed
from segmentd.server.faults import Faults
from segmentd.server.rpc import Context
from segmentd.server.segment_types import segment_types
from segmentd.server.subjects import check_id
from segmentd.server.waiting import reach
from segmentd.service.segments import Previewed
from segmentd.service.service import Service
from segmentd.v1 import segment_service_pb2 as pb
from segmentd.v1 import segment_service_pb2_grpc

_PAGE: Final = (100, 1_000)
"""How many items a page has by default and at most."""
_SAMPLE: Final = (10, 1_000)
"""How many users a sample of a preview has by default and at most."""


class SegmentHandlers(segment_service_pb2_grpc.SegmentServiceServicer):
    """Definitions, their versions, and the types that rules can use."""

    def __init__(self, service: Service) -> None:
        self._segments = service.segments
        self._memberships = service.memberships
        # Types do not change while a server runs.
        self._types = pb.ListSegmentTypesResponse(
            types=segment_types(service.segments.types(), service.segments.origins())
        )

    async def CreateSegment(self, request: pb.CreateSegmentRequest, context: Context) -> pb.CreateSegmentResponse:
        size = sample_size(request.sample_size)
        spec = definitions.spec_of(request.segment)
        by = request.segment.author, request.segment.note
        if request.validate_only:
            found = await self._segments.preview_creation(spec, *by, size, assumed(request.assumptions))
            return pb.CreateSegmentResponse(**_preview(found))
        view = await self._segments.create(spec, *by)
        return pb.CreateSegmentResponse(segment=definitions.segment(view), revision=view.revision)

    async def GetSegment(self, request: pb.GetSegmentRequest, context: Context) -> pb.GetSegmentResponse:
        check_id(request.segment_id, "segment_id")
        if request.min_revision:
            await reach(self._memberships, request.min_revision, context)
        if request.with_size:
            await self._segments.catch_up()
        view = self._segments.get(request.segment_id)
        return pb.GetSegmentResponse(
            segment=definitions.segment(view, with_size=request.with_size), revision=view.revision
        )

    async def ListSegments(self, request: pb.ListSegmentsRequest, context: Context) -> pb.ListSegmentsResponse:
        faults = Faults()
        labels = faults.labels(request.labels)
        size, after = await pages.asked(request, faults, _PAGE, self._memberships, context)
        if request.with_size:
            await self._segments.catch_up()
        views, revision = self._segments.select(labels, archived=request.with_archived)
        rest = [view for view in views if view.info.spec.segment_id > after]
        page, token = pages.cut(request, rest, size, lambda view: view.info.spec.segment_id)
        return pb.ListSegmentsResponse(
            segments=[definitions.segment(view, with_size=request.with_size) for view in page],
            total_size=len(views),
            revision=revision,
            next_page_token=token,
        )

    async def UpdateSegment(self, request: pb.UpdateSegmentRequest, context: Context) -> pb.UpdateSegmentResponse:
        self._segments.refuse_managed(request.segment.id)
        size = sample_size(request.sample_size)
        fields = definitions.changed_fields(request)
        spec = definitions.spec_of(request.segment)
        by = request.segment.etag, request.segment.author, request.segment.note
        if request.validate_only:
            taken = assumed(request.assumptions)
            found = await self._segments.preview_update(spec, fields, *by, size, taken)
            return pb.UpdateSegmentResponse(**_preview(found))
        view = await self._segments.update(spec, fields, *by)
        return pb.UpdateSegmentResponse(segment=definitions.segment(view), revision=view.revision)

    async def RestoreSegmentVersion(
        self, request: pb.RestoreSegmentVersionRequest, context: Context
    ) -> pb.RestoreSegmentVersionResponse:
        faults = _edit_faults(request)
        if request.version < 1:
            faults.add("version", "it is not 1 or more")
        faults.raise_any()
        size = sample_size(request.sample_size)
        by = request.etag, request.author, request.note
        if request.validate_only:
            found = await self._segments.preview_restoration(request.segment_id, request.version, *by, size)
            return pb.RestoreSegmentVersionResponse(**_preview(found))
        view = await self._segments.restore(request.segment_id, request.version, *by)
        return pb.RestoreSegmentVersionResponse(segment=definitions.segment(view), revision=view.revision)

    async def ArchiveSegment(self, request: pb.ArchiveSegmentRequest, context: Context) -> pb.ArchiveSegmentResponse:
        _edit_faults(request).raise_any()
        view = await self._segments.archive(request.segment_id, request.etag, request.author, request.note)
        return pb.ArchiveSegmentResponse(segment=definitions.segment(view), revision=view.revision)

    async def DeleteSegment(self, request: pb.DeleteSegmentRequest, context: Context) -> pb.DeleteSegmentResponse:
        check_id(request.segment_id, "segment_id")
        return pb.DeleteSegmentResponse(revision=await self._segments.delete(request.segment_id, request.etag))

    async def RefitSegment(self, request: pb.RefitSegmentRequest, context: Context) -> pb.RefitSegmentResponse:
        check_id(request.segment_id, "segment_id")
        view = await self._segments.refit(request.segment_id)
        return pb.RefitSegmentResponse(models=[definitions.model(each) for each in view.models], revision=view.revision)

    async def ListSegmentVersions(
        self, request: pb.ListSegmentVersionsRequest, context: Context
    ) -> pb.ListSegmentVersionsResponse:
        faults = Faults()
        faults.id(request.segment_id, "segment_id")
        size, before = await pages.asked(request, faults, _PAGE, self._memberships, context)
        versions, revision = await self._segments.versions(request.segment_id)
        rest = [each for each in versions if not before or each.version < int(before)]
        page, token = pages.cut(request, rest, size, lambda each: str(each.version))
        return pb.ListSegmentVersionsResponse(
            versions=[definitions.segment_version(each) for each in page],
            revision=revision,
            next_page_token=token,
        )

    async def ListSegmentModels(
        self, request: pb.ListSegmentModelsRequest, context: Context
    ) -> pb.ListSegmentModelsResponse:
        faults = Faults()
        faults.id(request.segment_id, "segment_id")
        size, before = await pages.asked(request, faults, _PAGE, self._memberships, context)
        models, revision = await self._segments.models(request.segment_id)
        rest = [each for each in models if not before or _place(each) < orjson.loads(before)]
        page, token = pages.cut(request, rest, size, lambda each: orjson.dumps(_place(each)).decode())
        return pb.ListSegmentModelsResponse(
            models=[definitions.fitted_model(each) for each in page],
            revision=revision,
            next_page_token=token,
        )

    async def ListSegmentTypes(
        self, request: pb.ListSegmentTypesRequest, context: Context
    ) -> pb.ListSegmentTypesResponse:
        return self._types


def sample_size(given: int) -> int:
    """How many users a sample of a preview has. Raises InvalidInput."""
    faults = Faults()
    size = faults.page_size(given, *_SAMPLE, "sample_size")
    faults.raise_any()
    return size


def _edit_faults(request: pb.RestoreSegmentVersionRequest | pb.ArchiveSegmentRequest) -> Faults:
    faults = Faults()
    faults.id(request.segment_id, "segment_id")
    faults.text(request.author, "author", MAX_ID_BYTES)
    faults.text(request.note, "note")
    return faults


def _preview(found: Previewed) -> dict[str, Any]:
    """The fields of an answer with `validate_only`."""
    return {
        "segment": definitions.previewed(found),
        "revision": found.preview.revision,
        "preview": definitions.edit_preview(found.preview),
    }


def _place(record: ModelRecord) -> list[int | str]:
    """Where a fit stands among those of a segment, which are listed from the greatest on."""
    return [record.fit_time, record.model_key, record.version]
