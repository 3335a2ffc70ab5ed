"""The server as a whole: settings, plugins and a database become services that listen, until a signal comes."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import TypeAlias

import grpc.aio
from prometheus_client.registry import Collector

from segmentd.niceness import take_turns
from segmentd.plugins.host import load_plugins
from segmentd.server.admin import AdminHandlers
from segmentd.server.consumers import ConsumerHandlers
from segmentd.server.evaluation import EvaluationHandlers
from segmentd.server.exclusive_group import ExclusiveGroupHandlers
from segmentd.server.history import HistoryHandlers
from segmentd.server.membership import MembershipHandlers
from segmentd.server.metrics import MetricsServer, parse_metrics
from segmentd.server.profile import ProfileHandlers
from segmentd.server.reservation import Reservation
from segmentd.server.run import Options, Server, run_until_signal
from segmentd.server.segment import SegmentHandlers
from segmentd.server.service_names import SERVICES
from segmentd.server.signals import Start, Stopped, heard_by
from segmentd.server.status_metrics import StatusCollector
from segmentd.server.user_list import UserListHandlers
from segmentd.server.watch import PATIENCE
from segmentd.server.workers.front import Front, check
from segmentd.server.workers.link import ENGINE
from segmentd.server.workers.metrics import WorkerCollector
from segmentd.server.workers.room import Room
from segmentd.service.log_retention import LogKeep
from segmentd.service.service import Service
from segmentd.service.value_types import Currencies
from segmentd.settings import Settings
from segmentd.times import Clock, parse_duration
from segmentd.v1 import (
    admin_service_pb2_grpc,
    consumer_service_pb2_grpc,
    evaluation_service_pb2_grpc,
    exclusive_group_service_pb2_grpc,
    history_service_pb2_grpc,
    membership_service_pb2_grpc,
    profile_service_pb2_grpc,
    segment_service_pb2_grpc,
    user_list_service_pb2_grpc,
)

_log = logging.getLogger(__name__)
Ready: TypeAlias = Callable[[str], Awaitable[None] | None]
"""Told the address once the server answers there; what it awaits, calls of the server among it, is awaited."""


async def serve(settings: Settings, clock: Clock, on_ready: Ready | None = None) -> None:
    """Serve until SIGTERM, SIGINT or SIGHUP, then drain and close the database.

    Raises Stopped where the signal comes while the database is loaded, and a SegmentdError whose message is one line:
    at the start PluginBroken, StorageFailed or InvalidInput (the address); later StorageFailed where the engine lost
    the database and what is in memory cannot be trusted.
    """
    if settings.workers:
        check(settings.listen)
    if settings.metrics is not None:
        parse_metrics(settings.metrics)
    start = Start()
    # The port is taken before a database is made in vain.
    with heard_by(start), closing(Reservation(settings.listen)) as reserved, ExitStack() as rooms:
        # Off the loop, because loading takes long and the loop has signals to hear.
        service = await start.run(lambda: _opened(settings, clock))
        stopped = False
        try:
            if settings.workers:
                # Left after the service is closed: until then it publishes.
                room = rooms.enter_context(closing(Room(settings.database)))
                await start.run(lambda: service.map_to(room.mapped))
                await _serve_by_workers(service, settings, room, reserved, on_ready, start.stop)
            else:
                Room.clear(settings.database)
                await _serve_alone(service, settings, reserved, on_ready, start.stop)
        except Stopped:
            stopped = True  # nothing was written that closing would have to wait for
            raise
        finally:
            if not stopped:
                await asyncio.to_thread(service.close)


def _opened(settings: Settings, clock: Clock) -> Service:
    plugins = load_plugins(settings.disabled_plugins, environment=settings.environment(os.environ))
    return Service.open(
        settings.database,
        plugins,
        clock,
        Currencies(settings.base_currency, settings.currency_rates),
        parse_duration(settings.erasure_refusal).micros,
        log_keep=LogKeep.of(settings.log_keep, settings.log_max_moves),
        snapshots=settings.snapshots,
    )


async def _serve_alone(
    service: Service, settings: Settings, reserved: Reservation, on_ready: Ready | None, stop: asyncio.Event
) -> None:
    server = server_of(service, settings.watch_patience)

    async def begin() -> None:
        reserved.close()  # the server shares the port with nobody, and takes it itself
        await _tell(on_ready, await server.start(reserved.address))

    with _metrics(settings, service):
        await run_until_signal(server, settings.drain_grace, begin, asyncio.wrap_future(service.lost), stop)


async def _serve_by_workers(
    service: Service,
    settings: Settings,
    room: Room,
    reserved: Reservation,
    on_ready: Ready | None,
    stop: asyncio.Event,
) -> None:
    take_turns()
    front = Front(server_of(service, settings.watch_patience, ENGINE), settings, room, reserved)

    async def begin() -> None:
        await _tell(on_ready, await front.start())

    lost = asyncio.ensure_future(_first_failure(asyncio.wrap_future(service.lost), front.lost))
    with _metrics(settings, service, [WorkerCollector(front.tallies)]):
        await run_until_signal(front, settings.drain_grace, begin, lost, stop)
    lost.cancel()


async def _first_failure(*futures: asyncio.Future[None]) -> None:
    done, _ = await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
    for each in done:
        each.result()


async def _tell(on_ready: Ready | None, bound: str) -> None:
    told = on_ready(bound) if on_ready is not None else None
    if told is not None:
        await told


@contextmanager
def _metrics(settings: Settings, service: Service, others: Iterable[Collector] = ()) -> Iterator[None]:
    """Metrics are served inside of the block, where the settings say so. Raises InvalidInput at SEGMENTD_METRICS."""
    if settings.metrics is None:
        yield
        return
    metrics = MetricsServer(settings.metrics, service.consumers, [StatusCollector(service.look), *others])
    _log.info("metrics are at port %d, path /metrics", metrics.port)
    try:
        yield
    finally:
        metrics.close()


def server_of(service: Service, watch_patience: float = PATIENCE, options: Options = ()) -> Server:
    """The gRPC server of an open service. To be made inside of the running event loop."""

    def register(server: grpc.aio.Server) -> None:
        admin_service_pb2_grpc.add_AdminServiceServicer_to_server(AdminHandlers(service), server)
        consumer_service_pb2_grpc.add_ConsumerServiceServicer_to_server(ConsumerHandlers(service), server)
        evaluation_service_pb2_grpc.add_EvaluationServiceServicer_to_server(EvaluationHandlers(service), server)
        groups = ExclusiveGroupHandlers(service)
        exclusive_group_service_pb2_grpc.add_ExclusiveGroupServiceServicer_to_server(groups, server)
        history_service_pb2_grpc.add_HistoryServiceServicer_to_server(HistoryHandlers(service), server)
        memberships = MembershipHandlers(service, watch_patience)
        membership_service_pb2_grpc.add_MembershipServiceServicer_to_server(memberships, server)
        profile_service_pb2_grpc.add_ProfileServiceServicer_to_server(ProfileHandlers(service), server)
        segment_service_pb2_grpc.add_SegmentServiceServicer_to_server(SegmentHandlers(service), server)
        user_list_service_pb2_grpc.add_UserListServiceServicer_to_server(UserListHandlers(service), server)

    return Server(register, SERVICES, options=options)
