"""Questions about memberships."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Mapping, Sequence
from typing import Any

import grpc

from segmentd.client.arguments import named
from segmentd.client.batch_request import as_asked, fill_batch
from segmentd.client.batch_stream import BatchStream
from segmentd.client.calls import Call, asked, paged, streamed_items
from segmentd.client.errors import CallFailed
from segmentd.client.member_table import MemberTable
from segmentd.client.sending import AsyncSending, Sending
from segmentd.client.values import Json, as_struct
from segmentd.v1 import evaluation_service_pb2 as evaluations
from segmentd.v1 import membership_pb2
from segmentd.v1 import membership_service_pb2 as questions
from segmentd.v1.evaluation_service_pb2_grpc import EvaluationServiceStub
from segmentd.v1.membership_service_pb2_grpc import MembershipServiceStub


@named
def is_member_call(user_id: str, segment_id: str, min_revision: int) -> Call[bool]:
    """The call that asks whether a user is in a segment; CallFailed where the answer says neither."""
    request = questions.CheckMembershipRequest(user_id=user_id, segment_id=segment_id, min_revision=min_revision)
    return Call(MembershipServiceStub, "CheckMembership", request, _is_member)


class Questions:
    """Calls of MembershipService and EvaluationService. `min_revision` is what a write returned; 0: the newest."""

    @asked
    def is_member(self, user_id: str, segment_id: str, min_revision: int = 0) -> Call[bool]:
        """Whether a user is in a segment. One that cannot be answered, such as an unknown one, raises CallFailed."""
        return is_member_call(user_id, segment_id, min_revision)

    @asked
    def check(self, user_id: str, segment_id: str, min_revision: int = 0) -> Call[questions.CheckMembershipResponse]:
        """The same with its instant, and until when it holds.

        `membership` of the answer is a number, true as a bool also where it is MEMBERSHIP_NOT_MEMBER.
        """
        request = questions.CheckMembershipRequest(user_id=user_id, segment_id=segment_id, min_revision=min_revision)
        return Call(MembershipServiceStub, "CheckMembership", request)

    @asked
    def check_several(
        self, user_id: str, segment_ids: Sequence[str], min_revision: int = 0
    ) -> Call[questions.CheckMembershipsResponse]:
        """Which of several segments a user is in."""
        request = questions.CheckMembershipsRequest(user_id=user_id, segment_ids=segment_ids, min_revision=min_revision)
        return Call(MembershipServiceStub, "CheckMemberships", request)

    @asked
    def check_batch(
        self, user_ids: Sequence[str], segment_ids: Sequence[str], min_revision: int = 0
    ) -> Call[MemberTable]:
        """Which of several segments each of several users is in, all at one instant; up to 10,000 of each."""
        batch = as_asked(user_ids, segment_ids)
        request = questions.BatchCheckMembershipsRequest()
        fill_batch(request, *batch, min_revision)
        return Call(MembershipServiceStub, "BatchCheckMemberships", request, lambda answer: MemberTable(*batch, answer))

    @streamed_items
    def stream_batches(
        self,
        batches: Iterable[tuple[Sequence[str], Sequence[str]]] | AsyncIterable[tuple[Sequence[str], Sequence[str]]],
        min_revision: int = 0,
        at_once: int = 1,
    ) -> Call[Iterable[MemberTable]]:
        """`check_batch` for as long as there are batches, each (user ids, segment ids); the answers are in order.

        It costs less for each batch than a call of its own, and has no deadline. `batches` is read while the answers
        are taken, and what it raises is raised there. Only asyncio takes an asynchronous one. Batches of a thousand
        users cost least some `at_once`, up to 100 with 10,000 users in all: nothing is sent before so many are there,
        or the last.
        """
        stream = BatchStream(min_revision, at_once)
        messages: Any
        if isinstance(batches, AsyncIterable):
            messages = AsyncSending(stream.messages_async(batches))
        else:
            messages = Sending(stream.messages(batches))
        return Call(MembershipServiceStub, "StreamBatchChecks", messages, stream.tables, bounded=False)

    @paged
    def user_segments(
        self,
        user_id: str,
        labels: Mapping[str, str] | None = None,
        *,
        with_leaves_time: bool = False,
        min_revision: int = 0,
    ) -> Call[Iterable[questions.ListUserSegmentsResponse]]:
        """The segments that a user is in, page by page."""
        request = questions.ListUserSegmentsRequest(
            user_id=user_id,
            labels=labels or {},
            with_leaves_time=with_leaves_time,
            min_revision=min_revision,
            page_size=1_000,
        )
        return Call(MembershipServiceStub, "ListUserSegments", request, lambda page: (page,))

    @paged
    def members(self, segment_id: str, min_revision: int = 0) -> Call[Iterable[membership_pb2.SegmentMember]]:
        """The users who are in a segment; pages are asked for as they are needed."""
        request = questions.ListSegmentMembersRequest(
            segment_id=segment_id, min_revision=min_revision, page_size=10_000
        )
        return Call(MembershipServiceStub, "ListSegmentMembers", request, lambda page: page.members)

    @asked
    def explain(
        self, user_id: str, segment_id: str, *, with_leaves_time: bool = False, min_revision: int = 0
    ) -> Call[questions.ExplainMembershipResponse]:
        """Why a user is in a segment or not."""
        request = questions.ExplainMembershipRequest(
            user_id=user_id, segment_id=segment_id, with_leaves_time=with_leaves_time, min_revision=min_revision
        )
        return Call(MembershipServiceStub, "ExplainMembership", request)

    @asked
    def count_members(self, rule: Mapping[str, Json], min_revision: int = 0) -> Call[evaluations.CountMembersResponse]:
        """How many stored users satisfy a rule. Raises ValueError where the rule has what JSON has not."""
        request = evaluations.CountMembersRequest(rule=as_struct(rule, "rule"), min_revision=min_revision)
        return Call(EvaluationServiceStub, "CountMembers", request)

    @asked
    def evaluate(self, request: evaluations.EvaluateSegmentsRequest) -> Call[evaluations.EvaluateSegmentsResponse]:
        """Judges segments or a rule for a stored user with the context of the request, or for given profiles."""
        return Call(EvaluationServiceStub, "EvaluateSegments", request)


def _is_member(answer: questions.CheckMembershipResponse) -> bool:
    if answer.membership == membership_pb2.MEMBERSHIP_UNSPECIFIED:
        raise CallFailed(grpc.StatusCode.INTERNAL, "", "the answer says neither that the user is a member nor that not")
    return answer.membership == membership_pb2.MEMBERSHIP_MEMBER
