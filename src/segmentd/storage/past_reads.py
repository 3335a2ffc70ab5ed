"""What the tables besides the log say of the past: versions in force, and who existed."""

from __future__ import annotations

from typing import NamedTuple

from segmentd.storage.user_marks import UserMarks
from segmentd.times import MIN_INSTANT, Micros

_VERSION = "SELECT max(version) FROM segment_versions WHERE segment_key = ? AND create_time <= ?"
_USERS = "SELECT count(*) FROM users WHERE user_key < ? AND (merge_time IS NULL OR merge_time > ?)"


class UsersUntil(NamedTuple):
    """How many of the users that are kept existed by an instant; all of them have keys below `end`."""

    end: int
    users: int


class PastReads(UserMarks):
    """Reads of `segment_versions`, `user_marks` and `users`."""

    def segment_version_at(self, segment_key: int, instant: Micros) -> int:
        """The version of a segment that was the latest at an instant; 0 before the first."""
        found = self._session.row(_VERSION, (segment_key, instant))
        return int(found[0] or 0) if found else 0

    def user_existed(self, user_key: int, instant: Micros) -> bool:
        """Whether somebody had written about a user at an instant."""
        return user_key <= self.last_user_key_at(instant)

    def users_until(self, instant: Micros, start: Micros = MIN_INSTANT) -> UsersUntil:
        """Who came to exist by an instant, without those who were merged into others at `start` or before.

        Erased users are not among them, and no ids under which nobody was ever known.
        """
        end = self.last_user_key_at(instant) + 1
        found = self._session.row(_USERS, (end, start))
        return UsersUntil(end, int(found[0]) if found else 0)
