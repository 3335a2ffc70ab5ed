"""Ascending user keys as a few bytes: the differences in the narrowest integer that holds them, compressed."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np

from segmentd.errors import StorageFailed
from segmentd.records import UserKeys

BLOCK = 65_536
"""Keys of one block; a reader that resumes inside a switch unpacks one block, not all of it."""
_HEADER = struct.Struct("<BqI")
_WIDTHS = ("<u1", "<u2", "<u4", "<u8")
_LEVEL = 1


def blocks(keys: UserKeys) -> Iterator[UserKeys]:
    """`keys` cut into blocks; none for no keys. Raises StorageFailed unless they ascend strictly."""
    if len(keys) > 1 and not bool(np.all(keys[1:] > keys[:-1])):
        raise StorageFailed("user keys of a switch must ascend strictly")
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
        raise StorageFailed(f"a switch in the log is damaged: {error}") from error
    if len(steps) != size - 1:
        raise StorageFailed(f"a switch in the log is damaged: {len(steps) + 1} keys instead of {size}")
    keys = np.empty(size, np.int64)
    keys[0] = first
    np.cumsum(steps, dtype=np.int64, out=keys[1:])
    keys[1:] += first
    return keys
