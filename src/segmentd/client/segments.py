"""Definitions of segments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from google.protobuf import field_mask_pb2

from segmentd.client.arguments import whole
from segmentd.client.calls import Call, asked, paged
from segmentd.v1 import segment_pb2, segment_type_pb2
from segmentd.v1 import segment_service_pb2 as segments
from segmentd.v1.segment_service_pb2_grpc import SegmentServiceStub


class Segments:
    """Calls of SegmentService."""

    @asked
    def create_segment(
        self,
        segment: segment_pb2.Segment,
        *,
        validate_only: bool = False,
        sample_size: int = 0,
        assumptions: segments.Assumptions | None = None,
    ) -> Call[segments.CreateSegmentResponse]:
        """Define a new segment; not repeated by itself, since a second try would find its own segment there.

        With `validate_only` nothing is stored, and the answer has a preview with samples of `sample_size` users; the
        rule is checked as if the `assumptions` were declared.
        """
        request = segments.CreateSegmentRequest(
            segment=segment, validate_only=validate_only, sample_size=sample_size, assumptions=assumptions
        )
        return Call(SegmentServiceStub, "CreateSegment", request)

    @asked
    def get_segment(
        self, segment_id: str, *, with_size: bool = False, min_revision: int = 0
    ) -> Call[segments.GetSegmentResponse]:
        """One segment, archived or not."""
        request = segments.GetSegmentRequest(segment_id=segment_id, with_size=with_size, min_revision=min_revision)
        return Call(SegmentServiceStub, "GetSegment", request)

    @paged
    def list_segments(
        self,
        labels: Mapping[str, str] | None = None,
        *,
        with_size: bool = False,
        with_archived: bool = False,
        min_revision: int = 0,
    ) -> Call[Iterable[segment_pb2.Segment]]:
        """The segments, ordered by id; pages are asked for as they are needed."""
        request = segments.ListSegmentsRequest(
            labels=labels or {},
            with_size=with_size,
            with_archived=with_archived,
            min_revision=min_revision,
            page_size=1_000,
        )
        return Call(SegmentServiceStub, "ListSegments", request, lambda page: page.segments)

    @asked
    def update_segment(
        self,
        segment: segment_pb2.Segment,
        fields: Sequence[str] = (),
        *,
        validate_only: bool = False,
        sample_size: int = 0,
        assumptions: segments.Assumptions | None = None,
    ) -> Call[segments.UpdateSegmentResponse]:
        """Change the fields that are named (`*`: all of them), or those that are set where none is.

        With `validate_only` nothing is stored, and the answer has a preview with samples of `sample_size` users; the
        rule is checked as if the `assumptions` were declared.
        """
        mask = field_mask_pb2.FieldMask(paths=fields) if fields else None
        request = segments.UpdateSegmentRequest(
            segment=segment,
            update_mask=mask,
            validate_only=validate_only,
            sample_size=sample_size,
            assumptions=assumptions,
        )
        return Call(SegmentServiceStub, "UpdateSegment", request)

    @asked
    def restore_segment_version(
        self,
        segment_id: str,
        version: int,
        etag: str = "",
        *,
        author: str = "",
        note: str = "",
        validate_only: bool = False,
        sample_size: int = 0,
    ) -> Call[segments.RestoreSegmentVersionResponse]:
        """Define a segment as it was in an old version, as a new one; an archived segment is back with it."""
        request = segments.RestoreSegmentVersionRequest(
            segment_id=segment_id,
            version=whole(version, "version", 32),
            etag=etag,
            author=author,
            note=note,
            validate_only=validate_only,
            sample_size=sample_size,
        )
        return Call(SegmentServiceStub, "RestoreSegmentVersion", request)

    @asked
    def archive_segment(
        self, segment_id: str, etag: str = "", *, author: str = "", note: str = ""
    ) -> Call[segments.ArchiveSegmentResponse]:
        """Archive a segment: all members leave, its versions and its history remain."""
        request = segments.ArchiveSegmentRequest(segment_id=segment_id, etag=etag, author=author, note=note)
        return Call(SegmentServiceStub, "ArchiveSegment", request)

    @asked
    def delete_segment(self, segment_id: str, etag: str = "") -> Call[segments.DeleteSegmentResponse]:
        """Delete a segment for good."""
        request = segments.DeleteSegmentRequest(segment_id=segment_id, etag=etag)
        return Call(SegmentServiceStub, "DeleteSegment", request)

    @asked
    def refit_segment(self, segment_id: str) -> Call[segments.RefitSegmentResponse]:
        """Fit the models of a segment again."""
        request = segments.RefitSegmentRequest(segment_id=segment_id)
        return Call(SegmentServiceStub, "RefitSegment", request)

    @paged
    def segment_versions(self, segment_id: str) -> Call[Iterable[segment_pb2.SegmentVersion]]:
        """The versions of a segment, the latest first."""
        request = segments.ListSegmentVersionsRequest(segment_id=segment_id, page_size=1_000)
        return Call(SegmentServiceStub, "ListSegmentVersions", request, lambda page: page.versions)

    @paged
    def segment_models(self, segment_id: str) -> Call[Iterable[segment_pb2.Model]]:
        """Every fit of the models by which some version of a segment was judged, the latest first."""
        request = segments.ListSegmentModelsRequest(segment_id=segment_id, page_size=1_000)
        return Call(SegmentServiceStub, "ListSegmentModels", request, lambda page: page.models)

    @asked
    def segment_types(self) -> Call[Sequence[segment_type_pb2.SegmentType]]:
        """The segment types that rules can use, ordered by name."""
        return Call(
            SegmentServiceStub, "ListSegmentTypes", segments.ListSegmentTypesRequest(), lambda answer: answer.types
        )
