"""A gRPC server from start to drain."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Never

import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc

from segmentd.errors import StorageFailed
from segmentd.limits import MAX_RECEIVE_BYTES
from segmentd.server import address
from segmentd.server.calls import CallsUnderWay
from segmentd.server.guard import Guard
from segmentd.server.methods import Methods

_LOG: Final = logging.getLogger(__name__)
_UNWINDING: Final = 10.0
"""Seconds that a cancelled handler has to let go, before gRPC drops its call."""
_STOPPING: Final = (signal.SIGTERM, signal.SIGINT)
_OPTIONS: Final = (
    ("grpc.max_receive_message_length", MAX_RECEIVE_BYTES),
    ("grpc.max_send_message_length", -1),
    # Two servers on one port would share its calls without knowing of each other.
    ("grpc.so_reuseport", 0),
    # Who watches sends nothing; a machine that is gone without a word is found out by asking it.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
)

Begin = Callable[[], Awaitable[None]]
Register = Callable[[grpc.aio.Server], None]
"""Adds servicers to a server."""


class Server:
    """The services with health and reflection, all guarded. To be made inside of the running event loop."""

    def __init__(self, register: Register, service_names: Sequence[str]) -> None:
        """`service_names` are the full names (`segmentd.v1.AdminService`) that health and reflection tell of."""
        self.calls = CallsUnderWay()
        self._names = tuple(service_names)
        self._health = health.aio.HealthServicer()
        self._grpc = grpc.aio.server(options=_OPTIONS)
        methods: Any = Methods(Guard(self.calls))  # Any: generated code asks for a server, and only adds methods to it
        register(methods)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, methods)
        reflected = reflection.aio.ReflectionServicer((*self._names, health.SERVICE_NAME, reflection.SERVICE_NAME))
        add_reflection: Any = reflection_pb2_grpc.add_ServerReflectionServicer_to_server  # it has no types
        add_reflection(reflected, methods)
        self._grpc.add_generic_rpc_handlers((methods,))

    async def start(self, listen: str) -> str:
        """Listen, and say the address that was taken. Raises InvalidInput at `listen` where it cannot be."""
        bound = address.bind(self._grpc, listen)
        await self._grpc.start()
        for name in ("", *self._names):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        return bound

    async def drain(self, grace: float) -> None:
        """Take no new calls, let those under way end for at most `grace` seconds, then cancel the rest.

        Those that would never end are cancelled at once.
        """
        await self._health.enter_graceful_shutdown()
        # gRPC crashes where one stop overtakes another, so it is called once, and the calls are ended from here.
        stopped = asyncio.create_task(self._grpc.stop(grace + _UNWINDING))
        self.calls.end_endless()
        await self.calls.wait_for_none(grace)
        self.calls.end_all()
        await stopped

    def hurry(self) -> None:
        """End the calls that a drain waits for."""
        self.calls.end_all()


async def run_until_signal(
    server: Server, grace: float, begin: Begin | None = None, lost: asyncio.Future[None] | None = None
) -> None:
    """Serve until SIGTERM or SIGINT, then drain; a second signal cuts the drain short. `grace` is in seconds.

    `begin` runs once signals are heard, so that whoever it tells of the server may stop it at once. Where it raises,
    or `lost` fails, the server is stopped without grace and the error is raised.
    """
    loop = asyncio.get_running_loop()
    signalled = asyncio.Event()
    for number in _STOPPING:
        loop.add_signal_handler(number, lambda: server.hurry() if signalled.is_set() else signalled.set())
    work = asyncio.create_task(_work(begin, lost))
    try:
        stop = asyncio.create_task(signalled.wait())
        await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if signalled.is_set():
            _LOG.info("draining: %d calls under way", server.calls.count)
        await server.drain(0 if work.done() else grace)
        if work.done():
            work.result()
    finally:
        work.cancel()
        for number in _STOPPING:
            loop.remove_signal_handler(number)


async def _work(begin: Begin | None, lost: asyncio.Future[None] | None) -> Never:
    """Ends only by an error."""
    if begin is not None:
        await begin()
    ending: asyncio.Future[None] = lost or asyncio.get_running_loop().create_future()
    # Waited for, not awaited: a cancellation of this task must not reach the engine, whose future it is.
    await asyncio.wait({ending})
    raise ending.exception() or StorageFailed("the engine ended")
