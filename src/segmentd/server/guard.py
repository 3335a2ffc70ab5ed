"""Stands between gRPC and every handler: decodes requests, maps exceptions to status, knows the calls under way."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Coroutine, Generator
from contextlib import aclosing
from types import coroutine
from typing import Any, Final, Never

import grpc
import grpc.aio
from google.protobuf.message import Message

from segmentd.server.calls import CallsUnderWay, going_down
from segmentd.server.decode import Decoder
from segmentd.server.errors import DETAILS_KEY, code_of, status_of
from segmentd.server.incidents import as_segmentd_error
from segmentd.server.rpc import Behavior, Context, Handler
from segmentd.server.sending import Sending

QUICK: Final = frozenset(
    f"/segmentd.v1.MembershipService/{name}"
    for name in ("CheckMembership", "CheckMemberships", "BatchCheckMemberships", "ListUserSegments")
)
"""Methods that mostly answer without waiting for anything, and write nothing."""
_MAKERS: Final = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}


class Guard:
    """Handlers get messages and raise errors of segmentd; what they raise otherwise is an incident.

    Handlers are coroutines or asynchronous generators. A cancelled call (the client went away, or its deadline passed)
    is left to gRPC: the handler sees the CancelledError, and nothing is mapped.
    """

    def __init__(self, calls: CallsUnderWay) -> None:
        self._calls = calls

    def guarded(self, method: str, handler: Handler, decode: Decoder | None) -> Handler:
        """The handler of `method` with this guard around it.

        Without a decoder requests are decoded by the handler's own deserializer, as gRPC would alone.
        """
        shape = (bool(handler.request_streaming), bool(handler.response_streaming))
        deserializer = handler.request_deserializer if decode is None else None
        behavior = _decoding(decode, shape[0], _behavior_of(handler))
        return _MAKERS[shape](self._guard(method, behavior), deserializer, handler.response_serializer)

    def _guard(self, method: str, behavior: Behavior) -> Behavior:
        # gRPC looks at the function to see how it answers, so each kind is wrapped by its own.
        if inspect.isasyncgenfunction(behavior):
            return self._stream(method, behavior)
        return self._quick(method, behavior) if method in QUICK else self._answer(method, behavior)

    def _answer(self, method: str, behavior: Behavior) -> Behavior:
        async def answer(request: Any, context: Context) -> Any:
            try:
                self._calls.add(method, context)
                return await behavior(request, context)
            except grpc.aio.AbortError:
                raise
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  # what is mapped is all of them
                return await self._refuse(context, error, method)

        return answer

    def _quick(self, method: str, behavior: Behavior) -> Behavior:
        """A call that is answered without waiting is over before a drain could ask for it, and is not noted at all."""

        async def answer(request: Any, context: Context) -> Any:
            asked = behavior(request, context)
            try:
                waits_for = asked.send(None)
            except StopIteration as answered:
                return answered.value
            except grpc.aio.AbortError:
                raise
            except Exception as error:  # noqa: BLE001  # what is mapped is all of them
                return await self._refuse(context, error, method)
            return await waiting(_rest(asked, waits_for), context)

        waiting = self._answer(method, lambda rest, _context: rest)
        return answer

    def _stream(self, method: str, behavior: Behavior) -> Behavior:
        # A coroutine that writes, and no generator: only so it sees that it is cancelled while an answer is written.
        async def stream(request: Any, context: Context) -> None:
            sending = Sending(context)
            try:
                self._calls.add(method, context)
                async with aclosing(behavior(request, context)) as responses:
                    async for response in responses:
                        await sending.write(response)
            except grpc.aio.AbortError:
                raise
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  # what is mapped is all of them
                await self._refuse(context, error, method)

        return stream

    async def _refuse(self, context: Context, error: BaseException, method: str) -> Never:
        """The one place that ends calls with the status of an error.

        Raises gRPC's AbortError, or the cancellation by a client.
        """
        task = asyncio.current_task()
        if not isinstance(error, Exception):
            if not self._calls.has_ended(task) or context.cancelled():
                raise error
            error = going_down()
        self._calls.let_go(task)
        if isinstance(error, grpc.aio.InternalError):
            raise asyncio.CancelledError from error  # gRPC could not send a part: the client is gone
        known = as_segmentd_error(error, method)
        status = status_of(known)
        try:
            await context.abort(code_of(known), status.message, ((DETAILS_KEY, status.SerializeToString()),))
        except (grpc.aio.InternalError, grpc.aio.UsageError) as unsent:
            # It cannot be sent, or the handler had just ended the call with a status of its own, which is on its way.
            raise asyncio.CancelledError from unsent


def _decoding(decode: Decoder | None, streaming: bool, behavior: Behavior) -> Behavior:
    """The behavior for requests that are still bytes."""
    if decode is None:
        return behavior
    if inspect.isasyncgenfunction(behavior):

        async def stream(request: Any, context: Context) -> AsyncIterator[Any]:
            async for response in behavior(_each(decode, request) if streaming else decode(request), context):
                yield response

        return stream

    async def answer(request: Any, context: Context) -> Any:
        return await behavior(_each(decode, request) if streaming else decode(request), context)

    return answer


async def _each(decode: Decoder, requests: AsyncIterator[bytes]) -> AsyncIterator[Message]:
    async for request in requests:
        yield decode(request)


@coroutine
def _rest(begun: Coroutine[Any, Any, Any], waits_for: Any) -> Generator[Any, Any, Any]:
    """What is left of a coroutine that has been stepped to where it first waits, for `waits_for`."""
    while True:
        thrown: BaseException | None = None
        try:
            yield waits_for
        except BaseException as error:  # noqa: BLE001  # handed on to whom it is meant for
            thrown = error
        try:
            waits_for = begun.send(None) if thrown is None else begun.throw(thrown)
        except StopIteration as ended:
            return ended.value


def _behavior_of(handler: Handler) -> Behavior:
    behaviors = (handler.unary_unary, handler.unary_stream, handler.stream_unary, handler.stream_stream)
    return next(behavior for behavior in behaviors if behavior is not None)
