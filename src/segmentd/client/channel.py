"""Channels: connections of their own, with retries where a call may be made twice."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import grpc
import grpc.aio

from segmentd.client.arguments import ArgumentRefused

DEFAULT_TIMEOUT: Final = 30.0
"""Seconds that a call may take."""
DEFAULT_CONNECTIONS: Final = 4
"""Connections of a client, opened as they are used."""

_TARGET: Final = re.compile(
    r"(unix|unix-abstract|vsock|dns|ipv4|ipv6|xds):.+|(\[[^\]]+\]|[^:\[\]/\s]+):(?P<port>\d{1,5})"
)
"""What gRPC connects to, except hosts without a port, for which it would take port 443."""
_LAST_PORT: Final = 65_535

_SERVICES: Final = (
    "AdminService",
    "ConsumerService",
    "EvaluationService",
    "ExclusiveGroupService",
    "HistoryService",
    "MembershipService",
    "ProfileService",
    "SegmentService",
    "UserListService",
)
_ONCE: Final = (
    ("AdminService", "AdvanceClock"),
    ("ConsumerService", "DiscardDeadLetters"),
    ("ConsumerService", "ReplayDeadLetters"),
    ("ExclusiveGroupService", "CreateExclusiveGroup"),
    ("ExclusiveGroupService", "DeleteExclusiveGroup"),
    ("ExclusiveGroupService", "UpdateExclusiveGroup"),
    ("ProfileService", "DeleteProfile"),
    ("SegmentService", "ArchiveSegment"),
    ("SegmentService", "CreateSegment"),
    ("SegmentService", "DeleteSegment"),
    ("SegmentService", "RefitSegment"),
    ("SegmentService", "RestoreSegmentVersion"),
    ("SegmentService", "UpdateSegment"),
    ("UserListService", "DeleteUserList"),
    ("UserListService", "UploadUserList"),
)
"""Methods that would answer otherwise, or do more, when they are made twice.

Not among them: IngestEvents, since a message id is stored once; UpsertProfiles, UpdateUserList, DeclareAttributes and
DeclareEvents, which say how things shall be; MergeProfiles, which says that it was done already.
"""
_STREAMED: Final = (
    ("MembershipService", "StreamBatchChecks"),
    ("ProfileService", "StreamEvents"),
)
"""Methods to which messages are sent for long. gRPC would begin such a call anew while the caller goes on to send, and
lost a message amid that (grpcio 1.85, seen once: two of three batches were answered, with OK)."""
_RETRIES: Final = {
    "maxAttempts": 5,
    "initialBackoff": "0.1s",
    "maxBackoff": "1s",
    "backoffMultiplier": 2,
    # A server that goes down cancels what arrives meanwhile. What the caller cancels is not tried again.
    "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"],
}
"""Within 1.5 seconds, and five is the most that gRPC takes; outages that are longer are bridged by the client."""


def service_config() -> str:
    """The service config as JSON: retries of UNAVAILABLE and CANCELLED, except of what is made once or streamed."""
    names = [{"service": f"segmentd.v1.{name}"} for name in _SERVICES]
    once = [{"service": f"segmentd.v1.{service}", "method": method} for service, method in (*_ONCE, *_STREAMED)]
    # The more specific name wins, and a method without a policy is not retried.
    return json.dumps({"methodConfig": [{"name": names, "retryPolicy": _RETRIES}, {"name": once}]})


def may_be_repeated(stub: type[Any], method: str) -> bool:
    """Whether a call of this method comes to the same when it is made twice; `stub` is the generated one."""
    return (stub.__name__.removesuffix("Stub"), method) not in _ONCE


KEEPALIVE: Final = 20.0
"""Seconds without a word from the server, amid a call, after which it is asked for one; it has half as many for it."""
_OPTIONS: Final = (
    ("grpc.service_config", service_config()),
    ("grpc.enable_retries", 1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # Else a connection to a machine that answers no more is tried for 20 seconds.
    ("grpc.min_reconnect_backoff_ms", 5_000),
    # By default only two questions may follow each other without a message.
    ("grpc.http2.max_pings_without_data", 0),
    # Else all channels of a process to one address share one connection, and so one worker of the server.
    ("grpc.use_local_subchannel_pool", 1),
)


def open_channel(target: str, keepalive: float = KEEPALIVE) -> grpc.Channel:
    """A channel to `host:port` or `unix:/path`; it connects with the first call.

    Calls on a connection that hangs fail with UNAVAILABLE `keepalive` seconds, and half as much, after its last word.
    """
    return grpc.insecure_channel(target, options=_options(keepalive))


def open_async_channel(target: str, keepalive: float = KEEPALIVE) -> grpc.aio.Channel:
    """The same for the event loop that makes its first call."""
    return grpc.aio.insecure_channel(target, options=_options(keepalive))


def _options(keepalive: float) -> tuple[tuple[str, str | int], ...]:
    return (
        *_OPTIONS,
        ("grpc.keepalive_time_ms", round(keepalive * 1_000)),
        ("grpc.keepalive_timeout_ms", round(keepalive * 500)),
        # A minute by default, which would hold too.
        ("grpc.http2.ping_timeout_ms", round(keepalive * 500)),
    )


def check_target(target: object, name: str = "target") -> None:
    """Raises TypeError where a target is no text, and ArgumentRefused where it is neither `host:port` nor `unix:/path`.

    `name` is that of the argument.
    """
    if not isinstance(target, str):
        raise TypeError(f"{name}: {target!r} is no address; write it as localhost:50051 or unix:/path")
    found = _TARGET.fullmatch(target)
    if found is None or int(found["port"] or 0) > _LAST_PORT:
        raise ArgumentRefused(f"{name}: {target!r} is not HOST:PORT, as in localhost:50051, or unix:/path")
