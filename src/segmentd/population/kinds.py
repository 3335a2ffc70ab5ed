"""The kinds of values, and how one JSON value becomes the number that a column stores."""

from __future__ import annotations

import math
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeAlias, TypeVar

from segmentd.times import parse_instant

MONEY_UNIT: Final = 1_000_000
"""Money is counted in millionths of the base currency's unit."""
_USUAL_MONEY: Final = 10**8
"""Less money than this has at most 15 digits, in millionths too."""
MAX_TEXT: Final = 65_536
MAX_TAGS: Final = 10_000
_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()
_MAX_MONEY: Final = 10**17

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Stored: TypeAlias = float | int | str | tuple[str, ...]
"""A value as columns take it: see `encode`."""
_Typed = TypeVar("_Typed", bool, str)


class Kind(StrEnum):
    """What the values of an attribute or property are."""

    NUMBER = "number"
    MONEY = "money"
    FLAG = "flag"
    TEXT = "text"
    DATE = "date"
    INSTANT = "instant"
    TAGS = "tags"


def kind_of(value: Json) -> Kind | None:
    """The kind that a first value gives its name; None where rules cannot use it. Text is never a date."""
    if isinstance(value, bool):
        return Kind.FLAG
    if isinstance(value, int | float):
        return Kind.NUMBER
    if isinstance(value, str):
        return Kind.TEXT
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return Kind.TAGS
    return None


def encode(  # noqa: PLR0911  (one return a kind)
    kind: Kind, value: Json, rate: Decimal | None = None
) -> Stored:
    """The stored form of a JSON value: float, micro-units, 0 or 1, text, days, microseconds, or tags.

    `rate` converts money into the base currency. Raises ValueError with the reason where the value is of
    another kind: nothing is coerced.
    """
    match kind:
        case Kind.NUMBER:
            return _number(value)
        case Kind.MONEY:
            return _money(value, rate)
        case Kind.FLAG:
            return int(_typed(value, bool, "true or false"))
        case Kind.TEXT:
            return _text(value)
        case Kind.DATE:
            return _date(_typed(value, str, "a date such as 1990-05-17"))
        case Kind.INSTANT:
            return parse_instant(_typed(value, str, "an instant such as 2026-11-21T10:00:00Z"))
        case Kind.TAGS:
            return _tags(value)


def _typed(value: Json, expected: type[_Typed], words: str) -> _Typed:
    if not isinstance(value, expected):
        raise ValueError(f"{_show(value)} is not {words}")  # noqa: TRY004  (one error type for callers)
    return value


def _number(value: Json) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{_show(value)} is not a number")  # noqa: TRY004  (one error type for callers)
    try:
        number = float(value)
    except OverflowError:
        raise ValueError("the number is too large") from None
    if not math.isfinite(number):
        raise ValueError(f"{number} is not a finite number")
    return number


def _money(value: Json, rate: Decimal | None) -> int:
    if rate is None and type(value) is float and -_USUAL_MONEY < value < _USUAL_MONEY:
        # No two decimals of at most 15 digits are one float, so the digits of the value are those of `micros`.
        micros = round(value * MONEY_UNIT)
        if micros / MONEY_UNIT == value:
            return micros
    _number(value)
    amount = Decimal(str(value)) * MONEY_UNIT * (rate if rate is not None else 1)
    micros = int(amount.to_integral_value())
    if abs(micros) > _MAX_MONEY:
        raise ValueError(f"{_show(value)} is more money than can be counted")
    return micros


def _text(value: Json) -> str:
    text = _typed(value, str, "text")
    if len(text) > MAX_TEXT:
        raise ValueError(f"the text has {len(text):,} characters; at most {MAX_TEXT:,} are kept")
    return text


def _date(text: str) -> int:
    try:
        return date.fromisoformat(text).toordinal() - _EPOCH_ORDINAL
    except ValueError:
        raise ValueError(f"{_show(text)} is not a date such as 1990-05-17") from None


def _tags(value: Json) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError(f"{_show(value)} is not a list of text")  # noqa: TRY004  (one error type for callers)
    if len(value) > MAX_TAGS:
        raise ValueError(f"the list has {len(value):,} entries; at most {MAX_TAGS:,} are kept")
    return tuple(sorted({_text(item) for item in value}))


def _show(value: Json) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "…"
