"""The index of ids: open addressing over slots of 16 bytes, and how a reader looks ids up in it.

A slot is two words: the first 64 bits of the hash; and 32 more of its bits below, the row plus one above. A slot whose
second word is 0 is free, and ends the search. The second word is written last, so that a slot is never seen half-made.
From its home a search goes upwards and never around: there are some slots beyond the last home, and the last is free.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from segmentd.mapping.hashing import LOW, Keys

Slots = NDArray[np.uint64]
"""(size, 2)."""
Rows = NDArray[np.int64]
MARGIN: Final = 64
"""At least so many slots beyond the last one that a new index uses."""
GONE: Final = 0xFFFFFFFF
"""In place of a row: an id was here that leads nowhere any more. The search goes on."""
COLLIDED: Final = 0xFFFFFFFE
"""In place of a row: more than one id has this hash."""
MAX_ROW: Final = COLLIDED - 2
NOBODY: Final = -1
"""The row of an id that leads nowhere."""
UNTOLD: Final = -2
"""The row of an id whose hash is not its own."""
_WINDOW: Final = 8
_CROWD: Final = 512
_FEW: Final = 12
_FAR: Final = 32
"""Behind its homes a crowd looks at one slot at a time, what is left of it at a window of slots, as far as that; those
who are left then, or few, are looked for one by one."""


def homes_of(keys: Keys, homes: int) -> NDArray[np.int64]:
    """Where the search for each hash begins, of `homes` places; ascends with the hash."""
    return np.asarray((keys[:, 0] >> np.uint64(32)) * np.uint64(homes) >> np.uint64(32), dtype=np.int64)


def find(slots: memoryview, homes: int, first: int, low: int) -> int:
    """The row of one hash, NOBODY or UNTOLD. `slots` are the words one after the other."""
    place = ((first >> 32) * homes >> 32) << 1
    while True:
        second = slots[place + 1]
        if slots[place] == first and second & LOW == low and second:
            row = second >> 32
            if row < COLLIDED:
                return int(row) - 1
            if row == COLLIDED:
                return UNTOLD
        elif not second:
            return NOBODY
        place += 2


def find_many(slots: Slots, homes: int, keys: Keys) -> Rows:
    """The row of each hash, or NOBODY or UNTOLD; int64 (n,)."""
    places = homes_of(keys, homes)
    firsts, lows = np.ascontiguousarray(keys[:, 0]), np.ascontiguousarray(keys[:, 1])
    seconds, ends = _look(slots, places, firsts, lows)
    left = np.flatnonzero(~ends)
    step = 1
    while len(left) > _FEW and step <= _FAR:
        width = _WINDOW if len(left) <= _CROWD else 1
        window = places[left][:, None] + np.arange(step, step + width)
        found, ends = _look(slots, window, firsts[left][:, None], lows[left][:, None])
        at = ends.argmax(axis=1)  # the first place of the window at which the search ends, if any
        each = np.arange(len(left))
        ended = ends[each, at]
        seconds[left] = found[each, at]  # 0 where it has not ended
        left, step = left[~ended], step + width
    rows = _rows(seconds)
    if len(left):
        words = slots.data.cast("B").cast("Q")
        for place in left.tolist():
            rows[place] = find(words, homes, int(firsts[place]), int(lows[place]))
    return rows


def _look(
    slots: Slots, places: Rows, firsts: NDArray[np.uint64], lows: NDArray[np.uint64]
) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """The second words at these places, 0 where it is another's, and where the search ends."""
    there = slots.take(places, axis=0, mode="clip")  # a tenth of the time of an index in brackets
    seconds = there[..., 1]
    others = (there[..., 0] ^ firsts) | ((seconds ^ lows) & np.uint64(LOW))
    others |= seconds >> np.uint64(32) == np.uint64(GONE)
    free = seconds == 0
    seconds = np.where(others, np.uint64(0), seconds)
    return seconds, free | (seconds != 0)


def _rows(seconds: NDArray[np.uint64]) -> Rows:
    rows = (seconds >> np.uint64(32)).astype(np.int64) - 1
    rows[rows == COLLIDED - 1] = UNTOLD
    return rows
