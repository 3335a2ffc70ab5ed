"""The methods that a worker answers itself: from mapped memberships, or else from the engine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final, cast

import grpc

from segmentd.errors import SegmentdError
from segmentd.server.batches import in_order
from segmentd.server.decode import decode
from segmentd.server.membership_reads import MembershipReads
from segmentd.server.rpc import Behavior, Context, Handler
from segmentd.server.workers.forwarding import Forwarder
from segmentd.server.workers.tallies import ANSWERED
from segmentd.service.mapped_memberships import Elsewhere
from segmentd.v1 import membership_service_pb2 as pb

_SERVICE: Final = "/segmentd.v1.MembershipService/"


def answering(reads: MembershipReads, forwarder: Forwarder, tally: memoryview) -> Iterator[tuple[str, Handler]]:
    """The methods that stored memberships answer, with their handlers of bytes; `tally` is the counts of the worker."""
    for kind, behavior in (
        (pb.CheckMembershipRequest, reads.CheckMembership),
        (pb.CheckMembershipsRequest, reads.CheckMemberships),
        (pb.BatchCheckMembershipsRequest, reads.BatchCheckMemberships),
        (pb.ListUserSegmentsRequest, reads.ListUserSegments),
    ):
        method = _SERVICE + behavior.__name__
        both = _either(partial(decode, kind), behavior, forwarder.unary(method), tally)
        yield method, grpc.unary_unary_rpc_method_handler(both)
    forward = forwarder.amid_stream(_SERVICE + "BatchCheckMemberships")
    yield _SERVICE + "StreamBatchChecks", grpc.stream_stream_rpc_method_handler(_batches(reads, forward, tally))


def _batches(reads: MembershipReads, forward: Behavior, tally: memoryview) -> Behavior:
    """A stream of batches, each answered here or by the engine."""

    async def alone(batch: pb.BatchCheckMembershipsRequest, context: Context) -> pb.BatchCheckMembershipsResponse:
        try:
            answer = await reads.BatchCheckMemberships(batch, context)
        except Elsewhere:
            return pb.BatchCheckMembershipsResponse.FromString(await forward(batch.SerializeToString(), context))
        except SegmentdError:
            tally[ANSWERED] += 1
            raise
        tally[ANSWERED] += 1
        return answer

    async def together(
        requests: Sequence[pb.BatchCheckMembershipsRequest], context: Context
    ) -> list[pb.BatchCheckMembershipsResponse]:
        answers = await reads.together(requests, context)
        tally[ANSWERED] += len(answers)
        return answers

    async def answer(requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
        ways = partial(together, context=context), partial(alone, context=context)
        async for request in requests:
            asked = cast("pb.StreamBatchChecksRequest", decode(pb.StreamBatchChecksRequest, request)).batches
            async for answers in in_order(asked, *ways):
                yield pb.StreamBatchChecksResponse(answers=answers).SerializeToString()

    return answer


def _either(decoded: Callable[[bytes], Any], behavior: Behavior, forward: Behavior, tally: memoryview) -> Behavior:
    async def answer(request: bytes, context: Context) -> bytes:
        try:
            message = await behavior(decoded(request), context)
        except Elsewhere:
            return bytes(await forward(request, context))
        except SegmentdError:
            tally[ANSWERED] += 1
            raise
        tally[ANSWERED] += 1
        answer: bytes = message.SerializeToString()
        return answer

    return answer
