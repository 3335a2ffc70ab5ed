"""A gRPC server from start to drain."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable, Sequence
from typing import Final

import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from segmentd.server import address
from segmentd.server.calls import CallsUnderWay
from segmentd.server.interceptor import Interceptor
from segmentd.limits import MAX_RECEIVE_BYTES

_LOG: Final = logging.getLogger(__name__)
_UNWINDING: Final = 10.0
"""Seconds that a cancelled handler has to let go, before gRPC drops its call."""
_STOPPING: Final = (signal.SIGTERM, signal.SIGINT)
_OPTIONS: Final = (
    ("grpc.max_receive_message_length", MAX_RECEIVE_BYTES),
    ("grpc.max_send_message_length", -1),
    # Two servers on one port would share its calls without knowing of each other.
    ("grpc.so_reuseport", 0),
)

Register = Callable[[grpc.aio.Server], None]
"""Adds servicers to a server."""


class Server:
    """The services with health, reflection and the interceptor. To be made inside of the running event loop."""

    def __init__(self, register: Register, service_names: Sequence[str]) -> None:
        """`service_names` are the full names (`segmentd.v1.AdminService`) that health and reflection tell of."""
        self.calls = CallsUnderWay()
        self._names = tuple(service_names)
        self._health = health.aio.HealthServicer()
        self._grpc = grpc.aio.server(interceptors=[Interceptor(self.calls)], options=_OPTIONS)
        register(self._grpc)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._grpc)
        reflection.enable_server_reflection((*self._names, health.SERVICE_NAME, reflection.SERVICE_NAME), self._grpc)

    async def start(self, listen: str) -> str:
        """Listen, and say the address that was taken. Raises InvalidInput at `listen` where it cannot be."""
        bound = address.bind(self._grpc, listen)
        await self._grpc.start()
        for name in ("", *self._names):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        return bound

    async def drain(self, grace: float) -> None:
        """Take no new calls, let those under way end for at most `grace` seconds, then cancel the rest."""
        await self._health.enter_graceful_shutdown()
        # gRPC crashes where one stop overtakes another, so it is called once, and the calls are ended from here.
        stopped = asyncio.create_task(self._grpc.stop(grace + _UNWINDING))
        await self.calls.wait_for_none(grace)
        self.calls.end_all()
        await stopped

    def hurry(self) -> None:
        """End the calls that a drain waits for."""
        self.calls.end_all()


async def run_until_signal(server: Server, grace: float) -> None:
    """Serve until SIGTERM or SIGINT, then drain; a second signal cuts the drain short. `grace` is in seconds."""
    loop = asyncio.get_running_loop()
    signalled = asyncio.Event()
    for number in _STOPPING:
        loop.add_signal_handler(number, lambda: server.hurry() if signalled.is_set() else signalled.set())
    try:
        await signalled.wait()
        _LOG.info("draining: %d calls under way", server.calls.count)
        await server.drain(grace)
    finally:
        for number in _STOPPING:
            loop.remove_signal_handler(number)
