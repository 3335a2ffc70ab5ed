"""The questions that stored bits answer: one user, several, and the segments of one. Workers and engine share them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final

from segmentd.errors import FieldViolation, InvalidInput, Reason, SegmentdError
from segmentd.joined_ids import JoinedIds
from segmentd.limits import MAX_CELLS
from segmentd.server import answers, member_bits, pages
from segmentd.server.errors import item_error_of
from segmentd.server.faults import Faults
from segmentd.server.instants import set_timestamp, to_optional_timestamp, to_timestamp
from segmentd.server.page_tokens import make_page_token
from segmentd.server.rpc import Context
from segmentd.server.subjects import check_id, check_ids, check_list, id_errors, plans_of
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
        user_ids, segment_ids = _users_of(request), request.segment_ids
        check_list(user_ids, "user_ids")
        check_list(segment_ids, "segment_ids")
        _check_cells(len(user_ids), len(segment_ids))
        if request.min_revision:
            await reach(self._stored, request.min_revision, context)
        seen = await self._stored.see(user_ids)
        plans = plans_of(seen, segment_ids)
        unknown = (~seen.known).nonzero()[0].tolist()
        refused = id_errors(user_ids, "user_ids", unknown)  # whoever is known has a sound id
        failed = {index: plan for index, plan in enumerate(plans) if isinstance(plan, SegmentdError)}
        return pb.BatchCheckMembershipsResponse(
            member_bits=member_bits.pack(seen, plans),
            bytes_per_user=-(-len(segment_ids) // 8),
            unknown_user_indexes=[index for index in unknown if index not in refused],
            user_errors=_indexed(refused),
            segment_errors=_indexed(failed),
            revision=seen.revision,
            evaluate_time=to_timestamp(seen.at),
            holds_until_time=to_optional_timestamp(member_bits.holds_until(seen, plans)),
        )

    async def StreamBatchChecks(
        self, requests: AsyncIterator[pb.StreamBatchChecksRequest], context: Context
    ) -> AsyncIterator[pb.StreamBatchChecksResponse]:
        async for request in requests:
            answer = await self.BatchCheckMemberships(request.batch, context)
            yield pb.StreamBatchChecksResponse(answer=answer)

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


def _users_of(request: pb.BatchCheckMembershipsRequest) -> Sequence[str]:
    joined = request.joined_user_ids
    if not joined:
        return request.user_ids
    if request.user_ids:
        raise InvalidInput.at("joined_user_ids", "it stands in place of user_ids; give one of them")
    return JoinedIds(joined)


def _check_cells(users: int, segments: int) -> None:
    if users * segments > MAX_CELLS:
        raise InvalidInput(
            [FieldViolation("user_ids", f"{users} users times {segments} segments; {MAX_CELLS} are the most")],
            Reason.BATCH_TOO_LARGE,
            {"limit": str(MAX_CELLS), "given": str(users * segments)},
        )


def _indexed(errors: dict[int, SegmentdError]) -> list[pb.IndexedError]:
    return [pb.IndexedError(index=index, error=item_error_of(error)) for index, error in sorted(errors.items())]
