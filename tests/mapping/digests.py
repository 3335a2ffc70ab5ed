"""Hashes of few values, so that ids collide."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np

from segmentd.mapping.hashing import Digest, default_digest
from segmentd.mapping.index import Slots


def of_few_values(values: int) -> Digest:
    """So many different hashes, all over the index."""

    def digest(user_id: bytes, seed: int) -> bytes:
        number = blake2b(user_id, digest_size=8).digest()
        return blake2b(bytes([int.from_bytes(number, "little") % values]), digest_size=16).digest()

    return digest


def of_one_home(user_id: bytes, seed: int) -> bytes:
    """All searches begin at the last home, and the first 64 bits are everybody's."""
    return b"\xff" * 8 + default_digest(user_id, seed)[8:]


def zeros(size: int) -> Slots:
    """Slots of this process alone."""
    return np.zeros((size, 2), dtype=np.uint64)
