"""Writing the log of transitions, and replaying one segment from it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from segmentd.records import SwitchRecord, TransitionRecord, UserKeys
from segmentd.storage.keypacking import blocks, pack, unpack
from segmentd.storage.part import Part

_INSERT = """
INSERT INTO transitions (revision, offset, segment_key, segment_version, user_key, entered, effective_time, cause,
                         message_id)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_INSERT_BLOCK = """
INSERT INTO switches (revision, offset, size, segment_key, from_version, to_version, entered, effective_time, cause,
                      user_keys)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_NEXT_OFFSET = """
SELECT max(
  coalesce((SELECT offset + 1 FROM transitions WHERE revision = ?1 ORDER BY offset DESC LIMIT 1), 0),
  coalesce((SELECT offset + size FROM switches WHERE revision = ?1 ORDER BY offset DESC LIMIT 1), 0))
"""
_MOVES = """
SELECT revision, offset, user_key, entered FROM transitions INDEXED BY transitions_by_segment
WHERE segment_key = ? AND (revision, offset) > (?, ?) ORDER BY revision, offset LIMIT ?
"""
_BLOCKS = "SELECT revision, offset, user_keys, entered FROM switches WHERE segment_key = ? ORDER BY revision, offset"

_Moves = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]
"""Revisions, offsets, user keys, entered; in no order."""


class Log(Part):
    """Tables `transitions` (a row each) and `switches` (packed). Offsets count both within one revision."""

    def append_transitions(self, revision: int, transitions: Sequence[TransitionRecord]) -> None:
        """Add transitions in the given order after what the revision has. It must have been recorded at COMMIT."""
        rows = [
            (
                revision,
                offset,
                t.segment_key,
                t.segment_version,
                t.user_key,
                int(t.entered),
                t.effective_time,
                t.cause,
                t.message_id,
            )
            for offset, t in enumerate(transitions, self._next_offset(revision))
        ]
        self._session.write_many(_INSERT, rows)

    def append_switch(self, switch: SwitchRecord) -> None:
        """Add a switch after what the revision has: who left, then who entered, by ascending key.

        It takes one offset a user; one that changes nobody takes none and leaves no trace.
        """
        offset, rows = self._next_offset(switch.revision), []
        for entered, keys in ((0, switch.left), (1, switch.entered)):
            for block in blocks(keys):
                place = (switch.revision, offset, len(block), switch.segment_key)
                versions = (switch.from_version, switch.to_version, entered)
                rows.append((*place, *versions, switch.effective_time, switch.cause, pack(block)))
                offset += len(block)
        self._session.write_many(_INSERT_BLOCK, rows)

    def members(self, segment_key: int) -> UserKeys:
        """The members that the log leaves in a segment: sorted int64[n]. The last word on each user counts."""
        parts = [*self._single_moves(segment_key), *self._switch_moves(segment_key)]
        if not parts:
            return np.empty(0, np.int64)
        revisions, offsets, keys, entered = (np.concatenate(column) for column in zip(*parts, strict=True))
        order = np.lexsort((offsets, revisions, keys))
        keys, entered = keys[order], entered[order]
        last = np.append(keys[1:] != keys[:-1], True)
        return np.asarray(keys[last & entered], np.int64)

    def _single_moves(self, segment_key: int) -> list[_Moves]:
        parts: list[_Moves] = []
        after = (-1, -1)
        while batch := self._session.rows(_MOVES, (segment_key, *after, self.batch_size)):
            table = np.array(batch, np.int64)
            parts.append((table[:, 0], table[:, 1], table[:, 2], table[:, 3] != 0))
            after = (batch[-1][0], batch[-1][1])
        return parts

    def _switch_moves(self, segment_key: int) -> list[_Moves]:
        parts: list[_Moves] = []
        for revision, offset, packed, entered in self._session.rows(_BLOCKS, (segment_key,)):
            keys = unpack(packed)
            shape = keys.shape
            # A user occurs once in a switch, so its block's first offset orders it well enough.
            parts.append((np.full(shape, revision), np.full(shape, offset), keys, np.full(shape, bool(entered))))
        return parts

    def _next_offset(self, revision: int) -> int:
        found = self._session.row(_NEXT_OFFSET, (revision,))
        return int(found[0]) if found else 0
