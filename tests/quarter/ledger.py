"""Moves as columns, so that two accounts of them can be compared as multisets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import IntEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from segmentd.times import Micros, format_instant


class Why(IntEnum):
    """What made a move: time alone, something written, or another definition or model."""

    TIME = 0
    WRITTEN = 1
    SWITCHED = 2


CAUSES: Final = {
    "TIME": Why.TIME,
    "EVENT": Why.WRITTEN,
    "ATTRIBUTE": Why.WRITTEN,
    "LIST": Why.WRITTEN,
    "DEFINITION": Why.SWITCHED,
    "MODEL": Why.SWITCHED,
}
_SHOWN: Final = 12


class Ledger:
    """One row a move: segment, user (by number), entered, why, effective time."""

    def __init__(self) -> None:
        self._parts: list[NDArray[np.int64]] = []

    def add(self, segment: int, users: Any, entered: Any, why: Any, at: Any) -> None:
        """Note moves of one segment; single values stand for all."""
        size = len(users)
        columns = (np.full(size, segment), users, entered, why, at)
        self._parts.append(np.stack([np.broadcast_to(each, size).astype(np.int64) for each in columns]))

    def add_rows(self, rows: Sequence[tuple[int, int, bool, Why, int]]) -> None:
        """Note moves one by one."""
        if rows:
            self._parts.append(np.array(rows, dtype=np.int64).T)

    def instants(self, why: Why) -> list[int]:
        """The effective times of the moves so far that were made so, each once, in order."""
        return sorted({int(at) for part in self._parts for at in np.unique(part[4, part[3] == why])})

    def take(self) -> NDArray[np.int64]:
        """All moves since the last time, int64 (5, n), in an order of their own."""
        moves = np.concatenate([np.zeros((5, 0), dtype=np.int64), *self._parts], axis=1)
        self._parts = []
        return moves[:, np.lexsort(moves)]


def differences(expected: NDArray[np.int64], found: NDArray[np.int64], segments: Sequence[str]) -> str:
    """What only one of two accounts has, as text; empty where they are the same."""
    if np.array_equal(expected, found):
        return ""
    wanted, given = Counter(map(tuple, expected.T.tolist())), Counter(map(tuple, found.T.tolist()))
    missing, extra = list((wanted - given).elements()), list((given - wanted).elements())
    lines = [f"{len(missing)} moves are missing and {len(extra)} should not be there"]
    for words, moves in (("missing", missing), ("extra", extra)):
        lines += [f"{words}: {_said(move, segments)}" for move in moves[:_SHOWN]]
    return "\n".join(lines)


def _said(move: tuple[int, ...], segments: Sequence[str]) -> str:
    segment, user, entered, why, at = move
    way = "entered" if entered else "left"
    return f"user {user} {way} {segments[segment]} at {format_instant(Micros(at))} ({Why(why).name})"
