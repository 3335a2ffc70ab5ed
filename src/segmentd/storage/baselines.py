"""The members that the compacted part of the log left: blocks of user keys, in the order of the keys."""

from __future__ import annotations

from typing import Final

import numpy as np

from segmentd.records import UserKeys
from segmentd.storage import keypacking
from segmentd.storage.keypacking import pack, unpack
from segmentd.storage.part import Part

_INSERT = "INSERT INTO baselines (segment_key, first_key, last_key, user_keys) VALUES (?, ?, ?, ?)"
_OF_SEGMENT = "SELECT user_keys FROM baselines WHERE segment_key = ? ORDER BY first_key"
_AROUND = """
SELECT first_key, user_keys FROM baselines WHERE segment_key = ? AND first_key <= ? ORDER BY first_key DESC LIMIT 1
"""
_FIRSTS = "SELECT first_key FROM baselines WHERE segment_key = ? ORDER BY first_key"
_TAKE = "DELETE FROM baselines WHERE segment_key = ? AND first_key = ? RETURNING user_keys"
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

    def _change_baseline(self, segment_key: int, entered: UserKeys, left: UserKeys) -> None:
        """Add and take out these members, each ascending, none in both; only the blocks around them are written."""
        firsts = np.array([row[0] for row in self._session.rows(_FIRSTS, (segment_key,))], np.int64)
        if not len(firsts):
            self._insert(segment_key, entered)
            return
        homes = [_home(firsts, keys) for keys in (entered, left)]
        for home in np.union1d(*homes).tolist():
            first = int(firsts[home])
            [(packed,)] = self._session.write(_TAKE, (segment_key, first))
            rest = np.setdiff1d(unpack(packed), left[homes[1] == home], assume_unique=True)
            self._insert(segment_key, np.union1d(rest, entered[homes[0] == home]))

    def _insert(self, segment_key: int, keys: UserKeys) -> None:
        # In even parts, so that a full block does not shed blocks of one key each.
        parts = np.array_split(keys, -(-len(keys) // keypacking.BLOCK)) if len(keys) else []
        rows = [(segment_key, int(part[0]), int(part[-1]), pack(part)) for part in parts]
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
        if len(rest) < len(keys):
            self._session.write(_TAKE, (segment_key, first_key))
            self._insert(segment_key, rest)


def _home(firsts: UserKeys, keys: UserKeys) -> UserKeys:
    """The block in whose range each key lies: int64[n]; what comes before all goes to the first."""
    return np.maximum(np.searchsorted(firsts, keys, side="right") - 1, 0)
