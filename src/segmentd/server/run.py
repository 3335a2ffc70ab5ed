"""A gRPC server from start to drain."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Never, Protocol, TypeAlias

import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc

from segmentd.errors import StorageFailed
from segmentd.limits import MAX_RECEIVE_BYTES
from segmentd.server.calls import CallsUnderWay
from segmentd.server.guard import Guard
from segmentd.server.methods import Methods
from segmentd.server.reservation import bind
from segmentd.server.signals import heard_by

_LOG: Final = logging.getLogger(__name__)
UNWINDING: Final = 10.0
"""Seconds that a cancelled handler has to let go, before gRPC drops its call."""
LAST_WORD: Final = 1.0
"""Seconds that a client has to take why its call was ended. Who takes nothing sees the connection end instead."""
_NEVER: Final = 1e9
"""Seconds."""
_OPTIONS: Final = (
    ("grpc.max_receive_message_length", MAX_RECEIVE_BYTES),
    ("grpc.max_send_message_length", -1),
    # Who watches sends nothing; a machine that is gone without a word is found out by asking it.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.ping_timeout_ms", 20_000),  # gRPC 1.85 waits for the longer of both, which is a minute by default
    # Clients ask so too, those of segmentd every 20 seconds; by default asking within 5 minutes ends the connection.
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    # gRPC cancels calls without a word where so many wait to be taken: by default a burst of 1,000 amid one stall.
    ("grpc.server.max_pending_requests", 20_000),
    ("grpc.server.max_pending_requests_hard_limit", 40_000),
)

Begin = Callable[[], Awaitable[None]]
Options: TypeAlias = Sequence[tuple[str, int]]
"""Of a gRPC server, beside those that all have."""
Register = Callable[[grpc.aio.Server], None]
"""Adds servicers to a server."""


class Stoppable(Protocol):
    """What a signal stops: a server, or one with its workers."""

    @property
    def under_way(self) -> int:
        """How many calls."""

    async def drain(self, grace: float) -> None:
        """Take no new calls and let those under way end for at most `grace` seconds."""

    def hurry(self) -> None:
        """End the calls that a drain waits for."""


class Server:
    """The services with health and reflection, all guarded. To be made inside of the running event loop."""

    def __init__(
        self,
        register: Register,
        service_names: Sequence[str],
        *,
        reflects: bool = True,
        shared: bool = False,
        options: Options = (),
    ) -> None:
        """`service_names` are the full names (`segmentd.v1.AdminService`) that health and reflection tell of.

        Reflection is of what this process has; a `shared` port is one that is reserved for several processes.
        """
        self.calls = CallsUnderWay()
        self._names = tuple(service_names)
        self._health = health.aio.HealthServicer()
        self._shared = shared
        # Two servers on one port would share its calls without knowing of each other.
        self._grpc = grpc.aio.server(options=(*_OPTIONS, ("grpc.so_reuseport", int(shared)), *options))
        # Any: generated code asks for a server, and only adds methods to it.
        methods: Any = Methods(Guard(self.calls))
        register(methods)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, methods)
        if reflects:
            self._reflect(methods)
        self._grpc.add_generic_rpc_handlers((methods,))

    @property
    def under_way(self) -> int:
        """How many calls of segmentd's own methods are under way."""
        return self.calls.count

    async def start(self, listen: str) -> str:
        """Listen, and say the address that was taken. Raises InvalidInput at `listen` where it cannot be."""
        bound = bind(self._grpc, listen, shared=self._shared)
        await self._grpc.start()
        for name in ("", *self._names):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        return bound

    async def drain(self, grace: float) -> None:
        """Take no new calls, let those under way end for at most `grace` seconds, then cancel the rest.

        Those that would never end are cancelled at once.
        """
        await self._health.enter_graceful_shutdown()
        # The grace is kept here, by what calls are waited for: gRPC's own would be the same for all.
        stopping = asyncio.create_task(self._grpc.stop(_NEVER))
        self.calls.end_endless()
        await self.calls.wait_for_none(grace)
        self.calls.end_all()
        await self.calls.wait_for_handlers(UNWINDING)
        await asyncio.wait({stopping}, timeout=LAST_WORD)
        # gRPC crashes where one stop overtakes another, so the first one is given up before the next.
        stopping.cancel()
        await asyncio.wait({stopping})
        await self._grpc.stop(None)

    def hurry(self) -> None:
        """End the calls that a drain waits for."""
        self.calls.end_all()

    def _reflect(self, methods: Any) -> None:
        reflected = reflection.aio.ReflectionServicer((*self._names, health.SERVICE_NAME, reflection.SERVICE_NAME))
        add_reflection: Any = reflection_pb2_grpc.add_ServerReflectionServicer_to_server  # it has no types
        add_reflection(reflected, methods)


async def run_until_signal(
    server: Stoppable,
    grace: float,
    begin: Begin | None = None,
    lost: asyncio.Future[None] | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Serve until SIGTERM, SIGINT or SIGHUP, then drain; a second signal cuts the drain short. `grace` is in seconds.

    `begin` runs once signals are heard, so that whoever it tells of the server may stop it at once. Where it raises,
    or `lost` fails, the server is stopped without grace and the error is raised. `stop` is set by whoever wants a drain
    without a signal.
    """
    stop = stop or asyncio.Event()
    with heard_by(_Heard(server, stop)):
        work = asyncio.create_task(_work(begin, lost))
        try:
            stopped = asyncio.create_task(stop.wait())
            await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
            stopped.cancel()
            if stop.is_set():
                _LOG.info("draining: %d calls under way", server.under_way)
            await server.drain(0 if work.done() else grace)
            if work.done():
                work.result()
        finally:
            work.cancel()


class _Heard:
    """What a signal does: the first one stops, those after it hurry, whoever else has set `stop`."""

    def __init__(self, server: Stoppable, stop: asyncio.Event) -> None:
        self._server, self._stop, self._before = server, stop, False

    def __call__(self, _: object) -> None:
        if self._before:
            self._server.hurry()
        self._before = True
        self._stop.set()


async def _work(begin: Begin | None, lost: asyncio.Future[None] | None) -> Never:
    """Ends only by an error."""
    # Waited for, not awaited: a cancellation of this task must not reach the engine, whose future it is.
    ending: asyncio.Future[None] = lost or asyncio.get_running_loop().create_future()
    if begin is not None:
        beginning = asyncio.ensure_future(begin())
        try:
            await asyncio.wait({beginning, ending}, return_when=asyncio.FIRST_COMPLETED)
            if beginning.done():
                beginning.result()
        finally:
            beginning.cancel()  # it may wait for what is lost
    await asyncio.wait({ending})
    raise ending.exception() or StorageFailed("the engine ended")
