"""Instants as microseconds since 1970-01-01T00:00:00Z, to and from protobuf's Timestamp."""

from __future__ import annotations

import operator
from typing import Final, TypeAlias

from google.protobuf import timestamp_pb2

from segmentd.client.arguments import ArgumentOutOfRange

Instant: TypeAlias = int
"""Microseconds since 1970-01-01T00:00:00Z."""

_SECOND = 1_000_000
_FIRST: Final = -62_135_596_800
_LAST: Final = 253_402_300_799
"""A Timestamp holds the years 1 to 9999; in seconds."""


def as_timestamp(instant: Instant, name: str = "instant") -> timestamp_pb2.Timestamp:
    """The Timestamp of an instant; `name` is that of the argument.

    Raises TypeError for what is no whole number, and ArgumentOutOfRange for years that a Timestamp does not hold.
    """
    try:
        seconds, micros = divmod(operator.index(instant), _SECOND)
    except TypeError:
        raise TypeError(f"{name}: {instant!r} is no instant; write microseconds since 1970 as int") from None
    if not _FIRST <= seconds <= _LAST:
        raise ArgumentOutOfRange(f"{name}: it lies outside of the years 1 to 9999; write microseconds since 1970")
    return timestamp_pb2.Timestamp(seconds=seconds, nanos=micros * 1000)


def as_instant(timestamp: timestamp_pb2.Timestamp) -> Instant:
    """The instant of a Timestamp, with what is finer than a microsecond cut off."""
    return timestamp.seconds * _SECOND + timestamp.nanos // 1000
