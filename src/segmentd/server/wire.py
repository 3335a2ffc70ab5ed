"""Walks the wire format of a message that did not parse, to name the field at fault. Never runs on sound requests."""

from __future__ import annotations

from collections import Counter
from typing import Final, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from segmentd.errors import FieldViolation

MAX_DEPTH: Final = 100
"""How deep protobuf nests messages; each level of a Struct takes two or three."""

_VARINT, _FIXED64, _BYTES, _GROUP, _END_GROUP, _FIXED32 = range(6)
_STRUCT: Final = "google.protobuf.Struct"
_VALUE: Final = "google.protobuf.Value"
_LIST: Final = "google.protobuf.ListValue"


_BUDGET: Final = 200_000
"""How many numbers of the encoding are read before the search ends: it runs on the loop that serves everybody."""


class _Fault(Exception):
    """What was found wrong, and at which path."""

    def __init__(self, path: str, description: str) -> None:
        self.violation = FieldViolation(path.removeprefix(".") or "request", description)


class _Budget:
    """What is left of the numbers that one search may read."""

    def __init__(self) -> None:
        self.left = _BUDGET

    def spend(self, path: str) -> None:
        self.left -= 1
        if self.left < 0:
            raise _Fault(path, "it cannot be decoded, and is too large to say where")


class _Cursor:
    """Reads the parts of a message one after another; raises _Fault at `path` where they are cut off."""

    def __init__(self, data: memoryview, path: str, budget: _Budget) -> None:
        self.data, self.path, self.budget, self.at = data, path, budget, 0

    @property
    def done(self) -> bool:
        return self.at >= len(self.data)

    def varint(self) -> int:
        self.budget.spend(self.path)
        value = 0
        for shift in range(0, 70, 7):
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise _Fault(self.path, "a number of the encoding is longer than 10 bytes")

    def take(self, size: int) -> memoryview:
        if self.at + size > len(self.data):
            raise _Fault(self.path, "the encoding ends too early")
        part = self.data[self.at : self.at + size]
        self.at += size
        return part

    def skip(self, wire: int) -> None:
        """Steps over a value that is not length-delimited."""
        if wire == _VARINT:
            self.varint()
        elif wire == _FIXED64:
            self.take(8)
        elif wire == _FIXED32:
            self.take(4)
        else:
            raise _Fault(self.path, f"the encoding has wire type {wire}, which protobuf version 3 does not use")


def find_fault(kind: type[Message], data: bytes) -> FieldViolation:
    """The first fault of `data` as a message of type `kind`."""
    try:
        _walk(_descriptor(kind), _Cursor(memoryview(data), "", _Budget()), 1)
    except _Fault as fault:
        return fault.violation
    return FieldViolation("request", f"it cannot be decoded as {_descriptor(kind).full_name}")


def _walk(kind: Descriptor, cursor: _Cursor, depth: int) -> None:
    """Raises _Fault at the first fault; returns where there is none. The depth bounds the recursion."""
    if depth > MAX_DEPTH:
        raise _Fault(cursor.path, f"it is nested more deeply than {MAX_DEPTH} messages")
    seen = Counter[int]()
    while not cursor.done:
        tag = cursor.varint()
        number, wire = tag >> 3, tag & 7
        field = kind.fields_by_number.get(number)
        if number == 0:
            raise _Fault(cursor.path, "the encoding has a field with the number 0")
        if wire != _BYTES:
            cursor.skip(wire)
            continue
        part = cursor.take(cursor.varint())
        if field is not None:
            _check(field, _Cursor(part, cursor.path, cursor.budget), seen[number], depth)
        seen[number] += 1


def _check(field: FieldDescriptor, part: _Cursor, index: int, depth: int) -> None:
    """Check the content of a length-delimited field, which `part` has under the path of its owner."""
    if field.type == FieldDescriptor.TYPE_STRING:
        _check_text(part.data, part.path + _step(field, index))
    elif field.type == FieldDescriptor.TYPE_MESSAGE:
        path = _map_path(field, part) if _is_map(field) else part.path + _step(field, index)
        _walk(_message_type(field), _Cursor(part.data, path, part.budget), depth + 1)


def _check_text(part: memoryview, path: str) -> None:
    try:
        str(part, "utf-8")
    except UnicodeDecodeError as error:
        raise _Fault(path, f"the text is not valid UTF-8 at byte {error.start}") from None


def _step(field: FieldDescriptor, index: int) -> str:
    """How a field continues a path. Struct, Value and map entries are read as the JSON that they stand for."""
    owner = _owner(field)
    if owner.full_name == _VALUE or owner.GetOptions().map_entry:
        return ""
    if owner.full_name == _LIST:
        return f"[{index}]"
    return f".{field.name}[{index}]" if field.is_repeated else f".{field.name}"


def _map_path(field: FieldDescriptor, part: _Cursor) -> str:
    owner = part.path if _owner(field).full_name == _STRUCT else f"{part.path}.{field.name}"
    return f"{owner}.{_key_of(_Cursor(part.data, owner, part.budget))}"


def _key_of(cursor: _Cursor) -> str:
    """The key of a map entry, which is its field number 1; `?` where it cannot be read."""
    key = memoryview(b"")
    while not cursor.done:
        tag = cursor.varint()
        if tag & 7 != _BYTES:
            cursor.skip(tag & 7)
            continue
        part = cursor.take(cursor.varint())
        if tag >> 3 == 1:
            key = part
    try:
        return str(key, "utf-8")
    except UnicodeDecodeError:
        return "?"


def _is_map(field: FieldDescriptor) -> bool:
    return bool(_message_type(field).GetOptions().map_entry)


def _descriptor(kind: type[Message]) -> Descriptor:
    # The stubs know two classes of descriptors, of which the faster one has no other name.
    return cast("Descriptor", kind.DESCRIPTOR)


def _message_type(field: FieldDescriptor) -> Descriptor:
    return cast("Descriptor", field.message_type)


def _owner(field: FieldDescriptor) -> Descriptor:
    return cast("Descriptor", field.containing_type)
