"""Answers as JSON: the field names of the protos, instants as RFC 3339 text, durations as `90s`, enum values without
their prefix.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from google.protobuf import duration_pb2, struct_pb2, timestamp_pb2
from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.message import Message

from segmentd.cli.instants import instant_text
from segmentd.client import as_json, as_value_json

_WELL_KNOWN: Final[tuple[tuple[type[Message], Callable[[Any], Any]], ...]] = (
    (timestamp_pb2.Timestamp, instant_text),
    (duration_pb2.Duration, duration_pb2.Duration.ToJsonString),
    (struct_pb2.Struct, as_json),
    (struct_pb2.Value, as_value_json),
)


def message_json(message: Message) -> dict[str, Any]:
    """Every field of a message; null for what is absent, and for enum values that are unspecified."""
    return {field.name: _field_json(message, field) for field in message.DESCRIPTOR.fields}


def enum_name(descriptor: EnumDescriptor, number: int) -> str | None:
    """`MEMBER` for MEMBERSHIP_MEMBER; None for the unspecified value."""
    first: str = descriptor.values[0].name
    found = descriptor.values_by_number.get(number)
    if number == 0 or found is None:
        return None
    name: str = found.name
    return name.removeprefix(first.removesuffix("UNSPECIFIED"))


def _field_json(message: Message, field: Any) -> Any:
    value = getattr(message, field.name)
    if _is_map(field):
        return dict(sorted(value.items()))
    if field.is_repeated:
        return [_value_json(item, field) for item in value]
    if field.has_presence and not message.HasField(field.name):
        return None
    return _value_json(value, field)


def _value_json(value: Any, field: Any) -> Any:
    for kind, text in _WELL_KNOWN:
        if isinstance(value, kind):
            return text(value)
    if isinstance(value, Message):
        return message_json(value)
    if field.enum_type is not None:
        return enum_name(field.enum_type, value)
    return value


def _is_map(field: Any) -> bool:
    return bool(field.message_type is not None and field.message_type.GetOptions().map_entry)
