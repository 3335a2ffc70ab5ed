"""The packed form of BatchCheckMemberships."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from segmentd.engine.plan import Plan
from segmentd.errors import SegmentdError
from segmentd.service.seen import Seen
from segmentd.times import FOREVER, Micros

_FEW: Final = 4
"""So many plans are packed in less time one by one."""


def pack(seen: Seen, plans: Sequence[Plan | SegmentdError]) -> bytes:
    """One bit per user of `seen` and plan: users one after the other, each padded to whole bytes, little bit first.

    Where there is an error instead of a plan the bits are 0.
    """
    if len(plans) <= _FEW:
        return _packed_one_by_one(seen, plans)
    slots = np.array([-1 if isinstance(plan, SegmentdError) else plan.slot for plan in plans], dtype=np.int64)
    # Bytes of little-endian words: the bit of a slot is bit `slot % 8` of byte `slot // 8`, on every machine.
    stored = np.ascontiguousarray(seen.words, dtype="<u8").view(np.uint8).reshape(len(seen.known), -1)
    # Padded to whole bytes with empty masks, so that all users are packed in one run.
    places, masks = np.zeros((2, -(-len(slots) // 8) * 8), dtype=np.int64)
    places[: len(slots)] = np.maximum(slots, 0) >> 3
    masks[: len(slots)] = np.where(slots < 0, 0, 1 << (slots & 7))
    return np.packbits(stored.take(places, axis=1) & masks.astype(np.uint8), bitorder="little").tobytes()


def _packed_one_by_one(seen: Seen, plans: Sequence[Plan | SegmentdError]) -> bytes:
    """The same for at most eight plans: one byte per user."""
    packed = np.zeros(len(seen.known), dtype=np.uint8)
    for place, plan in enumerate(plans):
        if not isinstance(plan, SegmentdError):
            bits = seen.words[:, plan.slot >> 6] >> np.uint64(plan.slot & 63)
            packed |= (bits.astype(np.uint8) & np.uint8(1)) << np.uint8(place)
    return packed.tobytes()


def holds_until(seen: Seen, plans: Sequence[Plan | SegmentdError]) -> Micros:
    """Until when all answers hold."""
    timed = any(not isinstance(plan, SegmentdError) and plan.clock for plan in plans)
    return Micros(int(seen.horizons.min())) if timed else FOREVER
