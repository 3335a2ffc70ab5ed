"""The keyed hash of an id: 96 bits of XXH3-128 under a seed of 64 random bits that is new at each start."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from itertools import repeat
from typing import Final

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_128_digest

from segmentd.joined_ids import JoinedIds

Digest = Callable[[bytes, int], bytes]
"""The 16 bytes of an id under a seed."""
Keys = NDArray[np.uint64]
"""(n, 2): the first 64 bits, and 32 more in the low half of the second."""
LOW: Final = 0xFFFFFFFF
_PIECE: Final = 1_024
"""So many ids are bytes at a time: those of ten million would take a gigabyte."""


def new_seed() -> int:
    """A seed that nobody can guess: without it ids that share a hash cannot be made on purpose."""
    return secrets.randbits(64)


def hash_many(digest: Digest, seed: int, user_ids: Sequence[str]) -> Keys:
    """The hashes of n ids, uint64 (n, 2)."""
    keys = np.empty((len(user_ids), 2), dtype=np.uint64)
    for start, piece in _pieces(user_ids):
        joined = b"".join(map(digest, piece, repeat(seed)))
        keys[start : start + len(piece)] = np.frombuffer(joined, dtype="<u8").reshape(-1, 2)
    keys[:, 1] &= np.uint64(LOW)
    return keys


def _pieces(user_ids: Sequence[str]) -> Iterator[tuple[int, list[bytes]]]:
    """The ids in UTF-8, a part at a time, and at which index each part begins."""
    if isinstance(user_ids, JoinedIds):
        yield 0, user_ids.encoded()
        return
    for start in range(0, len(user_ids), _PIECE):
        yield start, [each.encode() for each in user_ids[start : start + _PIECE]]


default_digest: Final[Digest] = xxh3_128_digest
