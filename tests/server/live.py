"""Servers on a free port of this machine, with handlers that a test gives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import grpc.aio

from segmentd.server.run import Server
from segmentd.v1 import admin_service_pb2_grpc

T = TypeVar("T")

ADMIN = "segmentd.v1.AdminService"
LISTEN = "127.0.0.1:0"


def run(test: Coroutine[Any, Any, T]) -> T:
    """Run one test in a fresh event loop; one that hangs fails after half a minute."""
    return asyncio.run(asyncio.wait_for(test, 30))


def admin_server(servicer: admin_service_pb2_grpc.AdminServiceServicer) -> Server:
    """A server of AdminService."""
    return Server(
        lambda grpc_server: admin_service_pb2_grpc.add_AdminServiceServicer_to_server(servicer, grpc_server), [ADMIN]
    )


@asynccontextmanager
async def channel_to(server: Server) -> AsyncIterator[grpc.aio.Channel]:
    """The started server's channel; both end with the block."""
    bound = await server.start(LISTEN)
    async with grpc.aio.insecure_channel(bound) as channel:
        yield channel
    await server.drain(0)
