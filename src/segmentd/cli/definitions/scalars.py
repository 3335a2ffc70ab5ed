"""Plain scalars of YAML by the core schema of YAML 1.2.2, section 10.3.2."""

from __future__ import annotations

import math
import re
from typing import Final

_NULL: Final = frozenset(["", "~", "null", "Null", "NULL"])
_FLAGS: Final = {text: text.lower() == "true" for text in ("true", "True", "TRUE", "false", "False", "FALSE")}
_INT: Final = re.compile(r"[-+]?[0-9]+", re.ASCII)
_BASES: Final = {"0o": 8, "0x": 16}
_BASED: Final = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+", re.ASCII)
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_NO_NUMBER: Final = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", re.ASCII)
_LEADING_ZERO: Final = re.compile(r"[-+]?0[0-9]+", re.ASCII)
_MAX_DIGITS: Final = 400
"""More digits than any number in double precision has; Python takes quadratic time for endless ones."""


def plain_scalar(text: str) -> bool | int | float | str | None:
    """What a plain (unquoted) scalar stands for: `NO`, `2026-01-01`, `12:30` and `1_000` are text.

    Raises ValueError with the reason where nobody can mean the number that the schema reads (`01067`, `.nan`).
    """
    if text in _NULL:
        return None
    if text in _FLAGS:
        return _FLAGS[text]
    if _NO_NUMBER.fullmatch(text):
        raise ValueError(f"{text} is not a number that can be compared")
    if _LEADING_ZERO.fullmatch(text):
        raise ValueError(f'{text} would be the number {int(text[:_MAX_DIGITS])}; quote it ("{text}") to keep its zeros')
    if _BASED.fullmatch(text):
        return int(text[2:], _BASES[text[:2]])
    if _INT.fullmatch(text) and len(text) <= _MAX_DIGITS:
        return int(text)
    return _finite(text) if _FLOAT.fullmatch(text) else text


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:40]} is beyond double precision")
    return number
