"""Questions about memberships."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import grpc

from segmentd.client.part import Part
from segmentd.client.values import Json, as_struct
from segmentd.v1 import evaluation_service_pb2 as evaluations
from segmentd.v1 import membership_pb2
from segmentd.v1 import membership_service_pb2 as questions
from segmentd.v1.evaluation_service_pb2_grpc import EvaluationServiceStub
from segmentd.v1.membership_service_pb2_grpc import MembershipServiceStub


class Questions(Part):
    """Calls of MembershipService and EvaluationService. `min_revision` is what a write returned; 0: the newest."""

    def _connect(self, channel: grpc.Channel) -> None:
        super()._connect(channel)
        self._memberships = MembershipServiceStub(channel)
        self._evaluations = EvaluationServiceStub(channel)

    def check(self, user_id: str, segment_id: str, min_revision: int = 0) -> questions.CheckMembershipResponse:
        """Whether a user is in a segment."""
        request = questions.CheckMembershipRequest(user_id=user_id, segment_id=segment_id, min_revision=min_revision)
        return self._caller.call(self._memberships.CheckMembership, request)

    def check_several(
        self, user_id: str, segment_ids: Sequence[str], min_revision: int = 0
    ) -> questions.CheckMembershipsResponse:
        """Which of several segments a user is in."""
        request = questions.CheckMembershipsRequest(user_id=user_id, segment_ids=segment_ids, min_revision=min_revision)
        return self._caller.call(self._memberships.CheckMemberships, request)

    def user_segments(
        self,
        user_id: str,
        labels: Mapping[str, str] | None = None,
        *,
        with_leaves_time: bool = False,
        min_revision: int = 0,
    ) -> Iterator[questions.ListUserSegmentsResponse]:
        """The segments that a user is in, page by page."""
        request = questions.ListUserSegmentsRequest(
            user_id=user_id,
            labels=labels or {},
            with_leaves_time=with_leaves_time,
            min_revision=min_revision,
            page_size=1_000,
        )
        return self._caller.pages(self._memberships.ListUserSegments, request)

    def members(self, segment_id: str, min_revision: int = 0) -> Iterator[membership_pb2.SegmentMember]:
        """The users who are in a segment; pages are asked for as they are needed."""
        request = questions.ListSegmentMembersRequest(
            segment_id=segment_id, min_revision=min_revision, page_size=10_000
        )
        for page in self._caller.pages(self._memberships.ListSegmentMembers, request):
            yield from page.members

    def explain(
        self, user_id: str, segment_id: str, *, with_leaves_time: bool = False, min_revision: int = 0
    ) -> questions.ExplainMembershipResponse:
        """Why a user is in a segment or not."""
        request = questions.ExplainMembershipRequest(
            user_id=user_id, segment_id=segment_id, with_leaves_time=with_leaves_time, min_revision=min_revision
        )
        return self._caller.call(self._memberships.ExplainMembership, request)

    def count_members(self, rule: Mapping[str, Json], min_revision: int = 0) -> evaluations.CountMembersResponse:
        """How many stored users satisfy a rule. Raises ValueError where the rule has what JSON has not."""
        request = evaluations.CountMembersRequest(rule=as_struct(rule, "rule"), min_revision=min_revision)
        return self._caller.call(self._evaluations.CountMembers, request)

    def evaluate(self, request: evaluations.EvaluateSegmentsRequest) -> evaluations.EvaluateSegmentsResponse:
        """Judges segments or a rule for a stored user with the context of the request, or for given profiles."""
        return self._caller.call(self._evaluations.EvaluateSegments, request)
