"""Instants of rows: one for all of them as a rule, which the array's form tells, and one for each otherwise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segmentd.times import Instants


def same_instant(at: Instants) -> bool:
    """Whether all rows stand at one instant, as far as the array's form tells."""
    return len(at) == 1 or at.strides == (0,)


def instants_at(at: Instants, places: NDArray[np.int64]) -> Instants:
    """The instants of the rows at `places` (k,)."""
    return np.broadcast_to(at[0], places.shape) if len(at) and same_instant(at) else at[places]
