"""Instants as microseconds since 1970-01-01T00:00:00Z, to and from protobuf's Timestamp."""

from __future__ import annotations

from typing import TypeAlias

from google.protobuf import timestamp_pb2

Instant: TypeAlias = int
"""Microseconds since 1970-01-01T00:00:00Z."""

_SECOND = 1_000_000


def as_timestamp(instant: Instant) -> timestamp_pb2.Timestamp:
    """The Timestamp of an instant."""
    seconds, micros = divmod(instant, _SECOND)
    return timestamp_pb2.Timestamp(seconds=seconds, nanos=micros * 1000)


def as_instant(timestamp: timestamp_pb2.Timestamp) -> Instant:
    """The instant of a Timestamp, with what is finer than a microsecond cut off."""
    return timestamp.seconds * _SECOND + timestamp.nanos // 1000
