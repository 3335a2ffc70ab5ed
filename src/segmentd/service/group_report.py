"""How an exclusive group shares its users: who matches, who is claimed, and which overlaps it prevented."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from segmentd.engine.memberships import Words
from segmentd.service.group_info import GroupInfo
from segmentd.times import Micros

_CHUNK: Final = 65_536


@dataclass(frozen=True, slots=True)
class Share:
    """What one segment got; `lost` to those before it."""

    segment_id: str
    matched: int
    claimed: int

    @property
    def lost(self) -> int:
        """The number of members whom an earlier segment claims."""
        return self.matched - self.claimed


@dataclass(frozen=True, slots=True)
class GroupReport:
    """A group at one revision and instant. `overlaps` are numbers of users by (place of first, place of second)."""

    info: GroupInfo
    shares: tuple[Share, ...]
    users: int
    overlap_users: int
    overlaps: dict[tuple[int, int], int]
    revision: int
    at: Micros

    @property
    def withheld(self) -> int:
        """The number of memberships that the group withheld."""
        return sum(share.lost for share in self.shares)


@dataclass(frozen=True, slots=True, eq=False)
class GroupBits:
    """Copies of the stored words of all users, and where in them the bit of each segment is: matched and claimed."""

    words: Words
    matched: Sequence[tuple[int, int]]
    claimed: Sequence[tuple[int, int]]


def report(info: GroupInfo, bits: GroupBits, revision: int, at: Micros) -> GroupReport:
    """Count, a chunk of users at a time. Off the engine's thread, since the words are copies."""
    size = len(bits.matched)
    pairs = np.zeros((size, size), dtype=np.int64)
    claimed = np.zeros(size, dtype=np.int64)
    users = overlapping = 0
    for start in range(0, len(bits.words), _CHUNK):
        words = bits.words[start : start + _CHUNK]
        matched = _bits(words, bits.matched)
        # Counts of a chunk are whole numbers that float32 holds, and its product is fast.
        pairs += (matched.astype(np.float32) @ matched.T.astype(np.float32)).astype(np.int64)
        claimed += np.count_nonzero(_bits(words, bits.claimed), axis=1)
        many = np.count_nonzero(matched, axis=0)
        users += int(np.count_nonzero(many))
        overlapping += int(np.count_nonzero(many > 1))
    names = info.spec.segment_ids
    shares = tuple(Share(name, int(pairs[i, i]), int(claimed[i])) for i, name in enumerate(names))
    overlaps = {(i, j): int(pairs[i, j]) for i in range(size) for j in range(i + 1, size) if pairs[i, j]}
    return GroupReport(info, shares, users, overlapping, overlaps, revision, at)


def _bits(words: Words, places: Sequence[tuple[int, int]]) -> NDArray[np.bool_]:
    """A row for each place, a column for each user."""
    return np.array([(words[:, column] >> np.uint64(bit)) & np.uint64(1) for column, bit in places], dtype=np.bool_)
