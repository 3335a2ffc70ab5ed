"""Which users existed at an instant: keys are given in the order of commits, so one key for each commit tells."""

from __future__ import annotations

from typing import Final

from segmentd.storage.part import Part
from segmentd.times import Micros

# Written by the commits that made users, and by no others.
_MARK: Final = """
INSERT OR REPLACE INTO user_marks (instant, last_key)
SELECT ?, value FROM counters
WHERE name = 'user' AND value > coalesce((SELECT last_key FROM user_marks ORDER BY instant DESC LIMIT 1), 0)
"""
_LAST: Final = "SELECT last_key FROM user_marks WHERE instant <= ? ORDER BY instant DESC LIMIT 1"

TABLE: Final = "CREATE TABLE user_marks (instant INTEGER PRIMARY KEY, last_key INTEGER NOT NULL) STRICT"
FILL: Final = "INSERT INTO user_marks SELECT create_time, max(user_key) FROM profiles GROUP BY create_time"
"""For a database of before the table: until then every user had a profile, made with the user."""


class UserMarks(Part):
    """Table `user_marks`."""

    def last_user_key_at(self, instant: Micros) -> int:
        """The highest key that a user had at an instant; 0 where there was nobody."""
        found = self._session.row(_LAST, (instant,))
        return int(found[0]) if found else 0

    def _mark_users(self, instant: Micros) -> None:
        """Note the users that the open transaction has made; its instant is later than every one before."""
        self._session.write(_MARK, (instant,))
