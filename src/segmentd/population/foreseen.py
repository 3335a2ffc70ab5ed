"""Answers beyond the horizons: what users will be from theirs on, where that was worked out beforehand."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

NOTHING: Final = 0
"""Stands where nothing is foreseen. A verdict that holds until this very instant, the epoch, is not foreseen either."""


class Foreseen:
    """Beside stored answers of the same shape: row by row, the bits from its horizon on, and until when they hold.

    `words` uint64 (rows, width); `horizons` int64 (rows,), NOTHING where nothing is foreseen. Both are parts of
    `whole`, uint64 (rows * (width + 1),), so that there is room for all of it or for none.
    """

    __slots__ = ("horizons", "whole", "words")

    def __init__(self, whole: NDArray[np.uint64], rows: int) -> None:
        self.whole = whole
        self.words: NDArray[np.uint64] = whole[:-rows].reshape(rows, -1)
        self.horizons: NDArray[np.int64] = whole[-rows:].view(np.int64)

    @staticmethod
    def size(rows: int, width: int) -> int:
        """How long `whole` is."""
        return rows * (width + 1)

    def of(self, row: int, word: int, at: int) -> tuple[int, int] | None:
        """One word of a row at an instant beyond its horizon, and until when it holds; None: it is not foreseen."""
        until = int(self.horizons[row])
        return (int(self.words[row, word]), until) if until > at and until != NOTHING else None

    def lay_over(
        self, rows: NDArray[np.int64], words: NDArray[np.uint64], horizons: NDArray[np.int64], at: int
    ) -> None:
        """Change the answers of n rows, `words` (n, width) and `horizons` (n,), whose horizon has passed at an instant.

        They stay where nothing is foreseen that holds then. A row that is none of the stored ones may get anything.
        """
        passed = np.flatnonzero(horizons <= at)
        if len(passed):
            until = self.horizons.take(rows[passed], mode="clip")
            holds = (until > at) & (until != NOTHING)
            passed = passed[holds]
            words[passed] = self.words.take(rows[passed], axis=0, mode="clip")
            horizons[passed] = until[holds]
