"""Regular expressions: RE2, so no pattern takes more than linear time; compiled once, unanchored."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final

import re2

MAX_PATTERN: Final = 1_000
"""Characters of a pattern."""
_MAX_MEMORY: Final = 4 << 20
"""Bytes that one compiled pattern may take; what needs more is refused."""


def checked_pattern(pattern: str) -> str:
    """The pattern, if RE2 can compile it. Raises ValueError with the reason."""
    searcher(pattern, ignore_case=False)
    return pattern


@lru_cache(maxsize=1024)
def searcher(pattern: str, *, ignore_case: bool) -> Callable[[str], bool]:
    """Whether a text contains a match. Raises ValueError where the pattern is too long or not RE2 syntax."""
    if len(pattern) > MAX_PATTERN:
        raise ValueError(f"the pattern has {len(pattern):,} characters; at most {MAX_PATTERN:,} are accepted")
    options = re2.Options()
    options.case_sensitive = not ignore_case
    options.log_errors = False
    options.never_capture = True
    options.max_mem = _MAX_MEMORY
    try:
        compiled = re2.compile(pattern.encode(), options)
    except UnicodeEncodeError:
        raise ValueError("the pattern is not valid Unicode") from None
    except re2.error as error:
        raise ValueError(f"not a regular expression in RE2 syntax: {_reason(error)}") from None
    return lambda text: compiled.search(text.encode("utf-8", "replace")) is not None


def _reason(error: Exception) -> str:
    reason = error.args[0] if error.args else error
    return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
