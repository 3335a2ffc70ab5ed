"""Connections are renewed now and then, so that a worker that takes the place of another gets its share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
from tests.server.live import LISTEN, run
from tests.server.toys import streaming

from segmentd.server.run import Server
from segmentd.server.workers.worker import renewing


def test_no_call_and_no_stream_ends_when_a_connection_is_renewed() -> None:
    peers: set[str] = set()

    async def peer(request: bytes, context: Any) -> bytes:
        peers.add(context.peer())
        return request

    async def echo(requests: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for each in requests:
            yield each

    def register(server: Any) -> None:
        one: Any = grpc.unary_unary_rpc_method_handler(peer)
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("toy.Toy", {"Peer": one}), streaming("toy.Toy", "Talk", echo))
        )

    async def test() -> None:
        server = Server(register, [], options=renewing(0.1))
        async with grpc.aio.insecure_channel(await server.start(LISTEN)) as channel:
            ask: Any = channel.unary_unary("/toy.Toy/Peer")
            talk: Any = channel.stream_stream("/toy.Toy/Talk")
            call = talk()
            while len(peers) < 4:
                assert await asyncio.gather(*(ask(b"x") for _ in range(20))) == [b"x"] * 20
                await call.write(b"y")
                assert await call.read() == b"y"
            await call.done_writing()
            assert await call.code() is grpc.StatusCode.OK
        await server.drain(0)

    run(test())
