"""Profiles, events and attributes between messages and what the service takes and gives."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from google.protobuf.struct_pb2 import Struct

from segmentd.population.kinds import Json, Kind
from segmentd.server.faults import Faults
from segmentd.server.instants import from_timestamp
from segmentd.server.structs import from_struct
from segmentd.service.items import EventWrite, ProfileWrite
from segmentd.service.profiles import Attribute
from segmentd.v1 import profile_pb2, profile_service_pb2

_KINDS: Final = {profile_pb2.AttributeKind.Value(f"ATTRIBUTE_KIND_{kind.name}"): kind for kind in Kind}
_SHORT_CONTEXT: Final = 4_096
"""A longer context, in bytes, is not kept."""
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
        from_timestamp(event.event_time, "event_time", faults) if event.HasField("event_time") else None,
        from_struct(event.properties, "properties", faults) if event.HasField("properties") else {},
        _context(event.context, faults) if event.HasField("context") else {},
        from_timestamp(event.original_time, "original_time", faults) if event.HasField("original_time") else None,
        from_timestamp(event.sent_time, "sent_time", faults) if event.HasField("sent_time") else None,
        from_timestamp(event.received_time, "received_time", faults) if event.HasField("received_time") else None,
    )


def _context(context: Struct, faults: Faults) -> Mapping[str, Json]:
    """An event's context. A device sends the same with each event, so those that came lately are not read again."""
    raw = context.SerializeToString()
    known = _sound_context(raw) if len(raw) <= _SHORT_CONTEXT else None
    return known if known is not None else from_struct(context, "context", faults)


@lru_cache(maxsize=4_096)
def _sound_context(raw: bytes) -> Mapping[str, Json] | None:
    """The object that an encoded Struct stands for; None where it has a fault."""
    faults = Faults()
    values = from_struct(Struct.FromString(raw), "context", faults)
    return None if faults.found else values


def forget_contexts() -> None:
    """Keep none of the contexts that came so far: a user who is erased may have sent them."""
    _sound_context.cache_clear()


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
