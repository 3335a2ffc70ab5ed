"""Erasing users from the log, so that what is left says the same of everybody else, at the same places."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from segmentd.records import UserKeys
from segmentd.storage.baselines import Baselines
from segmentd.storage.keypacking import pack, pack_gaps, ranks_of, unpack
from segmentd.storage.session import Row

_BLOCKS_AROUND = """
SELECT rowid, first_key, last_key FROM switches INDEXED BY switches_by_place WHERE first_key <= ? AND last_key >= ?
"""
_BLOCK = "SELECT rowid, size, user_keys, gaps FROM switches WHERE rowid = ?"
_CUT = "UPDATE switches SET first_key = ?2, last_key = ?3, user_keys = ?4, gaps = ?5 WHERE rowid = ?1"


class Forgetting(Baselines):
    """Tables `transitions`, `switches` and `baselines`, as far as they are about certain users."""

    def forget_users(self, user_keys: Collection[int]) -> None:
        """Erase every move and membership of these users. The offsets of all other moves stay as they are.

        Moves of the revision under way that are to stay (those that say that the users left) are appended after it.
        """
        keys = np.array(sorted({int(each) for each in user_keys}), np.int64)
        for key in keys.tolist():
            self._session.write("DELETE FROM transitions WHERE user_key = ?", (key,))
            self._forget_in_baselines(key)
        if len(keys):
            for block in self._blocks_around(keys):
                for row in self._session.rows(_BLOCK, (block,)):
                    self._forget_in_block(row, keys)

    def _blocks_around(self, users: UserKeys) -> list[int]:
        """The blocks in whose range one of these keys lies; only they are unpacked."""
        rows = self._session.rows(_BLOCKS_AROUND, (int(users[-1]), int(users[0])))
        blocks, firsts, lasts = np.array(rows, np.int64).reshape(-1, 3).T
        around = np.searchsorted(users, firsts) < np.searchsorted(users, lasts, side="right")
        return list(blocks[around].tolist())

    def _forget_in_block(self, row: Row, users: UserKeys) -> None:
        block, size, packed, gaps = row
        keys = unpack(packed)
        kept = np.isin(keys, users, assume_unique=True, invert=True)
        if not kept.any():
            self._session.write("DELETE FROM switches WHERE rowid = ?", (block,))
        elif not kept.all():
            rest = keys[kept]
            missing = np.setdiff1d(np.arange(size), ranks_of(size, gaps)[kept], assume_unique=True)
            self._session.write(_CUT, (block, int(rest[0]), int(rest[-1]), pack(rest), pack_gaps(missing)))
