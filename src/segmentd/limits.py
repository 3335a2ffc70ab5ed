"""How large a request and its parts may be."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from segmentd.errors import FieldViolation, InvalidInput, Reason

MAX_RECEIVE_BYTES: Final = 64 * 1024 * 1024
"""A larger request is refused by gRPC itself, with RESOURCE_EXHAUSTED."""
MAX_ITEMS: Final = 10_000
"""The most items of one list of a request."""
MAX_CELLS: Final = 10_000_000
"""The most users times segments of one BatchCheckMemberships."""
MAX_ID_BYTES: Final = 256
MAX_TEXT_BYTES: Final = 64 * 1024
MAX_MESSAGE_ID_CHARACTERS: Final = 100
MAX_LABELS: Final = 64


def id_fault(text: str) -> str | None:
    """What is wrong with an id, a name of an event or the like; None where it is sound."""
    if text.isascii() and 0 < len(text) <= MAX_ID_BYTES and text.isprintable():
        return None  # as nearly all are: bytes and characters need not be told apart
    if not text:
        return "it is empty"
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError:
        return "it is not Unicode text (a lone surrogate)"
    if size > MAX_ID_BYTES:
        return f"it has {size} bytes; {MAX_ID_BYTES} are the most"
    return control_fault(text)


def name_fault(name: str) -> str | None:
    """What is wrong with the name of an attribute or a property; remembered, because few names come often."""
    return _remembered_fault(name) if len(name) <= MAX_ID_BYTES else id_fault(name)


_remembered_fault: Final = lru_cache(maxsize=16_384)(id_fault)


def text_fault(text: str, limit: int = MAX_TEXT_BYTES) -> str | None:
    """What is wrong with a text for people or a value; None where it is sound."""
    # Every character takes at least one byte, so an endless text need not be encoded to see that it is too long.
    size = len(text) if len(text) > limit or text.isascii() else len(text.encode("utf-8"))
    return f"it has {size} bytes or more; {limit} are the most" if size > limit else None


def message_id_fault(text: str) -> str | None:
    """What is wrong with a message id, which may be empty; None where it is sound."""
    if len(text) > MAX_MESSAGE_ID_CHARACTERS:
        return f"it has {len(text)} characters; {MAX_MESSAGE_ID_CHARACTERS} are the most"
    return control_fault(text)


def control_fault(text: str) -> str | None:
    """Names the first control character (U+0000 to U+001F, U+007F to U+009F); None where there is none."""
    if text.isprintable():
        return None
    for index, character in enumerate(text):
        if character < " " or "\x7f" <= character <= "\x9f":
            return f"it has the control character U+{ord(character):04X} at position {index}"
    return None


def check_batch(given: int, field: str, limit: int = MAX_ITEMS) -> None:
    """Raises InvalidInput (BATCH_TOO_LARGE) where the list `field` has more than `limit` items."""
    if given > limit:
        raise InvalidInput(
            [FieldViolation(field, f"it has {given} items; {limit} are the most in one call")],
            Reason.BATCH_TOO_LARGE,
            {"limit": str(limit), "given": str(given)},
        )
