"""A server whose watches tell a log of twenty moves, and end as a test says."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from tests.client.answering import answering

from segmentd.v1 import membership_service_pb2 as pb
from segmentd.v1 import transition_pb2

SLOW = (grpc.StatusCode.RESOURCE_EXHAUSTED, "WATCH_TOO_SLOW")
DOWN = (grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")
CUT = (grpc.StatusCode.CANCELLED, "")
LOST = (grpc.StatusCode.UNAVAILABLE, "")
COMPACTED = (grpc.StatusCode.OUT_OF_RANGE, "POSITION_COMPACTED")
MOVES = [transition_pb2.Transition(position=str(number), user_id=f"u{number}") for number in range(20)]


class Log:
    """A log of twenty moves; each call tells a few and ends as the test says, the last one never."""

    def __init__(self, *ends: tuple[grpc.StatusCode, str]) -> None:
        self.ends = list(ends)
        self.requests: list[pb.WatchTransitionsRequest] = []
        self.over = threading.Event()

    def watch(self, request: pb.WatchTransitionsRequest, context: Any) -> Iterator[pb.WatchTransitionsResponse]:
        self.requests.append(request)
        if request.start == pb.WATCH_START_SNAPSHOT:
            yield pb.WatchTransitionsResponse(members=pb.SnapshotMembers(revision=len(self.requests), user_ids=["a"]))
            self._end(context)
            yield pb.WatchTransitionsResponse(snapshot_end=pb.SnapshotEnd(position="9"))
            return
        first = int(request.position or -1) + 1
        yield pb.WatchTransitionsResponse(checkpoint=pb.Checkpoint(position=str(first - 1)))
        yield batch(first, first + 3)
        yield batch(first + 3, first + 4)
        self._end(context)
        yield batch(first + 4, 20)
        self.over.wait(20)

    def _end(self, context: Any) -> None:
        if self.ends:
            code, reason = self.ends.pop(0)
            status = status_pb2.Status(code=code.value[0], message="the end")
            status.details.add().Pack(error_details_pb2.ErrorInfo(reason=reason))
            context.abort_with_status(rpc_status.to_status(status))


def batch(first: int, end: int) -> pb.WatchTransitionsResponse:
    return pb.WatchTransitionsResponse(transitions=pb.TransitionBatch(transitions=MOVES[first:end]))


@contextmanager
def serving_log(log: Log) -> Iterator[str]:
    """The address of a server."""
    method: Any = grpc.unary_stream_rpc_method_handler(
        log.watch,
        request_deserializer=pb.WatchTransitionsRequest.FromString,
        response_serializer=pb.WatchTransitionsResponse.SerializeToString,
    )
    handler = grpc.method_handlers_generic_handler("segmentd.v1.MembershipService", {"WatchTransitions": method})
    with answering(lambda server: server.add_generic_rpc_handlers((handler,))) as address:
        try:
            yield address
        finally:
            log.over.set()
