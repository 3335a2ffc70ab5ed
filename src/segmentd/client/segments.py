"""Definitions of segments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import grpc
from google.protobuf import field_mask_pb2

from segmentd.client.arguments import whole
from segmentd.client.part import Part
from segmentd.v1 import segment_pb2, segment_type_pb2
from segmentd.v1 import segment_service_pb2 as segments
from segmentd.v1.segment_service_pb2_grpc import SegmentServiceStub


class Segments(Part):
    """Calls of SegmentService."""

    def _connect(self, channel: grpc.Channel) -> None:
        super()._connect(channel)
        self._segments = SegmentServiceStub(channel)

    def create_segment(
        self,
        segment: segment_pb2.Segment,
        *,
        validate_only: bool = False,
        sample_size: int = 0,
        assumptions: segments.Assumptions | None = None,
    ) -> segments.CreateSegmentResponse:
        """Define a new segment; not repeated by itself, since a second try would find its own segment there.

        With `validate_only` nothing is stored, and the answer has a preview with samples of `sample_size` users; the
        rule is checked as if the `assumptions` were declared.
        """
        request = segments.CreateSegmentRequest(
            segment=segment, validate_only=validate_only, sample_size=sample_size, assumptions=assumptions
        )
        return self._caller.call(self._segments.CreateSegment, request)

    def get_segment(
        self, segment_id: str, *, with_size: bool = False, min_revision: int = 0
    ) -> segments.GetSegmentResponse:
        """One segment, archived or not."""
        request = segments.GetSegmentRequest(segment_id=segment_id, with_size=with_size, min_revision=min_revision)
        return self._caller.call(self._segments.GetSegment, request)

    def list_segments(
        self,
        labels: Mapping[str, str] | None = None,
        *,
        with_size: bool = False,
        with_archived: bool = False,
        min_revision: int = 0,
    ) -> Iterator[segment_pb2.Segment]:
        """The segments, ordered by id; pages are asked for as they are needed."""
        request = segments.ListSegmentsRequest(
            labels=labels or {},
            with_size=with_size,
            with_archived=with_archived,
            min_revision=min_revision,
            page_size=1_000,
        )
        for page in self._caller.pages(self._segments.ListSegments, request):
            yield from page.segments

    def update_segment(
        self,
        segment: segment_pb2.Segment,
        fields: Sequence[str] = (),
        *,
        validate_only: bool = False,
        sample_size: int = 0,
        assumptions: segments.Assumptions | None = None,
    ) -> segments.UpdateSegmentResponse:
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
        return self._caller.call(self._segments.UpdateSegment, request)

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
    ) -> segments.RestoreSegmentVersionResponse:
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
        return self._caller.call(self._segments.RestoreSegmentVersion, request)

    def archive_segment(
        self, segment_id: str, etag: str = "", *, author: str = "", note: str = ""
    ) -> segments.ArchiveSegmentResponse:
        """Archive a segment: all members leave, its versions and its history remain."""
        request = segments.ArchiveSegmentRequest(segment_id=segment_id, etag=etag, author=author, note=note)
        return self._caller.call(self._segments.ArchiveSegment, request)

    def delete_segment(self, segment_id: str, etag: str = "") -> segments.DeleteSegmentResponse:
        """Delete a segment for good."""
        request = segments.DeleteSegmentRequest(segment_id=segment_id, etag=etag)
        return self._caller.call(self._segments.DeleteSegment, request)

    def refit_segment(self, segment_id: str) -> segments.RefitSegmentResponse:
        """Fit the models of a segment again."""
        request = segments.RefitSegmentRequest(segment_id=segment_id)
        return self._caller.call(self._segments.RefitSegment, request)

    def segment_versions(self, segment_id: str) -> Iterator[segment_pb2.SegmentVersion]:
        """The versions of a segment, the latest first."""
        request = segments.ListSegmentVersionsRequest(segment_id=segment_id, page_size=1_000)
        for page in self._caller.pages(self._segments.ListSegmentVersions, request):
            yield from page.versions

    def segment_models(self, segment_id: str) -> Iterator[segment_pb2.Model]:
        """Every fit of the models by which some version of a segment was judged, the latest first."""
        request = segments.ListSegmentModelsRequest(segment_id=segment_id, page_size=1_000)
        for page in self._caller.pages(self._segments.ListSegmentModels, request):
            yield from page.models

    def segment_types(self) -> Sequence[segment_type_pb2.SegmentType]:
        """The segment types that rules can use, ordered by name."""
        return self._caller.call(self._segments.ListSegmentTypes, segments.ListSegmentTypesRequest()).types
