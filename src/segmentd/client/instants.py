"""Instants as microseconds since 1970-01-01T00:00:00Z, to and from protobuf's Timestamp."""

from __future__ import annotations

import operator
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from google.protobuf import timestamp_pb2

from segmentd.client.arguments import ArgumentOutOfRange, ArgumentRefused

Instant: TypeAlias = int
"""Microseconds since 1970-01-01T00:00:00Z."""
AnyInstant: TypeAlias = int | datetime
"""What arguments take for an instant: microseconds since 1970-01-01T00:00:00Z, or a datetime with a time zone."""

_SECOND: Final = 1_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_FIRST: Final = -62_135_596_800
_LAST: Final = 253_402_300_799
"""A Timestamp holds the years 1 to 9999; in seconds."""


def as_timestamp(instant: AnyInstant, name: str = "instant") -> timestamp_pb2.Timestamp:
    """The Timestamp of an instant; `name` is that of the argument.

    Raises TypeError for what is neither, ArgumentRefused for a datetime without a time zone, and ArgumentOutOfRange for
    years that a Timestamp does not hold.
    """
    seconds, micros = divmod(_micros(instant, name), _SECOND)
    if not _FIRST <= seconds <= _LAST:
        raise ArgumentOutOfRange(f"{name}: it lies outside of the years 1 to 9999; write microseconds since 1970")
    return timestamp_pb2.Timestamp(seconds=seconds, nanos=micros * 1000)


def as_micros(length: int | timedelta) -> int:
    """The microseconds of a length of time, which are given as such or as a timedelta."""
    return length // _MICROSECOND if isinstance(length, timedelta) else length


def as_instant(timestamp: timestamp_pb2.Timestamp) -> Instant:
    """The instant of a Timestamp, with what is finer than a microsecond cut off."""
    return timestamp.seconds * _SECOND + timestamp.nanos // 1000


def _micros(instant: AnyInstant, name: str) -> Instant:
    if isinstance(instant, datetime):
        if instant.utcoffset() is None:
            raise ArgumentRefused(f"{name}: {instant} has no time zone; write it with one, such as tzinfo=UTC")
        return (instant - _EPOCH) // _MICROSECOND
    try:
        return operator.index(instant)
    except TypeError:
        raise TypeError(
            f"{name}: {instant!r} is no instant; write microseconds since 1970 as int, or a datetime with a time zone"
        ) from None
