"""Versions: dotted numbers of any length, then pre-release precedence as in semver.org 2.0.

A leading v is dropped, missing parts count as 0 (1 = 1.0 = 1.0.0), build metadata behind + does not count.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, TypeAlias

MAX_VERSION: Final = 256
"""Characters of a version; a longer text is not taken for one."""
_PART: Final = r"[0-9A-Za-z-]+"
_VERSION: Final = re.compile(
    rf"[vV]?(?P<core>\d+(?:\.\d+)*)(?:-(?P<pre>{_PART}(?:\.{_PART})*))?(?:\+{_PART}(?:\.{_PART})*)?", re.ASCII
)

Identifier: TypeAlias = tuple[int, int, str]
Version: TypeAlias = tuple[tuple[int, ...], int, tuple[Identifier, ...]]
"""(numbers without trailing zeros, 1 for a release and 0 before it, pre-release identifiers); compares as such."""


def parse_version(text: str) -> Version | None:
    """The comparable form of a version; None where the text is not one."""
    return _parsed(text) if len(text) <= MAX_VERSION else None


@lru_cache(maxsize=65_536)
def _parsed(text: str) -> Version | None:
    found = _VERSION.fullmatch(text)
    if found is None:
        return None
    numbers = [int(each) for each in found["core"].split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    if found["pre"] is None:
        return tuple(numbers), 1, ()
    return tuple(numbers), 0, tuple(_identifier(each) for each in found["pre"].split("."))


def _identifier(text: str) -> Identifier:
    """Numeric identifiers come before others and compare as numbers."""
    return (0, int(text), "") if text.isdecimal() else (1, 0, text)
