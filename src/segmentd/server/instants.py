"""Timestamp and Duration of protobuf, which have nanoseconds, to and from microseconds."""

from __future__ import annotations

from typing import Final

from google.protobuf import duration_pb2, timestamp_pb2

from segmentd.server.faults import Faults
from segmentd.times import FOREVER, MAX_FIXED_DURATION, MAX_INSTANT, MIN_INSTANT, SECOND, Micros

_NANOS: Final = 1_000_000_000


def from_timestamp(timestamp: timestamp_pb2.Timestamp, field: str, faults: Faults) -> Micros:
    """The instant, with what is finer than a microsecond cut off (towards the past).

    Outside of the years 1 to 9999, or with nanoseconds outside of 0 to 999,999,999, it is a fault, and MIN_INSTANT
    stands in its place.
    """
    nanos = timestamp.nanos
    if not 0 <= nanos < _NANOS:
        faults.add(f"{field}.nanos", f"{nanos} is not between 0 and 999,999,999")
        return MIN_INSTANT
    instant = timestamp.seconds * SECOND + nanos // 1000
    if not MIN_INSTANT <= instant <= MAX_INSTANT:
        faults.add(field, f"{timestamp.seconds} seconds since 1970 is outside the years 1 to 9999")
        return MIN_INSTANT
    return Micros(instant)


def to_timestamp(instant: Micros) -> timestamp_pb2.Timestamp:
    """The timestamp of an instant other than FOREVER."""
    seconds, micros = divmod(int(instant), SECOND)
    return timestamp_pb2.Timestamp(seconds=seconds, nanos=micros * 1000)


def set_timestamp(timestamp: timestamp_pb2.Timestamp, instant: Micros) -> None:
    """Write an instant other than FOREVER into the field of a message; a third of the time of a message of its own."""
    seconds, micros = divmod(instant, SECOND)
    timestamp.seconds = seconds
    timestamp.nanos = micros * 1000


def to_optional_timestamp(instant: Micros) -> timestamp_pb2.Timestamp | None:
    """The timestamp of an instant; None, which is an absent field, for FOREVER."""
    return None if instant == FOREVER else to_timestamp(instant)


def to_duration(length: Micros) -> duration_pb2.Duration:
    """A length of time that is not negative."""
    seconds, micros = divmod(length, SECOND)
    return duration_pb2.Duration(seconds=seconds, nanos=micros * 1000)


def from_duration(duration: duration_pb2.Duration, field: str, faults: Faults) -> Micros:
    """A length of time of a microsecond to 1000 years, with what is finer cut off; else a fault, and 1 in its place."""
    if abs(duration.nanos) >= _NANOS or duration.seconds * duration.nanos < 0:
        faults.add(f"{field}.nanos", "it is not between 0 and 999,999,999 with the sign of the seconds")
        return Micros(1)
    length = duration.seconds * SECOND + duration.nanos // 1000
    if not 1 <= length <= MAX_FIXED_DURATION:
        faults.add(field, "it is not between a microsecond and 1000 years")
        return Micros(1)
    return Micros(length)
