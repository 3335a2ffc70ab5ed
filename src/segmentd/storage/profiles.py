"""Profiles: one row a user, attributes as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from segmentd.records import ProfileRecord
from segmentd.storage.part import Part
from segmentd.storage.session import Row

# One JSON parameter: the number of keys meets no limit on SQL variables.
_READ = """
SELECT user_key, CAST(attributes AS BLOB), CAST(derived AS BLOB), CAST(times AS BLOB),
       create_time, update_time FROM profiles
WHERE user_key IN (SELECT value FROM json_each(?))
"""
_LOAD = """
SELECT user_key, CAST(attributes AS BLOB), CAST(derived AS BLOB), CAST(times AS BLOB),
       create_time, update_time FROM profiles
WHERE user_key > ? ORDER BY user_key LIMIT ?
"""
# Beside a trigger, a statement that may fail and be undone alone costs a copy of every page it changes, and ON CONFLICT
# DO UPDATE always is one. These are none: OR FAIL leaves what is done, and a write that fails ends its transaction.
_INSERT = """
INSERT OR FAIL INTO profiles (user_key, attributes, derived, times, create_time, update_time)
VALUES (?1, CAST(?2 AS TEXT), CAST(?3 AS TEXT), CAST(?4 AS TEXT), ?5, ?6)
ON CONFLICT (user_key) DO NOTHING
"""
_UPDATE = """
UPDATE OR FAIL profiles SET attributes = CAST(?2 AS TEXT), derived = CAST(?3 AS TEXT), times = CAST(?4 AS TEXT),
                            create_time = ?5, update_time = ?6
WHERE user_key = ?1
"""


class Profiles(Part):
    """Table `profiles`."""

    def read_profiles(self, keys: Sequence[int]) -> dict[int, ProfileRecord]:
        """The profiles of these users, any number of them; a user without a profile is left out."""
        found = self._session.rows(_READ, (json.dumps([int(key) for key in keys]),))
        return {row[0]: ProfileRecord(*row) for row in found}

    def write_profiles(self, profiles: Sequence[ProfileRecord]) -> None:
        """Insert or replace whole profiles, one of a user. Their users must exist when the transaction commits."""
        new: list[Row] = []
        known: list[Row] = []
        for p in profiles:
            rows = new if p.create_time == p.update_time else known  # a guess, which is right nearly always
            rows.append((p.user_key, p.attributes, p.derived, p.times, p.create_time, p.update_time))
        self._write(new, _INSERT, _UPDATE)
        self._write(known, _UPDATE, _INSERT)

    def _write(self, rows: Sequence[Row], first: str, otherwise: str) -> None:
        if rows and self._session.write_many(first, rows) < len(rows):
            self._session.write_many(otherwise, rows)

    def profiles(self) -> Iterator[list[ProfileRecord]]:
        """All profiles in batches, by ascending key."""
        last = 0
        while batch := self._session.rows(_LOAD, (last, self.batch_size)):
            yield [ProfileRecord(*row) for row in batch]
            last = batch[-1][0]
