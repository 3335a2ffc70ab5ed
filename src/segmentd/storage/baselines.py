"""The members that the compacted part of the log left: blocks of user keys, in the order of the keys."""

from __future__ import annotations

from typing import Final

import numpy as np

from segmentd.records import UserKeys
from segmentd.storage.keypacking import blocks, pack, unpack
from segmentd.storage.part import Part

_INSERT = "INSERT INTO baselines (segment_key, first_key, last_key, user_keys) VALUES (?, ?, ?, ?)"
_OF_SEGMENT = "SELECT user_keys FROM baselines WHERE segment_key = ? ORDER BY first_key"
_AROUND = """
SELECT first_key, user_keys FROM baselines WHERE segment_key = ? AND first_key <= ? ORDER BY first_key DESC LIMIT 1
"""
_NEXT_SEGMENT = "SELECT segment_key FROM baselines WHERE segment_key > ? ORDER BY segment_key LIMIT 1"
NOBODY: Final = np.empty(0, np.int64)


class Baselines(Part):
    """Table `baselines`."""

    def _baseline(self, segment_key: int) -> UserKeys:
        packed = self._session.rows(_OF_SEGMENT, (segment_key,))
        return np.concatenate([NOBODY, *(unpack(row[0]) for row in packed)])

    def _in_baseline(self, segment_key: int, user_key: int) -> bool:
        found = self._session.row(_AROUND, (segment_key, user_key))
        return found is not None and bool(np.any(unpack(found[1]) == user_key))

    def _write_baseline(self, segment_key: int, members: UserKeys) -> None:
        """Put these members, strictly ascending, in place of what is there."""
        self._session.write("DELETE FROM baselines WHERE segment_key = ?", (segment_key,))
        rows = [(segment_key, int(keys[0]), int(keys[-1]), pack(keys)) for keys in blocks(members)]
        self._session.write_many(_INSERT, rows)

    def _forget_in_baselines(self, user_key: int) -> None:
        """Cut one user out of the baselines of all segments."""
        segment_key = -1
        while found := self._session.row(_NEXT_SEGMENT, (segment_key,)):
            segment_key = int(found[0])
            around = self._session.row(_AROUND, (segment_key, user_key))
            if around is not None:
                self._cut(segment_key, around[0], unpack(around[1]), user_key)

    def _cut(self, segment_key: int, first_key: int, keys: UserKeys, user_key: int) -> None:
        rest = keys[keys != user_key]
        if len(rest) == len(keys):
            return
        self._session.write("DELETE FROM baselines WHERE segment_key = ? AND first_key = ?", (segment_key, first_key))
        if len(rest):
            self._session.write(_INSERT, (segment_key, int(rest[0]), int(rest[-1]), pack(rest)))
