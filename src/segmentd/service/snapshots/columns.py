"""Columns from a snapshot, with the texts and tag sets that their elements stand for."""

from __future__ import annotations

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
    if len(used) != fresh:
        raise SnapshotBroken(f"has other texts in {part} than numbers")
    places = np.arange(fresh, dtype=np.int32)
    if np.array_equal(used, places):
        return
    table = np.full(int(used.max(initial=-1)) + 2, -1, dtype=np.int32)  # its last place serves -1
    table[used] = places
    into[:] = table[into]


def _texts(file: SnapshotFile, part: str, column: Column) -> int:
    """Give the column its texts, which have their places as codes, and say how many there are."""
    heap = file.array(f"{part} texts", np.uint8)
    offsets = np.append(0, np.cumsum(file.array(f"{part} text lengths", np.int32), dtype=np.int64))
    if len(heap) != offsets[-1]:
        raise SnapshotBroken(f"has texts in {part} of other lengths")
    column.vocabulary.restore(heap, offsets)
    return len(column.vocabulary)


def _tag_sets(file: SnapshotFile, part: str, column: Column) -> int:
    offsets, codes = file.array(f"{part} offsets", np.int64), file.array(f"{part} codes", np.int32)
    if _texts(file, part, column) <= codes.max(initial=-1) or len(codes) != offsets[-1]:
        raise SnapshotBroken(f"has sets of other texts in {part}")
    column.tag_sets.restore(offsets, codes)
    return len(column.tag_sets)
