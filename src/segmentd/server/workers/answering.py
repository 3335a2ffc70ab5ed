"""The methods that a worker answers itself: from mapped memberships, or else from the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import grpc

from segmentd.errors import SegmentdError
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
