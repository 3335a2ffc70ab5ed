"""Page tokens: where the next page of a list begins, bound to the request that the list answers."""

from __future__ import annotations

import base64
import binascii
from hashlib import blake2b
from typing import Final

import orjson
from google.protobuf.message import Message

from segmentd.errors import FieldViolation, InvalidInput, Reason

FIELD: Final = "page_token"
_FREE: Final = frozenset({FIELD, "page_size"})
"""The fields that may differ from page to page."""
_SEAL_BYTES: Final = 8


def make_page_token(request: Message, position: str) -> str:
    """The opaque token of the page that begins after `position` in the answer to `request`."""
    body = orjson.dumps([request.DESCRIPTOR.full_name, _digests(request), position])
    return base64.urlsafe_b64encode(_seal(body) + body).decode("ascii")


def read_page_token(request: Message, token: str) -> str | None:
    """The position in `token`; None for the empty token of the first page.

    Raises InvalidInput (PAGE_TOKEN_MISMATCH) that names the field in which `request` differs from the one that the
    token was made for, or says that it is no token.
    """
    if not token:
        return None
    method, digests, position = _opened(token)
    if method != request.DESCRIPTOR.full_name:
        raise _mismatch("it was made by another method")
    present = _digests(request)
    for field in sorted(present.keys() | digests.keys()):
        if present.get(field) != digests.get(field):
            raise _mismatch(f"it was made for a request with another {field}", {"field": field})
    return position


def _opened(token: str) -> tuple[str, dict[str, str], str]:
    try:
        raw = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise _mismatch("it is not a page token") from None
    seal, body = raw[:_SEAL_BYTES], raw[_SEAL_BYTES:]
    if seal != _seal(body):
        raise _mismatch("it is not a page token")
    method, digests, position = orjson.loads(body)
    return method, digests, position


def _digests(request: Message) -> dict[str, str]:
    """Field name → digest of its value, for every field that is set and must stay as it is."""
    return {field.name: _digest_of(request, field.name) for field, _ in request.ListFields() if field.name not in _FREE}


def _digest_of(request: Message, field: str) -> str:
    alone = type(request)()
    alone.CopyFrom(request)
    for other, _ in request.ListFields():
        if other.name != field:
            alone.ClearField(other.name)
    return blake2b(alone.SerializeToString(deterministic=True), digest_size=8).hexdigest()


def _seal(body: bytes) -> bytes:
    """Tells a token from other text and from a damaged one. It is no secret: a position gives no rights."""
    return blake2b(body, digest_size=_SEAL_BYTES, person=b"segmentd page v1").digest()


def _mismatch(description: str, metadata: dict[str, str] | None = None) -> InvalidInput:
    return InvalidInput([FieldViolation(FIELD, description)], Reason.PAGE_TOKEN_MISMATCH, metadata)
