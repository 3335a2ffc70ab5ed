"""Instants of answers as text, and instants and durations that people type."""

from __future__ import annotations

from google.protobuf import timestamp_pb2

from segmentd.cli.faults import CommandFailed
from segmentd.client import as_instant
from segmentd.times import Micros, format_instant, parse_duration, parse_instant


def instant_text(timestamp: timestamp_pb2.Timestamp) -> str:
    """RFC 3339 in UTC (`2026-11-21T10:00:00Z`)."""
    return format_instant(Micros(as_instant(timestamp)))


def typed_instant(option: str, text: str) -> Micros:
    """What was typed for an option. Raises CommandFailed."""
    try:
        return parse_instant(text)
    except ValueError as error:
        raise CommandFailed(f"{option}: {error}", exit_code=2) from None


def typed_length(option: str, text: str) -> Micros:
    """A fixed length (`7d`) in microseconds. Raises CommandFailed; so do months and years, which have none."""
    try:
        duration = parse_duration(text)
    except ValueError as error:
        raise CommandFailed(f"{option}: {error}", exit_code=2) from None
    if duration.months:
        raise CommandFailed(f"{option}: months and years have no fixed length; use --to, or s m h d w", exit_code=2)
    return duration.micros
