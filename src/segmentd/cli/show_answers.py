"""Answers about users and segments, for people."""

from __future__ import annotations

from collections.abc import Iterable

from google.protobuf import timestamp_pb2
from rich.table import Table
from rich.text import Text

from segmentd.cli.instants import instant_text
from segmentd.cli.message_json import enum_name
from segmentd.client import as_json, item_fault
from segmentd.v1 import membership_pb2, membership_service_pb2, profile_pb2, segment_pb2


def grid(*columns: str) -> Table:
    """An empty table with headings; names in square brackets are plain text."""
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(Text(column), justify="right" if column in ("size", "version") else "left", overflow="fold")
    return table


def add_row(table: Table, *cells: str) -> None:
    """Add a row of plain text."""
    table.add_row(*(Text(cell) for cell in cells))


def until(timestamp: timestamp_pb2.Timestamp | None, words: str = "until") -> str:
    """`until 2026-11-21T10:00:00Z`; what no time changes holds `until something is written`."""
    return f"{words} {instant_text(timestamp)}" if timestamp is not None else "until something is written"


def check_line(user: str, segment: str, answer: membership_service_pb2.CheckMembershipResponse) -> str:
    """One sentence."""
    is_member = answer.membership == membership_pb2.MEMBERSHIP_MEMBER
    verdict = "is a member of" if is_member else "is not a member of"
    if not answer.user_known:
        return f"{user} {verdict} {segment}: nothing is known about this user"
    bound = answer.holds_until_time if answer.HasField("holds_until_time") else None
    return f"{user} {verdict} {segment}, {until(bound, 'at least until')}"


def user_table(segments: Iterable[membership_pb2.UserSegment], errors: Iterable[membership_pb2.SegmentError]) -> Table:
    """The segments of a user with the instant at which it leaves each."""
    table = grid("segment", "name", "leaves")
    for each in segments:
        add_row(table, each.segment_id, each.name, leaves(each))
    for error in errors:
        fault = item_fault(error.error)
        add_row(table, error.segment_id, "", f"no answer: {fault.message} ({fault.reason})")
    return table


def leaves(answer: membership_pb2.UserSegment | membership_service_pb2.ExplainMembershipResponse) -> str:
    """When the user leaves if nothing is written."""
    if not answer.HasField("leaves_time"):
        return "not by the passing of time"
    at = instant_text(answer.leaves_time)
    return f"{at} or later" if answer.leaves_time_is_lower_bound else at


def segments_table(segments: Iterable[segment_pb2.Segment]) -> Table:
    """Segments with state and size."""
    table = grid("segment", "name", "state", "size", "version", "")
    for each in segments:
        size = f"{each.size:,}" if each.HasField("size") else ""
        add_row(table, each.id, each.name, state_name(each), size, str(each.version), each.state_reason)
    return table


def state_name(segment: segment_pb2.Segment) -> str:
    """`active`, `pending`, `failed` or `archived`."""
    return (enum_name(segment_pb2.SegmentState.DESCRIPTOR, segment.state) or "").lower()


def attributes_table(attributes: Iterable[profile_pb2.Attribute]) -> Table:
    """Attributes with their kinds."""
    table = grid("attribute", "kind", "known by")
    for each in attributes:
        kind = enum_name(profile_pb2.AttributeKind.DESCRIPTOR, each.kind) or ""
        source = enum_name(profile_pb2.AttributeSource.DESCRIPTOR, each.source) or ""
        add_row(table, each.name, kind.lower(), source.lower().replace("_", " "))
    return table


def profile_table(profile: profile_pb2.Profile) -> Table:
    """The attributes of one user."""
    table = grid("attribute", "value")
    for name, value in as_json(profile.attributes).items():
        shown = ", ".join(map(str, value)) if isinstance(value, list) else plain(value)
        add_row(table, name, shown)
    return table


def plain(value: object) -> str:
    """A value of JSON as people read it."""
    return (
        {True: "true", False: "false", None: "missing"}[value]
        if value is None or isinstance(value, bool)
        else str(value)
    )
