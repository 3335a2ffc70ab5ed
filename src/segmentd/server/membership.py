"""MembershipService: which segments is this user in, right now."""

from __future__ import annotations

from typing import Final

from segmentd.server import answers, pages
from segmentd.server.faults import Faults
from segmentd.server.instants import to_optional_timestamp, to_timestamp
from segmentd.server.membership_reads import MembershipReads
from segmentd.server.page_tokens import make_page_token
from segmentd.server.rpc import Context
from segmentd.server.subjects import check_ids
from segmentd.server.waiting import reach
from segmentd.server.watch import PATIENCE, WatchStreams
from segmentd.service.memberships import Leaves
from segmentd.service.positions import Positions
from segmentd.service.service import Service
from segmentd.times import FOREVER
from segmentd.v1 import membership_pb2, membership_service_pb2_grpc
from segmentd.v1 import membership_service_pb2 as pb

_MEMBERS_PAGE: Final = (1_000, 10_000)
"""How many members a page has by default and at most."""


class MembershipHandlers(MembershipReads, membership_service_pb2_grpc.MembershipServiceServicer):
    """The reads that workers have too, and those that need the engine."""

    def __init__(self, service: Service, watch_patience: float = PATIENCE) -> None:
        """`watch_patience` is how many seconds the consumer of a watch may take for one message."""
        super().__init__(service.memberships)
        self._memberships = service.memberships
        self._watches = WatchStreams(service.watching, Positions(service.database_id), watch_patience)

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
