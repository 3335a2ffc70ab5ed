"""For how long the events of each name are kept, and taking out those that were kept long enough."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from segmentd.storage.snapshots import Snapshots

_KEEP = """
INSERT INTO event_names (name, events, keep) VALUES (?, 0, ?)
ON CONFLICT (name) DO UPDATE SET keep = excluded.keep
"""
# One seek for each user: its events of a name lie by time in the index.
_OLD = """
SELECT users.user_key, event_key FROM users CROSS JOIN events INDEXED BY events_by_user
  ON events.name_id = (SELECT name_id FROM event_names WHERE name = ?) AND events.user_key = users.user_key
  AND time <= ?
WHERE users.user_key > ? AND users.user_key <= ? ORDER BY users.user_key, time LIMIT ?
"""


class StoredName(NamedTuple):
    """An event name, how many events of it are stored, and for how long they are kept ("" is for ever)."""

    name: str
    events: int
    keep: str


class Retention(Snapshots):
    """Column `keep` of `event_names`, and deleting old events."""

    def stored_names(self) -> list[StoredName]:
        """All names that have events or a retention, by name."""
        sql = "SELECT name, events, coalesce(keep, '') FROM event_names WHERE events > 0 OR keep NOT NULL ORDER BY name"
        return [StoredName(*row) for row in self._session.rows(sql)]

    def set_keep(self, name: str, keep: str) -> None:
        """Keep the events of a name for so long; "" is for ever."""
        self._session.write(_KEEP, (name, keep or None))

    def old_events(
        self, name: str, before: int, users: tuple[int, int], limit: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Up to `limit` events of a name at or before `before` of users with a key in (low, high].

        User keys, ascending, and event keys: int64[n] each; the oldest of each user first.
        """
        found = np.array(self._session.rows(_OLD, (name, before, *users, limit)), np.int64).reshape(-1, 2)
        return np.ascontiguousarray(found[:, 0]), np.ascontiguousarray(found[:, 1])

    def delete_events(self, name: str, event_keys: Sequence[int]) -> None:
        """Delete these events, all of one name."""
        self.drop_snapshot()
        self._session.write_many("DELETE FROM events WHERE event_key = ?", [(key,) for key in event_keys])
        self._session.write("UPDATE event_names SET events = events - ? WHERE name = ?", (len(event_keys), name))
