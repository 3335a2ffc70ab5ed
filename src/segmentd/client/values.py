"""google.protobuf.Struct to and from plain values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from google.protobuf import struct_pb2

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"

_EXACT_INT: Final = 2**53
_ROOM: Final = 90
"""Messages inside of messages: protobuf reads 100, and a request needs some. An object takes three, a list two."""


def as_struct(values: Mapping[str, Json], path: str = "") -> struct_pb2.Struct:
    """The Struct that stands for an object.

    Raises TypeError for what is no mapping, and ValueError with the path of what it cannot hold: numbers that are not
    finite, whole numbers that double precision does not hold exactly, text that is not Unicode, what is no JSON, and
    what is nested too deeply.
    """
    if not isinstance(values, Mapping):
        raise TypeError(f"{path or 'values'}: {values!r} is no mapping")
    struct = struct_pb2.Struct()
    _fill_fields(struct, values, path, _ROOM)
    return struct


def as_json(struct: struct_pb2.Struct) -> dict[str, Json]:
    """The object that a Struct stands for; whole numbers come out as int."""
    return {key: as_value_json(value) for key, value in sorted(struct.fields.items())}


def as_value_json(value: struct_pb2.Value) -> Json:
    """What a Value stands for; None for one of no kind."""
    kind = value.WhichOneof("kind")
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() and abs(number) <= _EXACT_INT else number
    if kind == "string_value":
        return value.string_value
    if kind == "bool_value":
        return value.bool_value
    if kind == "struct_value":
        return as_json(value.struct_value)
    if kind == "list_value":
        return [as_value_json(item) for item in value.list_value.values]
    return None


def _fill_fields(struct: struct_pb2.Struct, values: Mapping[str, Json], path: str, room: int) -> None:
    if room < 0:
        raise ValueError(f"{path}: it is nested too deeply to be sent")
    fields = struct.fields
    struct.SetInParent()
    for key, item in values.items():
        below = f"{path}.{key}" if path else str(key)
        if not isinstance(key, str):
            raise ValueError(f"{below}: a key is text; quote it")  # noqa: TRY004  (one error type for callers)
        try:
            target = fields[key]
        except UnicodeError:
            raise ValueError(f"{path or 'the object'}: a key is not Unicode text") from None
        _fill(target, item, below, room - 3)


def _fill(target: struct_pb2.Value, value: Json, path: str, room: int) -> None:
    if isinstance(value, str):
        try:
            target.string_value = value
        except UnicodeError:
            raise ValueError(f"{path}: the text is not Unicode (a lone surrogate)") from None
    elif value is None:
        target.null_value = struct_pb2.NULL_VALUE
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int | float):
        target.number_value = _exact(value, path)
    elif isinstance(value, Mapping):
        _fill_fields(target.struct_value, value, path, room)
    elif isinstance(value, Sequence):
        if room < 0:
            raise ValueError(f"{path}: it is nested too deeply to be sent")
        target.list_value.SetInParent()
        for index, item in enumerate(value):
            _fill(target.list_value.values.add(), item, f"{path}[{index}]", room - 2)
    else:
        raise ValueError(f"{path}: {type(value).__name__} is no JSON value")


def _exact(number: int | float, path: str) -> float:
    if isinstance(number, int) and abs(number) > _EXACT_INT:
        raise ValueError(f"{path}: {number} cannot be held exactly in double precision; write it as text")
    if not math.isfinite(number):
        raise ValueError(f"{path}: {number} is not a number that can be compared")
    return float(number)
