"""ProfileService, as far as it is about who users are: merging, erasing, exporting."""

from __future__ import annotations

from typing import Final

from segmentd.limits import check_batch
from segmentd.server.errors import item_error_of
from segmentd.server.exported import Exporter
from segmentd.server.facts import forget_contexts
from segmentd.server.faults import Faults
from segmentd.server.items import converted, merged
from segmentd.server.rpc import Context
from segmentd.server.sending import Sending
from segmentd.server.subjects import check_id
from segmentd.service.merging import MergeOutcome, MergeResult, UserMerge
from segmentd.service.positions import Positions
from segmentd.service.service import Service
from segmentd.service.united import Precedence
from segmentd.v1 import profile_service_pb2 as pb
from segmentd.v1 import profile_service_pb2_grpc

MAX_MERGES: Final = 1_000
"""The most merges of one call."""
_PRECEDENCES: Final = {
    pb.MERGE_PRECEDENCE_UNSPECIFIED: Precedence.SURVIVOR_WINS,
    pb.MERGE_PRECEDENCE_SURVIVOR_WINS: Precedence.SURVIVOR_WINS,
    pb.MERGE_PRECEDENCE_LATEST_WINS: Precedence.LATEST_WINS,
}


class IdentityHandlers(profile_service_pb2_grpc.ProfileServiceServicer):
    """Merges, erasures and exports."""

    def __init__(self, service: Service) -> None:
        self._identity = service.identity
        self._exports = service.exports
        self._exporter = Exporter(Positions(service.database_id))

    async def MergeProfiles(self, request: pb.MergeProfilesRequest, context: Context) -> pb.MergeProfilesResponse:
        check_batch(len(request.merges), "merges", MAX_MERGES)
        wanted, refused = converted(
            request.merges, _merge, lambda error: MergeResult(MergeOutcome.REFUSED, error=error)
        )
        done = await self._identity.merge(wanted)
        results = [_result(index, result) for index, result in merged(done.results, refused)]
        return pb.MergeProfilesResponse(results=results, revision=done.revision)

    async def DeleteProfile(self, request: pb.DeleteProfileRequest, context: Context) -> pb.DeleteProfileResponse:
        check_id(request.user_id, "user_id")
        erased = await self._identity.erase(request.user_id)
        forget_contexts()
        return pb.DeleteProfileResponse(revision=erased.revision, purged=erased.purged)

    # A coroutine that writes, as other streams.
    async def ExportProfile(  # type: ignore[override]  # the stubs know generators only
        self, request: pb.ExportProfileRequest, context: Context
    ) -> None:
        check_id(request.user_id, "user_id")
        sending = Sending(context)
        async for part in self._exports.export(request.user_id):
            await sending.write(self._exporter.message(part))


def _merge(item: pb.ProfileMerge, faults: Faults) -> UserMerge:
    precedence = _PRECEDENCES.get(item.precedence)
    if precedence is None:
        faults.add("precedence", f"{item.precedence} is no precedence")
    return UserMerge(
        faults.id(item.from_user_id, "from_user_id"),
        faults.id(item.into_user_id, "into_user_id"),
        precedence or Precedence.SURVIVOR_WINS,
    )


def _result(index: int, result: MergeResult) -> pb.MergeProfileResult:
    error = None if result.error is None else item_error_of(result.error, f"merges[{index}].")
    outcome = pb.MergeOutcome.Value(f"MERGE_OUTCOME_{result.outcome.name}")
    return pb.MergeProfileResult(
        outcome=outcome,
        survivor_user_id=result.survivor_id,
        absorbed_user_id=result.absorbed_id,
        error=error,
    )
