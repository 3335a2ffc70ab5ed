"""Columns from a snapshot, with the texts and tag sets that their elements stand for."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmentd.population.column import Column
from segmentd.population.kinds import Kind
from segmentd.storage.snapshot_file import SnapshotBroken, SnapshotFile


def read_column(file: SnapshotFile, part: str, column: Column, into: NDArray[Any]) -> None:
    """Read the elements of a part into `into`, and what they stand for into the column, an empty one."""
    file.array(part, into.dtype, into)
    if column.kind is Kind.TEXT:
        fresh = _texts(file, part, column)
    elif column.kind is Kind.TAGS:
        fresh = _tag_sets(file, part, column)
    else:
        return
    used = file.array(f"{part} used", np.int32)
    if len(used) != len(fresh):
        raise SnapshotBroken(f"has other texts in {part} than numbers")
    if np.array_equal(used, fresh):
        return
    table = np.full(int(used.max(initial=-1)) + 2, -1, dtype=np.int32)  # its last place serves -1
    table[used] = fresh
    into[:] = table[into]


def _texts(file: SnapshotFile, part: str, column: Column) -> NDArray[np.int32]:
    [texts] = file.jsons(f"{part} texts")
    column.vocabulary.restore(texts)
    return np.arange(len(texts), dtype=np.int32)


def _tag_sets(file: SnapshotFile, part: str, column: Column) -> NDArray[np.int32]:
    [texts] = file.jsons(f"{part} texts")
    codes = column.vocabulary.codes_of(texts, lambda _: True).tolist()
    offsets = file.array(f"{part} offsets", np.int64).tolist()
    return np.array([column.tag_sets.add(codes[low:high]) for low, high in pairwise(offsets)], dtype=np.int32)
