"""The order in which event tables keep events: by row, then time, then arrival."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

_BITS: Final = 63
Index = NDArray[np.int64]


def event_order(rows: Index, times: Index) -> Index | None:
    """The positions of (m,) events, given in order of arrival, as a table has them; None where they lie so already.

    Row and time are packed into one integer, which sorts in a fifth of the time of the two. Where time has more bits
    than are left beside the row, those that the packed ones cannot tell apart are sorted again.
    """
    if not len(rows) or _sorted(rows, times):
        return None
    first = times.min()
    room = _BITS - int(rows.max()).bit_length()
    shift = max(0, int(times.max() - first).bit_length() - room)
    keys = (rows << room) | ((times - first) >> shift)
    order = np.argsort(keys)
    ordered = keys[order]
    same = ordered[1:] == ordered[:-1]
    if same.any():
        tied = np.flatnonzero(np.append(same, False) | np.insert(same, 0, False))
        arrivals = order[tied]
        order[tied] = arrivals[np.lexsort((arrivals, times[arrivals], keys[arrivals]))]
    return np.asarray(order, dtype=np.int64)


def _sorted(rows: Index, times: Index) -> bool:
    steps = np.diff(rows)
    return bool(((steps > 0) | ((steps == 0) & (np.diff(times) >= 0))).all())
