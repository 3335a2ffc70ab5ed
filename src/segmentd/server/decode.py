"""Parses requests, so that one that cannot be parsed is refused with the field named, not with gRPC's INTERNAL."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TypeAlias

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message

from segmentd.errors import InvalidInput
from segmentd.server.wire import find_fault

Decoder: TypeAlias = Callable[[bytes], Message]


@cache
def decoder_for(method: str) -> Decoder | None:
    """The decoder of the requests of `/segmentd.v1.AdminService/GetStatus` or the like; None where no proto has it."""
    try:
        found = descriptor_pool.Default().FindMethodByName(method.strip("/").replace("/", "."))
    except KeyError:
        return None
    kind: type[Message] = message_factory.GetMessageClass(found.input_type)
    return lambda data: decode(kind, data)


def decode(kind: type[Message], data: bytes) -> Message:
    """The message of type `kind` in `data`. Raises InvalidInput that names the field at fault."""
    try:
        return kind.FromString(data)
    except DecodeError:
        pass
    raise InvalidInput([find_fault(kind, data)])
