"""User ids and their surrogate keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from segmentd.storage.snapshots import Snapshots

# Beside a trigger, a statement that may be undone alone costs a copy of the pages it changes; see `profiles`.
_INSERT = "INSERT OR FAIL INTO users (user_key, user_id) VALUES (?, ?)"


class Users(Snapshots):
    """Table `users`. A key is never used twice, not even after its user is erased."""

    def next_user_key(self) -> int:
        """One more than the highest key ever inserted; the first is 1."""
        return self._next_key("user")

    def insert_users(self, users: Sequence[tuple[int, str]]) -> None:
        """Add users as (user_key, user_id). Raises StorageFailed when a key or id is there already."""
        if users:
            self._session.write_many(_INSERT, users)
            self._count_key("user", max(key for key, _ in users))

    def users(self) -> Iterator[list[tuple[int, str]]]:
        """All users as batches of (user_key, user_id), by ascending key."""
        last = 0
        sql = "SELECT user_key, user_id FROM users WHERE user_key > ? ORDER BY user_key LIMIT ?"
        while batch := self._session.rows(sql, (last, self.batch_size)):
            yield [(key, user_id) for key, user_id in batch]
            last = batch[-1][0]

    def user_key(self, user_id: str) -> int | None:
        """The key of a user, or None."""
        found = self._session.row("SELECT user_key FROM users WHERE user_id = ?", (user_id,))
        return int(found[0]) if found else None

    def delete_users(self, keys: Sequence[int]) -> None:
        """Erase ids, profiles and events of these users. The log keeps their keys, so that it still adds up."""
        self.drop_snapshot()
        for key in keys:
            self._session.write(
                "UPDATE event_names SET events = events - (SELECT count(*) FROM events INDEXED BY events_by_user"
                " WHERE events.name_id = event_names.name_id AND user_key = ?)",
                (key,),
            )
            self._session.write(
                "DELETE FROM events WHERE event_key IN (SELECT event_key FROM event_names CROSS JOIN events"
                " INDEXED BY events_by_user ON events.name_id = event_names.name_id AND user_key = ?)",
                (key,),
            )
            self._session.write("DELETE FROM users WHERE user_key = ?", (key,))
