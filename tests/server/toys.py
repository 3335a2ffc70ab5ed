"""Handlers without a service floor, and what tests need to call them and to read their refusals."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import grpc
import grpc.aio
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from segmentd.server.errors import DETAILS_KEY
from segmentd.server.run import Server
from segmentd.v1 import admin_service_pb2 as pb
from segmentd.v1 import admin_service_pb2_grpc, membership_service_pb2, profile_service_pb2

M = TypeVar("M", bound=Message)
Answer = Callable[[Any], Awaitable[Any]]
Stream = Callable[[Any], AsyncIterator[Any]]


class Toy(admin_service_pb2_grpc.AdminServiceServicer):
    """GetStatus does what the test says."""

    def __init__(self, answer: Callable[[], Awaitable[pb.GetStatusResponse]]) -> None:
        self._answer = answer

    async def GetStatus(self, request: pb.GetStatusRequest, context: Any) -> pb.GetStatusResponse:
        return await self._answer()

    async def AdvanceClock(self, request: pb.AdvanceClockRequest, context: Any) -> pb.AdvanceClockResponse:
        return pb.AdvanceClockResponse(clock_time=request.to_time)


def methods_server(*methods: grpc.GenericRpcHandler) -> Server:
    """A server of single methods, for shapes of calls that no service of segmentd has."""
    return Server(lambda server: server.add_generic_rpc_handlers(methods), [])


def unary(service: str, method: str, answer: Answer, kind: type[Message]) -> grpc.GenericRpcHandler:
    """One method with a request and a response."""

    async def behavior(request: Any, context: Any) -> Any:
        return await answer(request)

    handler: grpc.RpcMethodHandler[Any, Any] = grpc.unary_unary_rpc_method_handler(
        behavior,
        request_deserializer=kind.FromString,
        response_serializer=lambda message: message.SerializeToString(),
    )
    return grpc.method_handlers_generic_handler(service, {method: handler})


def streaming(service: str, method: str, stream: Stream) -> grpc.GenericRpcHandler:
    """One method with a stream of requests and a stream of responses."""

    async def behavior(requests: Any, context: Any) -> AsyncIterator[Any]:
        async for response in stream(requests):
            yield response

    handler: grpc.RpcMethodHandler[Any, Any] = grpc.stream_stream_rpc_method_handler(
        behavior,
        request_deserializer=bytes,
        response_serializer=bytes,
    )
    return grpc.method_handlers_generic_handler(service, {method: handler})


async def echo(request: Any) -> Any:
    """The request as the answer."""
    return request


UPSERT = "/segmentd.v1.ProfileService/UpsertProfiles"
CHECK = "/segmentd.v1.MembershipService/CheckMembership"


def echo_server() -> Server:
    """UpsertProfiles and CheckMembership, each answering with its request."""
    return methods_server(
        unary("segmentd.v1.ProfileService", "UpsertProfiles", echo, profile_service_pb2.UpsertProfilesRequest),
        unary("segmentd.v1.MembershipService", "CheckMembership", echo, membership_service_pb2.CheckMembershipRequest),
    )


async def send(channel: grpc.aio.Channel, method: str, data: bytes) -> bytes:
    """Call `method` with raw bytes."""
    call: Any = channel.unary_unary(method)
    answer: bytes = await call(data)
    return answer


def status_in(error: grpc.aio.AioRpcError) -> status_pb2.Status:
    """The status with details that the server sent along."""
    metadata = error.trailing_metadata()
    assert metadata is not None
    return status_pb2.Status.FromString(metadata[DETAILS_KEY])


def detail_in(error: grpc.aio.AioRpcError, kind: type[M]) -> M:
    """The one detail of type `kind`."""
    found = [packed for packed in status_in(error).details if packed.Is(kind.DESCRIPTOR)]
    assert len(found) == 1, found
    detail = kind()
    found[0].Unpack(detail)
    return detail


def violations_in(error: grpc.aio.AioRpcError) -> dict[str, str]:
    """Field → description."""
    bad = detail_in(error, error_details_pb2.BadRequest)
    return {found.field: found.description for found in bad.field_violations}
