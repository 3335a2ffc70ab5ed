"""Positions: places in the log as opaque text, bound to the database that made them."""

from __future__ import annotations

import base64
import binascii
import struct
from hashlib import blake2b
from typing import Final

from segmentd.errors import FieldViolation, InvalidInput, Reason
from segmentd.records import Position

_BODY: Final = struct.Struct(">6sqq")
_SEAL_BYTES: Final = 8


class Positions:
    """Writes and reads the positions of one database."""

    def __init__(self, database_id: str) -> None:
        """`database_id` is 32 hex digits."""
        self._database = bytes.fromhex(database_id)[:6]

    def text(self, position: Position) -> str:
        """40 characters."""
        body = _BODY.pack(self._database, position.revision, position.offset)
        return base64.urlsafe_b64encode(_seal(body) + body).decode("ascii")

    def read(self, text: str, field: str = "position") -> Position:
        """The place that `text` stands for. Raises InvalidInput (POSITION_INVALID) where it is none of this log."""
        body = _opened(text, field)
        database, revision, offset = _BODY.unpack(body)
        if database != self._database:
            raise invalid_position(field, "it is a position of another database")
        return Position(revision, offset)


def invalid_position(field: str, description: str) -> InvalidInput:
    """The error for a position that cannot be resumed after."""
    return InvalidInput([FieldViolation(field, description)], Reason.POSITION_INVALID)


def _opened(text: str, field: str) -> bytes:
    try:
        raw = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise invalid_position(field, "it is not a position") from None
    seal, body = raw[:_SEAL_BYTES], raw[_SEAL_BYTES:]
    if len(body) != _BODY.size or seal != _seal(body):
        raise invalid_position(field, "it is not a position, or a damaged one")
    return body


def _seal(body: bytes) -> bytes:
    """Tells a position from other text and from a damaged one. It is no secret: a position gives no rights."""
    return blake2b(body, digest_size=_SEAL_BYTES, person=b"segmentd log v1").digest()
