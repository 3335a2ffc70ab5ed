"""What merging and erasing users changes: keys, events, lists, tombstones, and ids inside of definitions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

import orjson

from segmentd.records import Tombstone
from segmentd.storage.snapshots import Snapshots
from segmentd.times import Micros

_MOVE_EVENTS = """
UPDATE events SET user_key = ?2 WHERE event_key IN
  (SELECT event_key FROM event_names CROSS JOIN events INDEXED BY events_by_user
   ON events.name_id = event_names.name_id AND user_key = ?1)
"""
_MOVE_LISTS = """
INSERT INTO list_members (list_key, user_key) SELECT list_key, ?2 FROM list_members WHERE user_key = ?1
ON CONFLICT DO NOTHING
"""
_MENTIONS = """
SELECT segment_key, version, definition FROM segment_versions
WHERE EXISTS (SELECT 1 FROM json_each(?) WHERE instr(definition, value) > 0)
"""


class Identity(Snapshots):
    """Who is who: tables `users` (its survivors), `tombstones`, and the traces of users in others."""

    def merged_users(self) -> Iterator[list[tuple[int, int]]]:
        """Users who were merged, as batches of (user_key, key of the survivor), by ascending key."""
        last = 0
        sql = "SELECT user_key, survivor_key FROM users WHERE survivor_key NOT NULL AND user_key > ?"
        while batch := self._session.rows(f"{sql} ORDER BY user_key LIMIT ?", (last, self.batch_size)):
            yield [(key, survivor) for key, survivor in batch]
            last = batch[-1][0]

    def merge_user(self, user_key: int, survivor_key: int, merge_time: Micros) -> None:
        """Give events and list entries of a user to another one, whom its id leads to from now on.

        The profile is dropped, and what had been merged into the user before follows. `merge_time` is MIN_INSTANT for
        an id under which nobody was ever known.
        """
        self.drop_snapshot()
        for sql in (
            _MOVE_EVENTS,
            _MOVE_LISTS,
            "UPDATE users SET survivor_key = ?2 WHERE user_key = ?1 OR survivor_key = ?1",
        ):
            self._session.write(sql, (user_key, survivor_key))
        self._session.write("UPDATE users SET merge_time = ?2 WHERE user_key = ?1", (user_key, merge_time))
        for sql in ("DELETE FROM list_members WHERE user_key = ?", "DELETE FROM profiles WHERE user_key = ?"):
            self._session.write(sql, (user_key,))

    def forget_list_entries(self, user_keys: Sequence[int]) -> None:
        """Take these users out of all lists."""
        self._session.write_many("DELETE FROM list_members WHERE user_key = ?", [(key,) for key in user_keys])

    def lists_of(self, user_key: int) -> list[str]:
        """The ids of the lists that a user is in."""
        sql = "SELECT list_id FROM list_members JOIN user_lists USING (list_key) WHERE user_key = ? ORDER BY list_id"
        return [row[0] for row in self._session.rows(sql, (user_key,))]

    def tombstones(self) -> dict[bytes, Tombstone]:
        """What is left of erased users, by the hash of each id."""
        rows = self._session.rows("SELECT id_hash, erase_time, user_keys FROM tombstones")
        return {bytes(key): Tombstone(Micros(time), tuple(orjson.loads(keys))) for key, time, keys in rows}

    def put_tombstones(self, tombstones: Mapping[bytes, Tombstone]) -> None:
        """Note that the ids with these hashes are erased."""
        sql = "INSERT OR REPLACE INTO tombstones (id_hash, erase_time, user_keys) VALUES (?, ?, ?)"
        rows = [(key, each.erase_time, orjson.dumps(each.user_keys).decode()) for key, each in tombstones.items()]
        self._session.write_many(sql, rows)

    def versions_with(self, texts: Sequence[str]) -> list[tuple[int, int, str]]:
        """Stored versions, of deleted segments too, in which one of these texts stands as a JSON text:
        (segment_key, version, definition).
        """
        wanted = json.dumps([orjson.dumps(each).decode() for each in texts])
        return [(key, version, text) for key, version, text in self._session.rows(_MENTIONS, (wanted,))]

    def rewrite_version(self, segment_key: int, version: int, definition: str) -> None:
        """Replace what a stored version says."""
        sql = "UPDATE segment_versions SET definition = ? WHERE segment_key = ? AND version = ?"
        self._session.write(sql, (definition, segment_key, version))
