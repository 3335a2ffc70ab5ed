"""User lists and who is in them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from segmentd.errors import StorageFailed
from segmentd.records import UserKeys, UserListRecord
from segmentd.storage.part import Part
from segmentd.times import Micros

_LOAD_MEMBERS = """
SELECT user_key FROM list_members WHERE list_key = ? AND user_key > ? ORDER BY user_key LIMIT ?
"""


class UserLists(Part):
    """Tables `user_lists` and `list_members`. Members are users by their surrogate keys."""

    def user_lists(self) -> list[UserListRecord]:
        """All lists, by id."""
        columns = "list_key, list_id, description, create_time, update_time"
        rows = self._session.rows(f"SELECT {columns} FROM user_lists ORDER BY list_id")  # noqa: S608  (a constant)
        return [UserListRecord(*row) for row in rows]

    def insert_user_list(self, list_id: str, description: str, create_time: Micros) -> UserListRecord:
        """Add an empty list. Raises StorageFailed when the id is taken."""
        found = self._session.write(
            "INSERT INTO user_lists (list_id, description, create_time, update_time) VALUES (?, ?, ?, ?)"
            " RETURNING list_key",
            (list_id, description, create_time, create_time),
        )
        return UserListRecord(int(found[0][0]), list_id, description, create_time, create_time)

    def update_user_list(self, record: UserListRecord) -> None:
        """Store description and update time of a list. Raises StorageFailed when there is none of its key."""
        changed = self._session.write(
            "UPDATE user_lists SET description = ?, update_time = ? WHERE list_key = ? RETURNING list_key",
            (record.description, record.update_time, record.list_key),
        )
        if not changed:
            raise StorageFailed(f"there is no user list {record.list_id!r} to change")

    def delete_user_list(self, list_key: int) -> None:
        """Delete a list and its members."""
        # In this order: members that go before their list are a change of the list.
        self._session.write("DELETE FROM user_lists WHERE list_key = ?", (list_key,))
        self._session.write("DELETE FROM list_members WHERE list_key = ?", (list_key,))

    def list_members(self, list_key: int) -> Iterator[UserKeys]:
        """The members of a list in batches, by ascending key: int64[n] each."""
        last = 0
        while batch := self._session.rows(_LOAD_MEMBERS, (list_key, last, self.batch_size)):
            keys = np.array(batch, np.int64).ravel()
            yield keys
            last = int(keys[-1])

    def add_list_members(self, list_key: int, user_keys: UserKeys) -> None:
        """Add users to a list that has its new update time already; those who are in it stay."""
        self._session.write_many(
            "INSERT OR IGNORE INTO list_members (list_key, user_key) VALUES (?, ?)",
            ((list_key, key) for key in user_keys.tolist()),
        )

    def remove_list_members(self, list_key: int, user_keys: UserKeys) -> None:
        """Take users out of a list that has its new update time already; those who are not in it are passed over."""
        self._session.write_many(
            "DELETE FROM list_members WHERE list_key = ? AND user_key = ?",
            ((list_key, key) for key in user_keys.tolist()),
        )
