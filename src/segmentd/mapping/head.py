"""The head: one small mapped page that says what is published, guarded by a sequence number.

The engine makes the sequence odd, changes whatever readers see, and makes it even again. A reader takes an even
sequence, reads, and looks whether it is still the same: if not, what it read may be of two revisions, and it reads
again. An engine that dies in between leaves the sequence odd, and nobody reads any more.

That needs stores and loads to be seen in the order of the program. x86-64 promises it (TSO: neither two stores nor two
loads change places), and each number here is one aligned word of 8 bytes, which is never seen half-written. ARM and
others promise nothing of the kind, so there `fence` orders them: it takes and gives back a lock twice, and no load or
store can pass the release of the first and the acquire of the second.
"""

from __future__ import annotations

import mmap
import os
import platform
import threading
from pathlib import Path
from struct import Struct
from typing import Final, NamedTuple

from segmentd.mapping.private_files import create, open_read_only

NAME: Final = "head"
SIZE: Final = 4_096
MAGIC: Final = 0x31_44_47_45_53  # SEGD1
NEVER: Final = -(2**63)
"""Stands for the instant of a frozen clock where the clock is not frozen."""
WEAK_ORDER: Final = platform.machine().lower() not in {"x86_64", "amd64"}
"""Whether loads and stores may be seen in another order than that of the program."""
_lock = threading.Lock()


class Head(NamedTuple):
    """What the page holds, in order. `generation` names the manifest in force.

    `published_rows`, `revision` and `instant` are those of `service.live.Live`; `frozen` is the instant of a frozen
    clock, or NEVER; `epoch` grows when an id that led to a row leads to another or to none.
    """

    sequence: int
    generation: int
    revision: int
    instant: int
    frozen: int
    published_rows: int
    epoch: int


_LAYOUT: Final = Struct("@7q")
_SEED: Final = 16
_MAGIC: Final = 17
"""Places of the words that never change."""
read_head: Final = _LAYOUT.unpack_from
"""The words of `Head` as a plain tuple, the sequence read first."""


def fence() -> None:
    """Order what was loaded and stored before it and what comes after it; see above."""
    with _lock:
        pass
    with _lock:
        pass


class HeadWriter:
    """The engine's side. The sequence stands odd until the first `end`."""

    def __init__(self, directory: Path, seed: int) -> None:
        descriptor = create(directory / NAME, SIZE)
        try:
            self._page = mmap.mmap(descriptor, SIZE)
        finally:
            os.close(descriptor)
        self._words = memoryview(self._page).cast("q")
        self._words[0] = 1
        self._words[_SEED] = seed - (1 << 63)
        self._words[_MAGIC] = MAGIC

    def begin(self) -> None:
        """From now on readers wait; harmless where they do already."""
        self._words[0] |= 1
        if WEAK_ORDER:
            fence()

    def end(self, generation: int, revision: int, instant: int, published_rows: int, epoch: int) -> None:
        """Everything is in place: readers may go on."""
        words = self._words
        words[1], words[2], words[3], words[5], words[6] = generation, revision, instant, published_rows, epoch
        if WEAK_ORDER:
            fence()
        words[0] += 1

    def freeze(self, instant: int | None) -> None:
        """Say where a frozen clock stands; None: the clock is that of the wall."""
        self._words[4] = NEVER if instant is None else instant

    def close(self) -> None:
        """Give up the mapping."""
        self._words.release()
        self._page.close()


def map_head(directory: Path) -> tuple[memoryview, int]:
    """The page, to be read by `read_head`, and the seed. Raises FileNotFoundError; ValueError for another format."""
    descriptor = open_read_only(directory / NAME)
    try:
        page = memoryview(mmap.mmap(descriptor, SIZE, access=mmap.ACCESS_READ))
    finally:
        os.close(descriptor)
    words = page.cast("q")
    if words[_MAGIC] != MAGIC:
        raise ValueError(f"{directory / NAME} has another format")
    return page, words[_SEED] + (1 << 63)
