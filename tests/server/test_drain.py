"""A drain waits for calls, and not for clients who take nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
import pytest
from tests.server.live import LISTEN, run
from tests.server.test_run import Gate
from tests.server.toys import methods_server, streaming

LONG = 3600.0
WATCH = ("segmentd.v1.MembershipService", "WatchTransitions")
EXPORT = ("segmentd.v1.HistoryService", "Export")


class Flood:
    """A stream without end, of more than a client takes in without reading; says when its handler has ended."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()

    async def __call__(self, _requests: Any) -> AsyncIterator[bytes]:
        try:
            while True:
                yield bytes(1_000_000)
        finally:
            self.ended.set()


@pytest.mark.parametrize(("method", "grace"), [(WATCH, LONG), (EXPORT, 0.0)])
def test_a_client_that_reads_nothing_does_not_hold_up_a_drain(method: tuple[str, str], grace: float) -> None:
    async def test() -> None:
        flood = Flood()
        server = methods_server(streaming(*method, flood))
        async with grpc.aio.insecure_channel(await server.start(LISTEN)) as channel:
            watch: Any = channel.stream_stream("/" + "/".join(method))
            call = watch()
            assert await call.read()
            await asyncio.wait_for(server.drain(grace), 60)  # long before the grace is over
            assert flood.ended.is_set()
            with pytest.raises(grpc.aio.AioRpcError) as seen:
                await read_all(call)
            assert seen.value.code() is grpc.StatusCode.UNAVAILABLE

    run(test())


def test_a_call_has_its_grace_beside_a_client_that_reads_nothing() -> None:
    async def test() -> None:
        flood, gate = Flood(), Gate()

        async def answer(requests: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
            await gate()
            yield b"answer"

        server = methods_server(streaming(*WATCH, flood), streaming(*EXPORT, answer))
        async with grpc.aio.insecure_channel(await server.start(LISTEN)) as channel:
            watch: Any = channel.stream_stream("/" + "/".join(WATCH))
            export: Any = channel.stream_stream("/" + "/".join(EXPORT))
            unread, awaited = watch(), export()
            assert await unread.read()
            await awaited.wait_for_connection()
            await gate.reached.wait()
            drained = asyncio.create_task(server.drain(LONG))
            await flood.ended.wait()
            assert not gate.cancelled.is_set()
            gate.opened.set()
            assert await awaited.read() == b"answer"
            assert await awaited.code() is grpc.StatusCode.OK
            await drained

    run(test())


async def read_all(call: Any) -> None:
    """Raises the error with which a stream ends."""
    while await call.read():
        pass
