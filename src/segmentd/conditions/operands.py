"""What may stand beside an operator: strict, with one clear message where it may not."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Annotated, Any, Final, TypeAlias

from pydantic import BeforeValidator, Field, PlainValidator

from segmentd.conditions.regex import checked_pattern
from segmentd.conditions.versions import parse_version
from segmentd.population.kinds import MAX_TEXT, Kind, encode
from segmentd.times import Duration, parse_duration

MAX_CHOICES: Final = 100_000
"""How many entries a list of operands may have."""
MAX_PARTS: Final = 1_000
"""The same where every entry is looked for in every text, one after the other."""

Number: TypeAlias = int | float
Single: TypeAlias = bool | int | float | str


def number(value: Any) -> Number:
    """A finite number; true and false are none. Raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("write a number")  # noqa: TRY004  (pydantic reports ValueErrors, each at its path)
    try:
        finite = math.isfinite(float(value))
    except OverflowError:
        finite = False
    if not finite:
        raise ValueError("write a finite number")
    return value


def text(value: Any) -> str:
    """Any text that a column could hold. Raises ValueError."""
    if not isinstance(value, str):
        raise ValueError("write a text, in quotes where it could be read as something else")  # noqa: TRY004
    if len(value) > MAX_TEXT:
        raise ValueError(f"the text is longer than {MAX_TEXT:,} characters, so nothing can match it")
    return value


def part(value: Any) -> str:
    """A text of at least one character. Raises ValueError."""
    if not text(value):
        raise ValueError("every text contains the empty text; write at least one character")
    return str(value)


def single(value: Any) -> Single:
    """Text, a number, true or false. Raises ValueError."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return text(value)
    try:
        return number(value)
    except ValueError:
        raise ValueError("write a text, a finite number, true or false") from None


def threshold(value: Any) -> Number | str:
    """A number, or a version as text. Raises ValueError."""
    if isinstance(value, str):
        if parse_version(value) is None:
            raise ValueError(f"{value[:60]!r} is no number and no version such as 17.2 (for dates: before, after)")
        return value
    return number(value)


def version(value: Any) -> str:
    """A version as text. Raises ValueError."""
    if not isinstance(value, str) or parse_version(value) is None:
        raise ValueError('write a version in quotes, such as "17.2" or "1.0.0-beta.2"')
    return value


def parts(value: Any) -> str | list[str]:
    """A text, or a list of texts of which one is enough. Raises ValueError."""
    if not isinstance(value, list):
        return part(value)
    if not 1 <= len(value) <= MAX_PARTS:
        raise ValueError(f"write between 1 and {MAX_PARTS:,} texts")
    return [part(item) for item in value]


def bounds(value: Any) -> list[Number] | list[str]:
    """Two numbers or two versions, the lower first. Raises ValueError."""
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError("write two bounds, as in [18, 24]")
    low, high = (threshold(each) for each in value)
    if isinstance(low, str) and isinstance(high, str):
        if parse_version(low) > parse_version(high):  # type: ignore[operator]  # threshold() has parsed both
            raise ValueError("the lower bound comes first")
        return [low, high]
    if isinstance(low, str) or isinstance(high, str):
        raise ValueError("write two numbers or two versions, not one of each")  # noqa: TRY004  (the same)
    if low > high:
        raise ValueError("the lower bound comes first")
    return [low, high]


def day_or_instant(value: Any) -> str:
    """A date such as 1990-05-17, or an instant such as 2026-11-21T10:00:00Z. Raises ValueError."""
    if isinstance(value, str):
        for kind in (Kind.DATE, Kind.INSTANT):
            with suppress(ValueError):
                encode(kind, value)
                return value
    raise ValueError("write a date such as 1990-05-17 or an instant such as 2026-11-21T10:00:00Z, in quotes")


def duration(value: Any) -> str:
    """A duration such as 7d or 6mo, as text. Raises ValueError."""
    parse_duration(text(value))
    return str(value)


def fixed_duration(value: Any) -> str:
    """A duration of s, m, h, d or w, no longer than 360d. Raises ValueError."""
    parsed = parse_duration(duration(value))
    if parsed.months or parsed.micros > _LONGEST_TO_ANNIVERSARY.micros:
        raise ValueError("an anniversary comes every year: write at most 360d, in s, m, h, d or w")
    return str(value)


def pattern(value: Any) -> str:
    """A regular expression in RE2 syntax. Raises ValueError with RE2's reason."""
    return checked_pattern(text(value))


def yes(value: Any) -> bool:
    """Only true. Raises ValueError."""
    if value is not True:
        raise ValueError("write true; for the opposite use the other one of exists and missing")
    return True


def _size(value: Any) -> Any:
    """A bare number asks for exactly that size."""
    return value if isinstance(value, dict) or not isinstance(value, int | float | str) else {"equals": value}


_LONGEST_TO_ANNIVERSARY: Final = Duration(micros=parse_duration("360d").micros)

NumberOperand = Annotated[Number, PlainValidator(number, json_schema_input_type=float)]
SingleOperand = Annotated[Single, PlainValidator(single, json_schema_input_type=bool | float | str)]
ThresholdOperand = Annotated[Number | str, PlainValidator(threshold, json_schema_input_type=float | str)]
VersionOperand = Annotated[str, PlainValidator(version, json_schema_input_type=str)]
TextOperand = Annotated[str, PlainValidator(text, json_schema_input_type=str)]
PartsOperand = Annotated[str | list[str], PlainValidator(parts, json_schema_input_type=str | list[str])]
BoundsOperand = Annotated[list[Any], PlainValidator(bounds, json_schema_input_type=list[float] | list[str])]
MomentOperand = Annotated[str, PlainValidator(day_or_instant, json_schema_input_type=str)]
DurationOperand = Annotated[str, PlainValidator(duration, json_schema_input_type=str)]
FixedDurationOperand = Annotated[str, PlainValidator(fixed_duration, json_schema_input_type=str)]
PatternOperand = Annotated[str, PlainValidator(pattern, json_schema_input_type=str)]
YesOperand = Annotated[bool, PlainValidator(yes, json_schema_input_type=bool)]
Choices = Annotated[list[SingleOperand], Field(min_length=1, max_length=MAX_CHOICES)]
TextChoices = Annotated[list[TextOperand], Field(min_length=1, max_length=MAX_CHOICES)]
BareSize = BeforeValidator(_size)
