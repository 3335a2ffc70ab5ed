"""The channel: one pooled connection, with retries where a call may be made twice."""

from __future__ import annotations

import json
from typing import Final

import grpc

_SERVICES: Final = ("AdminService", "EvaluationService", "MembershipService", "ProfileService", "SegmentService")
_ONCE: Final = (
    ("AdminService", "AdvanceClock"),
    ("SegmentService", "ArchiveSegment"),
    ("SegmentService", "CreateSegment"),
    ("SegmentService", "DeleteSegment"),
    ("SegmentService", "RefitSegment"),
    ("SegmentService", "RestoreSegmentVersion"),
    ("SegmentService", "UpdateSegment"),
)
"""Methods that would answer otherwise, or do more, when they are made twice."""
_RETRIES: Final = {
    "maxAttempts": 5,
    "initialBackoff": "0.1s",
    "maxBackoff": "1s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}


def service_config() -> str:
    """The service config as JSON: retries of UNAVAILABLE, except of what must be made once."""
    names = [{"service": f"segmentd.v1.{name}"} for name in _SERVICES]
    once = [{"service": f"segmentd.v1.{service}", "method": method} for service, method in _ONCE]
    # The more specific name wins, and a method without a policy is not retried.
    return json.dumps({"methodConfig": [{"name": names, "retryPolicy": _RETRIES}, {"name": once}]})


def open_channel(target: str) -> grpc.Channel:
    """A channel to `host:port` or `unix:/path`; it connects with the first call."""
    options = [
        ("grpc.service_config", service_config()),
        ("grpc.enable_retries", 1),
        ("grpc.max_receive_message_length", -1),
        ("grpc.max_send_message_length", -1),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 2_000),
    ]
    return grpc.insecure_channel(target, options=options)
