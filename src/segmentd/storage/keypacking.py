"""Ascending user keys as a few bytes: the differences in the narrowest integer that holds them, compressed."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np

from segmentd.errors import StorageFailed
from segmentd.records import UserKeys

BLOCK = 4_096
"""Keys of one block: who looks for one user, or resumes inside a long run, unpacks one block, not all of them."""
_HEADER = struct.Struct("<BqI")
_WIDTHS = ("<u1", "<u2", "<u4", "<u8")
_LEVEL = 1


def blocks(keys: UserKeys) -> Iterator[UserKeys]:
    """`keys` cut into blocks; none for no keys. Raises StorageFailed unless they ascend strictly."""
    if len(keys) > 1 and not bool(np.all(keys[1:] > keys[:-1])):
        raise StorageFailed("user keys of a block must ascend strictly")
    for start in range(0, len(keys), BLOCK):
        yield keys[start : start + BLOCK]


def pack(keys: UserKeys) -> bytes:
    """One block, int64[n] with n ≥ 1, strictly ascending: width, first key, n, compressed differences."""
    steps = np.diff(keys)
    largest = int(steps.max(initial=0))
    width = next(w for w, bits in enumerate((8, 16, 32, 64)) if largest < 1 << bits)
    body = zlib.compress(steps.astype(_WIDTHS[width]).tobytes(), _LEVEL)
    return _HEADER.pack(width, int(keys[0]), len(keys)) + body


def unpack(packed: bytes) -> UserKeys:
    """The block that `pack` packed, int64[n]. Raises StorageFailed when it is damaged."""
    try:
        width, first, size = _HEADER.unpack_from(packed)
        steps = np.frombuffer(zlib.decompress(packed[_HEADER.size :]), _WIDTHS[width])
    except (struct.error, zlib.error, ValueError, IndexError) as error:
        raise StorageFailed(f"a block of user keys is damaged: {error}") from error
    if len(steps) != size - 1:
        raise StorageFailed(f"a block of user keys is damaged: {len(steps) + 1} keys instead of {size}")
    keys = np.empty(size, np.int64)
    keys[0] = first
    np.cumsum(steps, dtype=np.int64, out=keys[1:])
    keys[1:] += first
    return keys


def pack_gaps(ranks: UserKeys) -> bytes | None:
    """The ranks of a block that nobody holds any more, ascending, as uint32 little-endian; None for none."""
    return ranks.astype("<u4").tobytes() if len(ranks) else None


def ranks_of(size: int, gaps: bytes | None) -> UserKeys:
    """The ranks that the keys of a block with so many offsets have: int64[size - gaps], ascending."""
    ranks = np.arange(size, dtype=np.int64)
    return ranks if gaps is None else np.delete(ranks, np.frombuffer(gaps, "<u4").astype(np.int64))
