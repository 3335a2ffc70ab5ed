"""How long to wait before a connection is looked for again."""

from __future__ import annotations

import random
from typing import Final

_FIRST: Final = 0.1
_LONGEST: Final = 5.0
_DOUBLINGS: Final = 6
"""So many make of the first pause more than the longest one; a server may be away for any number of tries."""


def pause_after(tries: int) -> float:
    """Seconds until the next try, after so many in vain: each time twice as long, 5 seconds at most, less up to half.

    That not all who lost a server come back at once.
    """
    return min(_FIRST * 2.0 ** min(tries, _DOUBLINGS), _LONGEST) * random.uniform(0.5, 1.0)  # noqa: S311  (no secret)
