"""Profiles, events and attributes between messages and what the service takes and gives."""

from __future__ import annotations

from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from segmentd.population.kinds import Kind
from segmentd.server.faults import Faults
from segmentd.server.instants import from_timestamp
from segmentd.server.structs import from_struct
from segmentd.service.items import EventWrite, ProfileWrite
from segmentd.service.profiles import Attribute
from segmentd.times import Micros
from segmentd.v1 import profile_pb2, profile_service_pb2

_KINDS: Final = {profile_pb2.AttributeKind.Value(f"ATTRIBUTE_KIND_{kind.name}"): kind for kind in Kind}
_NUMBERS: Final = {kind: number for number, kind in _KINDS.items()}


def profile_write(item: profile_service_pb2.ProfileUpsert, faults: Faults) -> ProfileWrite:
    """Attributes for one user."""
    return ProfileWrite(faults.id(item.user_id, "user_id"), from_struct(item.attributes, "attributes", faults))


def event_write(event: profile_pb2.Event, faults: Faults) -> EventWrite:
    """One event; its user is required."""
    return named_event(event, faults.id(event.user_id, "user_id"), faults)


def named_event(event: profile_pb2.Event, user_id: str, faults: Faults) -> EventWrite:
    """One event of a user who is named elsewhere."""
    return EventWrite(
        user_id,
        faults.id(event.name, "name"),
        faults.message_id(event.message_id, "message_id"),
        _time(event, "event_time", faults),
        from_struct(event.properties, "properties", faults),
        from_struct(event.context, "context", faults),
        _time(event, "original_time", faults),
        _time(event, "sent_time", faults),
        _time(event, "received_time", faults),
    )


def declaration(item: profile_pb2.Attribute, faults: Faults) -> tuple[str, Kind]:
    """A name and the kind that it gets."""
    kind = _KINDS.get(item.kind)
    if kind is None:
        faults.add("kind", "it is not given" if item.kind == 0 else f"{item.kind} is no kind of attribute")
    return faults.id(item.name, "name"), kind or Kind.TEXT


def attribute(known: Attribute) -> profile_pb2.Attribute:
    """An attribute with its kind and how that came to be known."""
    source = profile_pb2.AttributeSource.Value(f"ATTRIBUTE_SOURCE_{known.source.name}")
    return profile_pb2.Attribute(name=known.name, kind=_NUMBERS[known.kind], source=source)


def _time(event: profile_pb2.Event, field: str, faults: Faults) -> Micros | None:
    if not event.HasField(field):  # type: ignore[arg-type]  # the stubs take literals only
        return None
    timestamp: Timestamp = getattr(event, field)
    return from_timestamp(timestamp, field, faults)
