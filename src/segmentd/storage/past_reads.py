"""What the tables besides the log say of the past: versions in force, and who existed."""

from __future__ import annotations

from typing import NamedTuple

from segmentd.storage.part import Part
from segmentd.times import Micros

_VERSION = "SELECT max(version) FROM segment_versions WHERE segment_key = ? AND create_time <= ?"
# Keys are given in the order of commits, so the first key of later users is found by halving: each look is one seek.
_NEXT_USER = "SELECT user_key, create_time FROM profiles WHERE user_key >= ? ORDER BY user_key LIMIT 1"


class UsersUntil(NamedTuple):
    """How many of the users that are kept existed at an instant; all of them have keys below `end`."""

    end: int
    users: int


class PastReads(Part):
    """Reads of `segment_versions`, `profiles` and `users`."""

    def segment_version_at(self, segment_key: int, instant: Micros) -> int:
        """The version of a segment that was the latest at an instant; 0 before the first."""
        found = self._session.row(_VERSION, (segment_key, instant))
        return int(found[0] or 0) if found else 0

    def user_existed(self, user_key: int, instant: Micros) -> bool:
        """Whether somebody had written about a user at an instant. Of an erased user nothing is known."""
        found = self._session.row("SELECT create_time <= ? FROM profiles WHERE user_key = ?", (instant, user_key))
        return bool(found[0]) if found else False

    def users_until(self, instant: Micros) -> UsersUntil:
        """Who existed at an instant. Users who were merged into others are among them, erased ones are not."""
        end = self._first_key_after(instant)
        found = self._session.row("SELECT count(*) FROM users WHERE user_key < ?", (end,))
        return UsersUntil(end, int(found[0]) if found else 0)

    def _first_key_after(self, instant: Micros) -> int:
        """The first key given after an instant, or the next one to be given."""
        low, high = 0, self._next_key("user")
        while low < high:
            middle = (low + high) // 2
            found = self._session.row(_NEXT_USER, (middle,))
            if found is None or int(found[1]) > instant:
                high = middle
            else:
                low = int(found[0]) + 1
        found = self._session.row(_NEXT_USER, (low,))
        return int(found[0]) if found else self._next_key("user")
