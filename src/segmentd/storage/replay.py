"""Moves of one segment as columns, in no order, and what the last word on each user leaves."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from segmentd.records import UserKeys
from segmentd.storage.keypacking import unpack
from segmentd.storage.part import Part
from segmentd.storage.wanted import LAST_REVISION
from segmentd.times import FOREVER, Micros

# Only the last revision may hold moves that became true after the instant; the index alone tells those before.
_SINGLES = """
SELECT revision, offset, user_key, entered FROM transitions INDEXED BY transitions_by_segment
WHERE segment_key = ?1 AND (revision, offset) > (?2, ?3) AND revision <= ?4
  AND (revision < ?4 OR effective_time < ?5)
ORDER BY revision, offset LIMIT ?6
"""
_BLOCKS = """
SELECT revision, offset, user_keys, entered FROM switches INDEXED BY switches_by_segment
WHERE segment_key = ?1 AND (revision, offset) > (?2, ?3) AND revision <= ?4
  AND (revision < ?4 OR effective_time < ?5)
ORDER BY revision, offset LIMIT ?6
"""
_BLOCKS_AT_ONCE = 256


class Columns(NamedTuple):
    """n moves of one segment: where they stand, whose they are, int64[n], and whether the user entered, bool[n]."""

    revisions: NDArray[np.int64]
    offsets: NDArray[np.int64]
    user_keys: NDArray[np.int64]
    entered: NDArray[np.bool_]

    def last_words(self) -> tuple[UserKeys, UserKeys]:
        """Who entered last and who left last, each strictly ascending."""
        order = np.lexsort((self.offsets, self.revisions, self.user_keys))
        keys, entered = self.user_keys[order], self.entered[order]
        last = np.append(keys[1:] != keys[:-1], True)[: len(keys)]
        return keys[last & entered], keys[last & ~entered]


class Replay(Part):
    """Reads one segment's moves for a replay."""

    def _columns(self, segment_key: int, last_revision: int = LAST_REVISION, before: Micros = FOREVER) -> Columns:
        """All moves up to a revision; of the last revision only those effective before an instant."""
        parts, after = [_NO_MOVES], (-1, -1)
        until = (last_revision, before)
        while rows := self._session.rows(_SINGLES, (segment_key, *after, *until, self.batch_size)):
            parts.append(single_columns(rows))
            after = rows[-1][0], rows[-1][1]
        after = (-1, -1)
        while rows := self._session.rows(_BLOCKS, (segment_key, *after, *until, _BLOCKS_AT_ONCE)):
            parts += map(block_columns, rows)
            after = rows[-1][0], rows[-1][1]
        return united(parts)


def single_columns(rows: list[tuple[int, int, int, int]]) -> Columns:
    """Of rows (revision, offset, user_key, entered), at least one."""
    table = np.array(rows, np.int64)
    return Columns(table[:, 0], table[:, 1], table[:, 2], table[:, 3] != 0)


def block_columns(row: tuple[int, int, bytes, int]) -> Columns:
    """Of one block (revision, offset, user_keys, entered). A user occurs in it once, so all may stand at its offset."""
    revision, offset, packed, entered = row
    keys = unpack(packed)
    return Columns(
        np.full(len(keys), revision, np.int64),
        np.full(len(keys), offset, np.int64),
        keys,
        np.full(len(keys), bool(entered)),
    )


def united(parts: list[Columns]) -> Columns:
    """All of them together; at least one."""
    return Columns(*(np.concatenate(column) for column in zip(*parts, strict=True)))


_NO_MOVES = Columns(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.bool_))
