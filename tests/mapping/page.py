"""A publisher driven by hand, with one segment "s" whose bit is bit 0, and a reader of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from segmentd.mapping.hashing import Digest, default_digest
from segmentd.mapping.manifest import SegmentLine
from segmentd.mapping.publisher import Publisher
from segmentd.mapping.reader import Reader
from segmentd.mapping.view import Bit, Interpreted
from segmentd.times import FOREVER

LINE = SegmentLine("s", 1, 1, "active", "", 0, True, (), "", {})


class Page:
    """`members` has the row of each id and whether it is a member; `publish` makes a revision of it."""

    def __init__(self, directory: Path, digest: Digest = default_digest) -> None:
        self.publisher = Publisher(directory, digest)
        self.words = self.publisher.zeros("words", (64, 1), np.uint64)
        self.horizons = self.publisher.zeros("horizons", (64,), np.int64)
        self.horizons[:] = FOREVER
        self.revision = self.rows = 0
        self.publisher.reset_index([], np.zeros(0, dtype=np.int64))
        self.publisher.freeze(100)
        self.publisher.describe([LINE])
        self.publish()

    def add(self, user_id: str, *, member: bool) -> int:
        """A new user, not published yet."""
        row, self.rows = self.rows, self.rows + 1
        self.publisher.enter([user_id], np.array([row]))
        self.words[row, 0] = member
        return row

    def grow(self) -> None:
        """Arrays twice as large, in new files."""
        rows = len(self.words)
        for name in ("words", "horizons"):
            old = getattr(self, name)
            new = self.publisher.zeros(name, (2 * rows, *old.shape[1:]), old.dtype)
            new[:rows] = old
            setattr(self, name, new)
        self.horizons[rows:] = FOREVER

    def begin(self) -> None:
        """Readers wait."""
        self.publisher.begin()

    def publish(self) -> None:
        """The next revision, at its own number as its instant."""
        self.publisher.begin()
        self.revision += 1
        self.publisher.end(self.words, self.horizons, None, self.revision, self.revision, self.rows)


def interpret(lines: Sequence[SegmentLine]) -> Interpreted[int, str]:
    """How many segments there are, and of each its id."""
    return Interpreted(len(lines), {line.segment_id: Bit(0, line.slot, line.clock, line.segment_id) for line in lines})


def reader_of(directory: Path, digest: Digest = default_digest) -> Reader[int, str]:
    """A reader whose own clock stands at 0."""
    return Reader(directory, interpret, lambda: 0, digest)
