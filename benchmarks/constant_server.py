"""The floor under CheckMembership: a bare grpc.aio server that gives everybody the same answer."""

from __future__ import annotations

import asyncio
import json

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


async def answer(
    _request: pb.CheckMembershipRequest,
    _context: grpc.aio.ServicerContext[pb.CheckMembershipRequest, pb.CheckMembershipResponse],
) -> pb.CheckMembershipResponse:
    return ANSWER


HANDLER = grpc.unary_unary_rpc_method_handler(
    answer,
    request_deserializer=pb.CheckMembershipRequest.FromString,
    response_serializer=pb.CheckMembershipResponse.SerializeToString,
)


async def serve() -> None:
    server = grpc.aio.server()
    service = grpc.method_handlers_generic_handler("segmentd.v1.MembershipService", {"CheckMembership": HANDLER})
    server.add_generic_rpc_handlers((service,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(json.dumps({"listening": f"127.0.0.1:{port}"}))
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(serve())
