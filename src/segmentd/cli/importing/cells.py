"""The kinds of values that come as text: those of known names go by their kind, others by how they are written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from segmentd.population.schema import KNOWN_PROPERTIES
from segmentd.times import format_instant, from_datetime

_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?", re.ASCII)
_LOOSE_NUMBER: Final = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?", re.ASCII)
_FLAGS: Final = {"true": True, "false": False}
_LOOSE_FLAGS: Final = {**_FLAGS, "1": True, "0": False}
_EXACT_DIGITS: Final = 15
"""Longer whole numbers are ids more often than quantities, and doubles do not hold all of them."""


class Kinds:
    """The kinds of attributes as the server knows them (`number`, `money`, …), and of the properties of the spec."""

    def __init__(self, attributes: Mapping[str, str]) -> None:
        self._attributes = attributes
        self._properties = {name: kind.value for name, kind in KNOWN_PROPERTIES.items()}

    def cell(self, outer: str, name: str, text: str) -> Any:
        """The value of a cell of `traits.NAME`, `context.NAME` or `properties.NAME`.

        Raises ValueError with the reason where it is not of the kind that the name is known to have.
        """
        kinds = self._properties if outer == "properties" else self._attributes
        kind = kinds.get(name)
        return guessed(text) if kind is None else typed(f"{outer}.{name}", kind, text)

    def with_offsets(self, attributes: Mapping[str, Any]) -> dict[str, Any]:
        """Attributes of SQL rows: instants, which are text there, with an offset."""
        return {
            name: typed(name, "instant", value)
            if isinstance(value, str) and self._attributes.get(name) == "instant"
            else value
            for name, value in attributes.items()
        }


def guessed(text: str) -> bool | int | float | str:
    """`true` and `false` are flags, numbers as JSON writes them are numbers, all else is text.

    So `007`, `+1`, `1,5`, dates and whole numbers of more than 15 digits are text.
    """
    if text in _FLAGS:
        return _FLAGS[text]
    if _NUMBER.fullmatch(text) is None:
        return text
    number = _number(text)
    whole = isinstance(number, int)
    return (
        text if (whole and len(text.lstrip("-")) > _EXACT_DIGITS) or number in (float("inf"), -float("inf")) else number
    )


def typed(name: str, kind: str, text: str) -> Any:
    """The value of a known kind. Raises ValueError with the reason."""
    if kind in ("number", "money"):
        if _LOOSE_NUMBER.fullmatch(text.strip()) is None:
            raise ValueError(f"{name} is {kind}, and {text[:80]!r} is no number")
        return _number(text.strip())
    if kind == "flag":
        if text.strip().lower() not in _LOOSE_FLAGS:
            raise ValueError(f"{name} is a flag, and {text[:80]!r} is neither true nor false")
        return _LOOSE_FLAGS[text.strip().lower()]
    if kind == "instant":
        return format_instant(from_datetime(moment(name, text)))
    return _tags(text) if kind == "tags" else text


def moment(name: str, text: str) -> datetime:
    """An instant as text; UTC where it has no offset. Raises ValueError."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{name}: {text[:80]!r} is not an instant; write it as 2026-11-21T10:00:00Z") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _number(text: str) -> int | float:
    return float(text) if any(mark in text for mark in ".eE") else int(text)


def _tags(text: str) -> list[Any]:
    """A JSON list; anything else is one tag."""
    if text.lstrip().startswith("["):
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError:
            return [text]
        return value if isinstance(value, list) else [text]
    return [text]
