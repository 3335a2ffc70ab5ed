"""Stands between gRPC and every handler: decodes requests, maps exceptions to status, counts the calls under way."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator
from typing import Any, Final, Never

import grpc
import grpc.aio
from google.protobuf.message import Message

from segmentd.server.calls import CallsUnderWay, going_down
from segmentd.server.decode import Decoder, decoder_for
from segmentd.server.errors import DETAILS_KEY, code_of, status_of
from segmentd.server.incidents import as_segmentd_error
from segmentd.server.rpc import Behavior, Context, Continuation, Handler

_MAKERS: Final = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}


class Interceptor(grpc.aio.ServerInterceptor):
    """Handlers get messages and raise errors of segmentd; what they raise otherwise is an incident.

    Handlers are coroutines or asynchronous generators. A cancelled call (the client went away, or its deadline passed)
    is left to gRPC: the handler sees the CancelledError, and nothing is mapped.
    """

    def __init__(self, calls: CallsUnderWay) -> None:
        self._calls = calls
        self._guarded: dict[str, Handler] = {}

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler | None:
        """The handler that guards the one of the method; None where the server has no such method."""
        method = handler_call_details.method
        if method not in self._guarded:
            handler = await continuation(handler_call_details)
            if handler is None:
                return None
            self._guarded[method] = self._guard_handler(method, handler)
        return self._guarded[method]

    def _guard_handler(self, method: str, handler: Handler) -> Handler:
        decode = decoder_for(method)
        shape = (bool(handler.request_streaming), bool(handler.response_streaming))
        guarded = self._guard(method, decode, shape[0], _behavior_of(handler))
        # Without a decoder the method is not one of a known proto: then gRPC decodes as it would alone.
        deserializer = handler.request_deserializer if decode is None else None
        return _MAKERS[shape](guarded, deserializer, handler.response_serializer)

    def _guard(self, method: str, decode: Decoder | None, streaming: bool, behavior: Behavior) -> Behavior:
        async def answer(request: Any, context: Context) -> Any:
            try:
                self._calls.add(method, context)
                return await behavior(_decoded(decode, request, streaming), context)
            except grpc.aio.AbortError:
                raise
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  # the one place that maps all of them
                return await self._refuse(context, error, method)

        async def stream(request: Any, context: Context) -> AsyncIterator[Any]:
            try:
                self._calls.add(method, context)
                async for response in behavior(_decoded(decode, request, streaming), context):
                    yield response
            except grpc.aio.AbortError:
                raise
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  # the one place that maps all of them
                await self._refuse(context, error, method)

        # gRPC looks at the function to see how it answers, so each kind is wrapped by its own.
        return stream if inspect.isasyncgenfunction(behavior) else answer

    async def _refuse(self, context: Context, error: BaseException, method: str) -> Never:
        """End the call with the status of `error`. Raises gRPC's AbortError, or the cancellation by a client."""
        if not isinstance(error, Exception):
            if not self._calls.has_ended(asyncio.current_task()) or context.cancelled():
                raise error
            error = going_down()
        if isinstance(error, grpc.aio.InternalError):
            raise asyncio.CancelledError from error  # gRPC could not send a part: the client is gone
        known = as_segmentd_error(error, method)
        status = status_of(known)
        try:
            await context.abort(code_of(known), status.message, ((DETAILS_KEY, status.SerializeToString()),))
        except grpc.aio.InternalError as unsent:
            raise asyncio.CancelledError from unsent


def _decoded(decode: Decoder | None, request: Any, streaming: bool) -> Any:
    if decode is None:
        return request
    return _each(decode, request) if streaming else decode(request)


async def _each(decode: Decoder, requests: AsyncIterator[bytes]) -> AsyncIterator[Message]:
    async for request in requests:
        yield decode(request)


def _behavior_of(handler: Handler) -> Behavior:
    behaviors = (handler.unary_unary, handler.unary_stream, handler.stream_unary, handler.stream_stream)
    return next(behavior for behavior in behaviors if behavior is not None)
