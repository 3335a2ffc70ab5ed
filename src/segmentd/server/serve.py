"""The server as a whole: settings, plugins and a database become services that listen, until a signal comes."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

import grpc.aio

from segmentd.plugins.host import load_plugins
from segmentd.server import address
from segmentd.server.admin import AdminHandlers
from segmentd.server.consumers import ConsumerHandlers
from segmentd.server.evaluation import EvaluationHandlers
from segmentd.server.exclusive_group import ExclusiveGroupHandlers
from segmentd.server.history import HistoryHandlers
from segmentd.server.membership import MembershipHandlers
from segmentd.server.metrics import MetricsServer, parse_metrics
from segmentd.server.profile import ProfileHandlers
from segmentd.server.run import Server, run_until_signal
from segmentd.server.segment import SegmentHandlers
from segmentd.server.user_list import UserListHandlers
from segmentd.server.watch import PATIENCE
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
SERVICES: Final = tuple(
    f"segmentd.v1.{name}Service"
    for name in (
        "Admin",
        "Consumer",
        "Evaluation",
        "ExclusiveGroup",
        "History",
        "Membership",
        "Profile",
        "Segment",
        "UserList",
    )
)


async def serve(settings: Settings, clock: Clock, on_ready: Ready | None = None) -> None:
    """Serve until SIGTERM or SIGINT, then drain and close the database.

    Raises a SegmentdError whose message is one line: at the start PluginBroken, StorageFailed or InvalidInput (the
    address); later StorageFailed where the engine lost the database and what is in memory cannot be trusted.
    """
    address.check(settings.listen)  # before a database is made for a server that cannot be
    if settings.metrics is not None:
        parse_metrics(settings.metrics)
    plugins = load_plugins(settings.disabled_plugins, environment=settings.environment(os.environ))
    currencies = Currencies(settings.base_currency, settings.currency_rates)
    # Off the loop, because loading takes long and the loop has signals to hear.
    keep = LogKeep.of(settings.log_keep, settings.log_max_moves)
    refusal = parse_duration(settings.erasure_refusal).micros
    service = await asyncio.to_thread(
        Service.open, settings.database, plugins, clock, currencies, refusal, log_keep=keep
    )
    metrics = None
    try:
        if settings.metrics is not None:
            metrics = MetricsServer(settings.metrics, service.consumers)
            _log.info("metrics are at port %d", metrics.port)
        server = server_of(service, settings.watch_patience)
        lost = asyncio.wrap_future(service.lost)

        async def begin() -> None:
            bound = await server.start(settings.listen)
            told = on_ready(bound) if on_ready is not None else None
            if told is not None:
                await told

        await run_until_signal(server, settings.drain_grace, begin, lost)
    finally:
        if metrics is not None:
            await asyncio.to_thread(metrics.close)
        await asyncio.to_thread(service.close)


def server_of(service: Service, watch_patience: float = PATIENCE) -> Server:
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

    return Server(register, SERVICES)
