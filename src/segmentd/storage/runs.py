"""Where a batch of moves has long runs of like moves, which are stored packed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from segmentd.records import MoveBatch

RUN: Final = 64
"""A run of so many moves is packed; a shorter one takes less as rows, which one user's index leads to."""


def runs(batch: MoveBatch) -> Iterator[tuple[int, int, bool]]:
    """The whole batch in order, as (start, stop, packed): packed runs, and the stretches between them."""
    edges = _edges(batch)
    lengths = np.diff(edges)
    last = 0
    for place in np.flatnonzero(lengths >= RUN).tolist():
        start, stop = int(edges[place]), int(edges[place + 1])
        if last < start:
            yield last, start, False
        yield start, stop, True
        last = stop
    if last < len(batch):
        yield last, len(batch), False


def like_moves(batch: MoveBatch) -> NDArray[np.int64]:
    """Where moves begin that differ in user and message id alone, and the end of the last: ascending int64."""
    return np.flatnonzero(_differing(batch))


def _edges(batch: MoveBatch) -> NDArray[np.int64]:
    """Where runs begin, and the end of the last: ascending int64. A move with a message id is a run of its own."""
    size = len(batch)
    new = _differing(batch)
    new[1:-1] |= batch.user_keys[1:] <= batch.user_keys[:-1]
    if batch.message_ids.count(None) < size:
        alone = np.array([each is not None for each in batch.message_ids], np.bool_)
        new[:-1] |= alone
        new[1:] |= alone
    return np.flatnonzero(new)


def _differing(batch: MoveBatch) -> NDArray[np.bool_]:
    """Of each move, and of the end, whether it differs from the move before in more than user and message id."""
    new = np.ones(len(batch) + 1, np.bool_)
    if len(batch) > 1:
        columns = (batch.segment_keys, batch.versions, batch.entered, batch.effective_times, _codes(batch.causes))
        new[1:-1] = columns[0][1:] != columns[0][:-1]
        for column in columns[1:]:
            new[1:-1] |= column[1:] != column[:-1]
    return new


def _codes(causes: list[str]) -> NDArray[np.int8]:
    """A number for each cause, int8[n]; there are few of them."""
    if causes.count(causes[0]) == len(causes):
        return np.zeros(len(causes), np.int8)
    numbers = {cause: number for number, cause in enumerate(sorted(set(causes)))}
    return np.fromiter(map(numbers.__getitem__, causes), np.int8, len(causes))
