"""The questions that stored bits answer: one user, several, and the segments of one. Workers and engine share them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Final

from segmentd.server import answers, batches, pages
from segmentd.server.faults import Faults
from segmentd.server.instants import set_timestamp, to_timestamp
from segmentd.server.page_tokens import make_page_token
from segmentd.server.rpc import Context
from segmentd.server.subjects import check_id, check_ids, check_list, plans_of
from segmentd.server.waiting import reach
from segmentd.service.memberships import Check
from segmentd.service.stored_answers import StoredAnswers
from segmentd.times import FOREVER
from segmentd.v1 import membership_service_pb2 as pb

_SEGMENTS_PAGE: Final = (100, 1_000)
"""How many segments a page has by default and at most."""


class MembershipReads:
    """Answers from published bits, without evaluation unless a horizon has passed."""

    def __init__(self, memberships: StoredAnswers) -> None:
        self._stored = memberships

    async def CheckMembership(self, request: pb.CheckMembershipRequest, context: Context) -> pb.CheckMembershipResponse:
        check_ids(request.user_id, request.segment_id)
        if request.min_revision:
            await reach(self._stored, request.min_revision, context)
        return _answer(await self._stored.check(request.user_id, request.segment_id))

    async def CheckMemberships(
        self, request: pb.CheckMembershipsRequest, context: Context
    ) -> pb.CheckMembershipsResponse:
        check_id(request.user_id, "user_id")
        check_list(request.segment_ids, "segment_ids")
        if request.min_revision:
            await reach(self._stored, request.min_revision, context)
        seen = await self._stored.see([request.user_id])
        plans = plans_of(seen, request.segment_ids)
        return pb.CheckMembershipsResponse(
            memberships=answers.segment_memberships(seen, request.segment_ids, plans),
            revision=seen.revision,
            evaluate_time=to_timestamp(seen.at),
            user_known=bool(seen.known[0]),
        )

    async def BatchCheckMemberships(
        self, request: pb.BatchCheckMembershipsRequest, context: Context
    ) -> pb.BatchCheckMembershipsResponse:
        return (await self.together([request], context))[0]

    async def together(
        self, requests: Sequence[pb.BatchCheckMembershipsRequest], context: Context
    ) -> list[pb.BatchCheckMembershipsResponse]:
        """The answers to several batches, all at one instant. Raises where one of them is to be refused."""
        users = [batches.users_of(each) for each in requests]
        for revision in sorted({each.min_revision for each in requests} - {0}):
            await reach(self._stored, revision, context)
        seen = await self._stored.see(batches.all_of(users))
        return batches.answers_to(seen, users, [each.segment_ids for each in requests])

    async def StreamBatchChecks(
        self, requests: AsyncIterator[pb.StreamBatchChecksRequest], context: Context
    ) -> AsyncIterator[pb.StreamBatchChecksResponse]:
        together = partial(self.together, context=context)
        alone = partial(self.BatchCheckMemberships, context=context)
        async for request in requests:
            async for found in batches.in_order(request.batches, together, alone):
                yield pb.StreamBatchChecksResponse(answers=found)

    async def ListUserSegments(
        self, request: pb.ListUserSegmentsRequest, context: Context
    ) -> pb.ListUserSegmentsResponse:
        faults = Faults()
        faults.id(request.user_id, "user_id")
        labels = faults.labels(request.labels)
        size, after = await pages.asked(request, faults, _SEGMENTS_PAGE, self._stored, context)
        found = await self._stored.user_segments(
            request.user_id, labels, after, size, with_leaves=request.with_leaves_time
        )
        return pb.ListUserSegmentsResponse(
            segments=[answers.user_segment(found, plan, spec) for plan, spec in found.members],
            errors=answers.segment_errors(found),
            revision=found.seen.revision,
            evaluate_time=to_timestamp(found.seen.at),
            user_known=bool(found.seen.known[0]),
            next_page_token=make_page_token(request, found.members[-1][0].segment_id) if found.more else "",
        )


def _answer(check: Check) -> pb.CheckMembershipResponse:
    # Field by field, and in place: this is the answer that is asked for most.
    answer = pb.CheckMembershipResponse()
    answer.membership = answers.MEMBER if check.member else answers.NOT_MEMBER
    answer.revision = check.revision
    set_timestamp(answer.evaluate_time, check.at)
    if check.holds_until != FOREVER:
        set_timestamp(answer.holds_until_time, check.holds_until)
    answer.user_known = check.user_known
    if check.models:
        answer.models.extend(answers.model_versions(check.models))
    return answer
