"""The client's watch goes on by itself after what passes, and gives up where it cannot."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from segmentd.client import CallFailed, Client
from segmentd.v1 import membership_service_pb2 as pb
from segmentd.v1 import transition_pb2

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
    server = grpc.server(futures.ThreadPoolExecutor(4))
    method: Any = grpc.unary_stream_rpc_method_handler(
        log.watch,
        request_deserializer=pb.WatchTransitionsRequest.FromString,
        response_serializer=pb.WatchTransitionsResponse.SerializeToString,
    )
    handler = grpc.method_handlers_generic_handler("segmentd.v1.MembershipService", {"WatchTransitions": method})
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        log.over.set()
        server.stop(None).wait()


@contextmanager
def client_of(log: Log) -> Iterator[Client]:
    with serving_log(log) as address, Client(address) as client:
        yield client


SLOW = (grpc.StatusCode.RESOURCE_EXHAUSTED, "WATCH_TOO_SLOW")
DOWN = (grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")
LOST = (grpc.StatusCode.UNAVAILABLE, "")
COMPACTED = (grpc.StatusCode.OUT_OF_RANGE, "POSITION_COMPACTED")


def test_it_goes_on_after_the_last_position_and_tells_each_move_once() -> None:
    log = Log(SLOW, DOWN, LOST)
    with client_of(log) as client, client.watch(["s"], ["u"], start=pb.WATCH_START_LOG) as watch:
        moves = watch.transitions()
        seen = []
        for move in moves:
            assert watch.position == move.position
            seen.append(move)
            if len(seen) == 20:
                break
        assert seen == MOVES
    assert [request.position for request in log.requests] == ["", "3", "7", "11"]
    assert [request.start for request in log.requests] == [pb.WATCH_START_LOG, 0, 0, 0]
    assert {(*request.segment_ids, *request.user_ids) for request in log.requests} == {("s", "u")}


def test_a_snapshot_that_broke_off_is_taken_anew() -> None:
    with client_of(Log(LOST)) as client, client.watch(start=pb.WATCH_START_SNAPSHOT) as watch:
        assert [next(watch).members.revision, next(watch).members.revision] == [1, 2]
        assert next(watch).snapshot_end.position == watch.position == "9"


@pytest.mark.parametrize("end", [COMPACTED, (grpc.StatusCode.INVALID_ARGUMENT, "POSITION_INVALID")])
def test_what_does_not_pass_is_raised(end: tuple[grpc.StatusCode, str]) -> None:
    with client_of(Log(end)) as client, client.watch() as watch:
        with pytest.raises(CallFailed) as failed:
            list(watch.transitions())
        assert (failed.value.code, failed.value.reason) == end
        assert watch.position == "3"


def test_it_may_be_told_not_to_connect_again() -> None:
    log = Log(SLOW)
    with client_of(log) as client, client.watch(reconnect_for=0) as watch:
        with pytest.raises(CallFailed) as failed:
            list(watch)
        assert failed.value.reason == "WATCH_TOO_SLOW"
    assert len(log.requests) == 1


def test_a_server_that_never_answered_is_not_looked_for() -> None:
    with Client("127.0.0.1:1") as client, client.watch() as watch:
        with pytest.raises(CallFailed) as failed:
            next(watch)
        assert failed.value.code is grpc.StatusCode.UNAVAILABLE


def test_another_thread_may_close_it() -> None:
    with client_of(Log()) as client:
        watch = client.watch()
        seen: list[pb.WatchTransitionsResponse] = []
        for message in watch:
            seen.append(message)
            if len(seen) == 4:
                threading.Thread(target=watch.close).start()
        assert len(seen) == 4
        assert list(watch) == []
