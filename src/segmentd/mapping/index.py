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
_FEW: Final = 12
_FAR: Final = 32
"""Behind the homes a window of slots is looked at, then the next, as far as that; those who are left then, or few, are
looked for one by one."""
_SECONDS: Final = np.arange(1, 2 * _WINDOW, 2)
"""Where the second words of a window are."""


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
    rows, ends = _look(slots, places, keys)
    left = np.flatnonzero(~ends)
    words, step, alone = slots.reshape(-1), 1, list[int]()
    while len(left) > _FEW and step <= _FAR:
        each = keys.take(left, axis=0)
        ahead, likely = _ahead(words, places.take(left) + step, each[:, 1])
        rows[left], ends = _look(slots, ahead, each)
        alone += left[likely & ~ends].tolist()
        left, step = left[~likely], step + _WINDOW
    if alone or len(left):
        plain = words.data.cast("B").cast("Q")
        for place in [*alone, *left.tolist()]:
            rows[place] = find(plain, homes, *keys[place].tolist())
    return rows


def _look(slots: Slots, places: Rows, keys: Keys) -> tuple[Rows, NDArray[np.bool_]]:
    """What each hash finds at its place, and whether its search ends there; else the row means nothing."""
    there = slots.take(places, axis=0, mode="clip")  # a tenth of the time of an index in brackets
    differs = there ^ keys  # a key has nothing where a slot has its row
    rows = (differs[:, 1] >> np.uint64(32)).view(np.int64) - 1
    ends = (differs[:, 0] | differs[:, 1] << np.uint64(32)) == 0
    ends |= there[:, 1] == 0
    if len(rows) and rows.max() >= COLLIDED - 1:
        ends &= rows != GONE - 1
        rows[rows == COLLIDED - 1] = UNTOLD
    return rows, ends


def _ahead(words: NDArray[np.uint64], places: Rows, lows: NDArray[np.uint64]) -> tuple[Rows, NDArray[np.bool_]]:
    """The first slot of a window from each place on that is free or looks like the hash, and whether there is one.

    Only the second words are looked at, half of what there is.
    """
    seconds = words.take((places * 2)[:, None] + _SECONDS, mode="clip")
    likely = (seconds ^ lows[:, None]) << np.uint64(32) == 0
    likely |= seconds == 0
    return places + likely.argmax(axis=1), likely.any(axis=1)
