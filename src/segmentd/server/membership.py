"""MembershipService: which segments is this user in, right now."""

from __future__ import annotations

from typing import Final

from segmentd.errors import FieldViolation, InvalidInput, Reason, SegmentdError
from segmentd.limits import MAX_CELLS
from segmentd.server import answers, member_bits, pages
from segmentd.server.errors import item_error_of
from segmentd.server.faults import Faults
from segmentd.server.instants import to_optional_timestamp, to_timestamp
from segmentd.server.page_tokens import make_page_token
from segmentd.server.rpc import Context
from segmentd.server.subjects import check_id, check_ids, check_list, id_errors, plans_of
from segmentd.server.waiting import reach
from segmentd.server.watch import PATIENCE, WatchStreams
from segmentd.service.memberships import Leaves
from segmentd.service.positions import Positions
from segmentd.service.service import Service
from segmentd.times import FOREVER
from segmentd.v1 import membership_pb2, membership_service_pb2_grpc
from segmentd.v1 import membership_service_pb2 as pb

_SEGMENTS_PAGE: Final = (100, 1_000)
_MEMBERS_PAGE: Final = (1_000, 10_000)
"""How many items a page has by default and at most."""


class MembershipHandlers(membership_service_pb2_grpc.MembershipServiceServicer):
    """Answers from published bits, without evaluation unless a horizon has passed."""

    def __init__(self, service: Service, watch_patience: float = PATIENCE) -> None:
        """`watch_patience` is how many seconds the consumer of a watch may take for one message."""
        self._memberships = service.memberships
        self._watches = WatchStreams(service.watching, Positions(service.database_id), watch_patience)

    async def CheckMembership(self, request: pb.CheckMembershipRequest, context: Context) -> pb.CheckMembershipResponse:
        check_ids(request.user_id, request.segment_id)
        if request.min_revision:
            await reach(self._memberships, request.min_revision, context)
        check = await self._memberships.check(request.user_id, request.segment_id)
        return pb.CheckMembershipResponse(
            membership=answers.membership(check.member),
            revision=check.revision,
            evaluate_time=to_timestamp(check.at),
            holds_until_time=to_optional_timestamp(check.holds_until),
            user_known=check.user_known,
            models=answers.model_versions(check.models),
        )

    async def CheckMemberships(
        self, request: pb.CheckMembershipsRequest, context: Context
    ) -> pb.CheckMembershipsResponse:
        check_id(request.user_id, "user_id")
        check_list(request.segment_ids, "segment_ids")
        if request.min_revision:
            await reach(self._memberships, request.min_revision, context)
        seen = await self._memberships.see([request.user_id])
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
        user_ids, segment_ids = list(request.user_ids), list(request.segment_ids)
        check_list(user_ids, "user_ids")
        check_list(segment_ids, "segment_ids")
        _check_cells(len(user_ids), len(segment_ids))
        if request.min_revision:
            await reach(self._memberships, request.min_revision, context)
        refused = id_errors(user_ids, "user_ids")
        seen = await self._memberships.see(user_ids)
        plans = plans_of(seen, segment_ids)
        unknown = (~seen.known).nonzero()[0].tolist()
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

    async def ListUserSegments(
        self, request: pb.ListUserSegmentsRequest, context: Context
    ) -> pb.ListUserSegmentsResponse:
        faults = Faults()
        faults.id(request.user_id, "user_id")
        labels = faults.labels(request.labels)
        size, after = await pages.asked(request, faults, _SEGMENTS_PAGE, self._memberships, context)
        found = await self._memberships.user_segments(
            request.user_id, labels, after, size, with_leaves=request.with_leaves_time
        )
        spec_of = self._memberships.spec_of
        return pb.ListUserSegmentsResponse(
            segments=[answers.user_segment(found, plan, spec_of(plan.segment_id)) for plan in found.members],
            errors=answers.segment_errors(found),
            revision=found.seen.revision,
            evaluate_time=to_timestamp(found.seen.at),
            user_known=bool(found.seen.known[0]),
            next_page_token=make_page_token(request, found.members[-1].segment_id) if found.more else "",
        )

    async def ListSegmentMembers(
        self, request: pb.ListSegmentMembersRequest, context: Context
    ) -> pb.ListSegmentMembersResponse:
        faults = Faults()
        faults.id(request.segment_id, "segment_id")
        size, after = await pages.asked(request, faults, _MEMBERS_PAGE, self._memberships, context)
        page = await self._memberships.members(request.segment_id, int(after or -1), size)
        return pb.ListSegmentMembersResponse(
            members=[membership_pb2.SegmentMember(user_id=user_id) for user_id in page.user_ids],
            total_size=page.total,
            revision=page.revision,
            evaluate_time=to_timestamp(page.at),
            next_page_token="" if page.after is None else make_page_token(request, str(page.after)),
        )

    async def ExplainMembership(
        self, request: pb.ExplainMembershipRequest, context: Context
    ) -> pb.ExplainMembershipResponse:
        check_ids(request.user_id, request.segment_id)
        if request.min_revision:
            await reach(self._memberships, request.min_revision, context)
        found = await self._memberships.explain(
            request.user_id, request.segment_id, with_leaves=request.with_leaves_time
        )
        leaves = found.leaves or Leaves(FOREVER)
        return pb.ExplainMembershipResponse(
            membership=answers.membership(found.check.member),
            explanation=answers.explanation(found.tree) if found.tree is not None else None,
            segment_version=found.version,
            revision=found.check.revision,
            evaluate_time=to_timestamp(found.check.at),
            holds_until_time=to_optional_timestamp(found.check.holds_until),
            leaves_time=to_optional_timestamp(leaves.time),
            leaves_time_is_lower_bound=leaves.at_least,
            user_known=found.check.user_known,
            models=answers.model_versions(found.check.models),
        )

    # A coroutine that writes, and no generator: only so the time that one message takes can be bounded.
    async def WatchTransitions(  # type: ignore[override]  # the stubs know generators only
        self, request: pb.WatchTransitionsRequest, context: Context
    ) -> None:
        wanted = self._watches.wanted(request)
        if request.min_revision:
            await reach(self._memberships, request.min_revision, context)
        await self._watches.write(wanted, context)


def _check_cells(users: int, segments: int) -> None:
    if users * segments > MAX_CELLS:
        raise InvalidInput(
            [FieldViolation("user_ids", f"{users} users times {segments} segments; {MAX_CELLS} are the most")],
            Reason.BATCH_TOO_LARGE,
            {"limit": str(MAX_CELLS), "given": str(users * segments)},
        )


def _indexed(errors: dict[int, SegmentdError]) -> list[pb.IndexedError]:
    return [pb.IndexedError(index=index, error=item_error_of(error)) for index, error in sorted(errors.items())]
