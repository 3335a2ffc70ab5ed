"""Profiles: one row a user, attributes as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from segmentd.records import ProfileRecord
from segmentd.storage.part import Part

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
_WRITE = """
INSERT INTO profiles (user_key, attributes, derived, times, create_time, update_time)
VALUES (?, CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), ?, ?)
ON CONFLICT (user_key) DO UPDATE
SET attributes = excluded.attributes, derived = excluded.derived, times = excluded.times,
    create_time = excluded.create_time, update_time = excluded.update_time
"""


class Profiles(Part):
    """Table `profiles`."""

    def read_profiles(self, keys: Sequence[int]) -> dict[int, ProfileRecord]:
        """The profiles of these users, any number of them; a user without a profile is left out."""
        found = self._session.rows(_READ, (json.dumps([int(key) for key in keys]),))
        return {row[0]: ProfileRecord(*row) for row in found}

    def write_profiles(self, profiles: Sequence[ProfileRecord]) -> None:
        """Insert or replace whole profiles. Their users must exist when the transaction commits."""
        rows = [(p.user_key, p.attributes, p.derived, p.times, p.create_time, p.update_time) for p in profiles]
        self._session.write_many(_WRITE, rows)

    def profiles(self) -> Iterator[list[ProfileRecord]]:
        """All profiles in batches, by ascending key."""
        last = 0
        while batch := self._session.rows(_LOAD, (last, self.batch_size)):
            yield [ProfileRecord(*row) for row in batch]
            last = batch[-1][0]
