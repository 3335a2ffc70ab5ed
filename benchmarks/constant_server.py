"""The floor under CheckMembership: a bare gRPC server that gives everybody the same answer.

`python constant_server.py` serves by grpc.aio, as segmentd does; with `threads` by grpcio's server of threads.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from concurrent.futures import ThreadPoolExecutor

import grpc
import grpc.aio
from google.protobuf.timestamp_pb2 import Timestamp

from segmentd.v1 import membership_pb2
from segmentd.v1 import membership_service_pb2 as pb

ANSWER = pb.CheckMembershipResponse(
    membership=membership_pb2.MEMBERSHIP_MEMBER,
    revision=1_000,
    evaluate_time=Timestamp(seconds=1_800_000_000, nanos=123_456_000),
    holds_until_time=Timestamp(seconds=1_800_086_400, nanos=123_456_000),
    user_known=True,
)
SERVICE = "segmentd.v1.MembershipService"
THREADS = 8


async def answer(
    _request: pb.CheckMembershipRequest,
    _context: grpc.aio.ServicerContext[pb.CheckMembershipRequest, pb.CheckMembershipResponse],
) -> pb.CheckMembershipResponse:
    return ANSWER


def answer_at_once(_request: pb.CheckMembershipRequest, _context: grpc.ServicerContext) -> pb.CheckMembershipResponse:
    return ANSWER


def handler_of(behavior: object) -> grpc.GenericRpcHandler:
    method = grpc.unary_unary_rpc_method_handler(
        behavior,
        request_deserializer=pb.CheckMembershipRequest.FromString,
        response_serializer=pb.CheckMembershipResponse.SerializeToString,
    )
    return grpc.method_handlers_generic_handler(SERVICE, {"CheckMembership": method})


def tell(port: int) -> None:
    print(json.dumps({"listening": f"127.0.0.1:{port}"}), flush=True)


async def serve() -> None:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((handler_of(answer),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    tell(port)
    await server.wait_for_termination()


def serve_by_threads() -> None:
    server = grpc.server(ThreadPoolExecutor(THREADS))
    server.add_generic_rpc_handlers((handler_of(answer_at_once),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    tell(port)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})


if __name__ == "__main__":
    if sys.argv[1:] == ["threads"]:
        serve_by_threads()
    else:
        asyncio.run(serve())
