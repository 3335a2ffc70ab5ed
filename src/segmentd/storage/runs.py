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


def like_moves(batch: MoveBatch, start: int, stop: int) -> NDArray[np.int64]:
    """Where moves from `start` to before `stop` begin that differ in user and message id alone, and `stop`: int64."""
    return start + np.flatnonzero(_differing(batch, start, stop))


def _edges(batch: MoveBatch) -> NDArray[np.int64]:
    """Where runs begin, and the end of the last: ascending int64. A move with a message id is a run of its own."""
    size = len(batch)
    new = _differing(batch, 0, size)
    new[1:-1] |= batch.user_keys[1:] <= batch.user_keys[:-1]
    if batch.message_ids.count(None) < size:
        alone = np.array([each is not None for each in batch.message_ids], np.bool_)
        new[:-1] |= alone
        new[1:] |= alone
    return np.flatnonzero(new)


def _differing(batch: MoveBatch, start: int, stop: int) -> NDArray[np.bool_]:
    """Of each of these moves, and their end, whether it differs from the one before in more than user and message."""
    new = np.ones(stop - start + 1, np.bool_)
    if stop - start > 1:
        of_each = (batch.segment_keys, batch.versions, batch.entered, batch.effective_times)
        columns = (*(column[start:stop] for column in of_each), _codes(batch.causes[start:stop]))
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
