"""What SQLite leaves of deleted rows in a database file, found in pages as they lie on the disk.

`secure_delete` overwrites what is deleted, but not what moves: when a page is split or laid out anew, its old bytes
stay in the gap between the array of cell pointers and the cells (rebuildPage in SQLite's btree.c). Nothing reads a
gap, so it can be zeroed in place. Files that were written before secure_delete was on also have old bytes in free
blocks and on free pages. The format is that of https://sqlite.org/fileformat2.html, section 1.6.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Pages = NDArray[np.uint8]
_FIRST_HEADER: Final = 100
_INTERIOR: Final = (2, 5)
_KINDS: Final = (2, 5, 10, 13)
MAX_PAGES: Final = 2**25
"""A page that begins with the number of another one, as overflow pages do, looks like a b-tree page beyond this."""


def cleaned(pages: Pages, first: int) -> NDArray[np.intp]:
    """Zero the unused bytes of b-tree pages, uint8 (n, page size), in place; which of them changed.

    `first` is the number of the first page; numbers count from 1. Other pages are left alone.
    """
    starts = np.zeros(len(pages), dtype=np.int64)
    starts[: max(0, 2 - first)] = _FIRST_HEADER
    rows = np.arange(len(pages))
    kinds = pages[rows, starts]
    tree = np.flatnonzero(np.isin(kinds, _KINDS))
    starts = starts[tree]
    lengths = np.where(np.isin(kinds[tree], _INTERIOR), 12, 8)
    low = starts + lengths + 2 * _number(pages, tree, starts + 3)
    high = _number(pages, tree, starts + 5)
    high[high == 0] = pages.shape[1] if pages.shape[1] == 65_536 else 0
    changed = _zero_gaps(pages, tree, low, high)
    linked = np.flatnonzero(_number(pages, tree, starts + 1))
    blocks = [
        page for page, start in zip(tree[linked], starts[linked] + 1, strict=True) if _zero_blocks(pages[page], start)
    ]
    return np.union1d(changed, np.array(blocks, dtype=np.intp))


def _zero_gaps(
    pages: Pages, tree: NDArray[np.intp], low: NDArray[np.int64], high: NDArray[np.int64]
) -> NDArray[np.intp]:
    columns = np.arange(pages.shape[1])
    gap = (columns >= low[:, None]) & (columns < high[:, None])
    stale = gap & (pages[tree] != 0)
    dirty = stale.any(axis=1)
    for page, where in zip(tree[dirty].tolist(), gap[dirty], strict=True):
        pages[page, where] = 0
    return np.asarray(tree[dirty])


def _zero_blocks(page: Pages, link: int) -> bool:
    """Zero the bodies of a page's free blocks: each begins with the place of the next one and its own size."""
    changed = False
    place, last = _at(page, link), 0
    while last < place <= len(page) - 4:
        size = _at(page, place + 2)
        body = page[place + 4 : place + size]
        if body.any():
            body[:] = 0
            changed = True
        place, last = _at(page, place), place
    return changed


def _number(pages: Pages, rows: NDArray[np.intp], columns: NDArray[np.int64]) -> NDArray[np.int64]:
    return pages[rows, columns].astype(np.int64) * 256 + pages[rows, columns + 1]


def _at(page: Pages, place: int) -> int:
    return int(page[place]) * 256 + int(page[place + 1])
