"""Calls handed on to the engine as bytes, and its answers handed back as they are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any, Final, Never, TypeAlias

import grpc
import grpc.aio
from google.protobuf import descriptor_pool
from grpc.aio import EOF

from segmentd.server.calls import going_down
from segmentd.server.errors import DETAILS_KEY
from segmentd.server.rpc import Context, Handler
from segmentd.server.workers.tallies import FORWARDED

Metadata: TypeAlias = tuple[tuple[str, str | bytes], ...]
_OWN: Final = frozenset({"user-agent", "te", "content-type"})
_OWN_PREFIXES: Final = ("grpc-", ":")
"""Keys that gRPC writes itself on each connection, and how others of them begin."""
_LAST_MESSAGE: Final = 1.0
"""Seconds that a client has to take what came before an error, before it gets the error alone."""


class Forwarder:
    """Metadata, deadline, cancellation, status, details and trailing metadata pass through."""

    def __init__(self, channel: grpc.aio.Channel, tally: memoryview) -> None:
        """`tally` is the counts of the worker."""
        self._channel = channel
        self._tally = tally

    def methods_of(self, services: Iterable[str]) -> Iterator[tuple[str, Handler]]:
        """The handlers, of bytes, of all methods of services whose generated code is imported."""
        for name in services:
            for method in descriptor_pool.Default().FindServiceByName(name).methods:
                path = f"/{name}/{method.name}"
                streams = method.client_streaming or method.server_streaming
                yield path, self.stream(path) if streams else grpc.unary_unary_rpc_method_handler(self.unary(path))

    def unary(self, method: str) -> Any:
        """The behavior that forwards calls of a method with one request and one answer."""
        ask: Any = self._channel.unary_unary(method)

        async def forward(request: bytes, context: Context) -> bytes:
            self._tally[FORWARDED] += 1
            call = ask(request, timeout=context.time_remaining(), metadata=_passed_on(context.invocation_metadata()))
            try:
                answer: bytes = await call
            except grpc.aio.AioRpcError as error:
                await _refuse(context, error)
            initial = _plain(await call.initial_metadata())
            if initial:
                await context.send_initial_metadata(initial)
            await _pass_back_trailing(context, call)
            return answer

        return forward

    def amid_stream(self, method: str) -> Any:
        """The behavior that forwards a question which came amid a stream: nothing but the answer goes back."""
        ask: Any = self._channel.unary_unary(method)

        async def forward(request: bytes, context: Context) -> bytes:
            self._tally[FORWARDED] += 1
            passed_on = _passed_on(context.invocation_metadata())
            try:
                answer: bytes = await ask(request, timeout=context.time_remaining(), metadata=passed_on)
            except grpc.aio.AioRpcError as error:
                await _refuse(context, error)
            return answer

        return forward

    def stream(self, method: str) -> Handler:
        """The handler that forwards calls of any other shape.

        On the wire a single message is a stream of one, so the engine sees what the client sent.
        """
        ask: Any = self._channel.stream_stream(method)

        async def forward(requests: AsyncIterator[bytes], context: Context) -> None:
            self._tally[FORWARDED] += 1
            call = ask(timeout=context.time_remaining(), metadata=_passed_on(context.invocation_metadata()))
            sending = asyncio.create_task(_send(requests, call))
            try:
                await _receive(call, context)
                await _pass_back_trailing(context, call)
            except grpc.aio.AioRpcError as error:
                await _refuse(context, error)
            finally:
                call.cancel()
                sending.cancel()
                await asyncio.wait({sending})

        return grpc.stream_stream_rpc_method_handler(forward)


async def _send(requests: AsyncIterator[bytes], call: Any) -> None:
    """Hand on what the client sends, and that it sends no more. How the call ends is told by its other half.

    A client that goes away may look like one that has come to the end, here as in the engine; the protocols of uploads
    tell them apart.
    """
    try:
        await call.wait_for_connection()
        async for request in requests:
            # Not `call.write`: where the engine has just ended the call, that puts INTERNAL in the place of its status.
            await call._cython_call.send_serialized_message(request)  # noqa: SLF001
        await call.done_writing()
    except (grpc.aio.AioRpcError, grpc.aio.BaseError, asyncio.InvalidStateError):
        return


async def _receive(call: Any, context: Context) -> None:
    """Hand back what the engine sends, one message under way, so a slow client slows the engine's stream.

    Raises AioRpcError where the engine ends the call with an error, also while the client takes nothing.
    """
    code = asyncio.create_task(call.code())
    try:
        initial = _plain(await call.initial_metadata())
        if not call.done():
            # Also where there is none: what a write sends along that is then given up, an abort would send again.
            await context.send_initial_metadata(initial)
        while (message := await call.read()) is not EOF:
            await _write(message, context, code)
    finally:
        code.cancel()


async def _write(message: bytes, context: Context, code: asyncio.Task[grpc.StatusCode]) -> None:
    """Returns when the message is taken, or some time after the engine has ended the call with an error."""
    writing = asyncio.ensure_future(context.write(message))
    try:
        await asyncio.wait({writing, code}, return_when=asyncio.FIRST_COMPLETED)
        if not writing.done() and code.result() is not grpc.StatusCode.OK:
            await asyncio.wait({writing}, timeout=_LAST_MESSAGE)
        if writing.done() or code.result() is grpc.StatusCode.OK:
            await writing
    finally:
        writing.cancel()


async def _pass_back_trailing(context: Context, call: Any) -> None:
    trailing = _plain(await call.trailing_metadata())
    if trailing:
        context.set_trailing_metadata(trailing)


async def _refuse(context: Context, error: grpc.aio.AioRpcError) -> Never:
    """End the call as the engine ended it. Raises gRPC's AbortError, or Unavailable where there is no engine."""
    trailing = _plain(error.trailing_metadata())
    if error.code() is grpc.StatusCode.UNAVAILABLE and not any(key == DETAILS_KEY for key, _ in trailing):
        raise going_down()
    await context.abort(error.code(), error.details() or "", trailing)


def _passed_on(metadata: Any) -> Metadata:
    return tuple((key, value) for key, value in metadata or () if not (key in _OWN or key.startswith(_OWN_PREFIXES)))


def _plain(metadata: Any) -> Metadata:
    return tuple((key, value) for key, value in metadata or ())
