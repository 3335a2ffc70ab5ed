"""A commit that puts users into a user list and takes others out of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from segmentd.engine.memberships import Rows
from segmentd.population.kinds import Kind
from segmentd.population.listed import list_attribute
from segmentd.records import ProfileRecord, UserKeys, UserListRecord
from segmentd.service.change import Change
from segmentd.service.live import Live
from segmentd.service.written import Cause, Many, Written
from segmentd.storage import Store
from segmentd.times import Micros


def no_users() -> UserKeys:
    """No user keys: int64 (0,)."""
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class ListWrites:
    """What is to change in a list: user keys to add and to remove, ids to add that nobody may have written about yet.

    Keys ascend strictly. `description` None: as it is.
    """

    add: UserKeys = field(default_factory=no_users)
    add_ids: Sequence[str] = ()
    remove: UserKeys = field(default_factory=no_users)
    description: str | None = None


class ListChange(Change):
    """One revision of a list, which is created where it is not there. The counts are known once it is written."""

    def __init__(self, live: Live, list_id: str, writes: ListWrites) -> None:
        self._live = live
        self._list_id = list_id
        self._writes = writes
        self.created = 0
        self.added = 0
        self.removed = 0

    def idle(self) -> bool:
        """Whether there is nothing to change."""
        record = self._live.lists.get(self._list_id)
        if record is None or self._writes.description not in (None, record.description):
            return False
        known, unknown = self._ids()
        return not (unknown or len(self._added(known)) or len(self._removed()))

    def write(self, store: Store, instant: Micros) -> Written:
        """Change list, column and, for ids nobody has written about, users."""
        live = self._live
        record = live.lists.get(self._list_id) or store.insert_user_list(self._list_id, "", instant)
        known, unknown = self._ids()
        added, removed = self._added(known), self._removed()
        first_new = len(live.users)
        new = self._create(store, unknown, instant)
        added = np.concatenate([added, new])
        attribute = list_attribute(self._list_id)
        live.users.set_flags(added, attribute, True)
        live.users.set_flags(removed, attribute, None)
        self._keep(store, record, instant)
        store.add_list_members(record.list_key, live.user_keys(added))
        store.remove_list_members(record.list_key, live.user_keys(removed))
        self.created, self.added, self.removed = len(new), len(added), len(removed)
        return Written(many=Many(np.union1d(added, removed), attribute, first_new, Cause.LIST))

    def _ids(self) -> tuple[UserKeys, list[str]]:
        """The keys of those of the ids that users have by now, and the other ids, each once."""
        live = self._live
        index = live.users.index
        rows = {index[user_id] for user_id in self._writes.add_ids if user_id in index}
        unknown = dict.fromkeys(user_id for user_id in self._writes.add_ids if user_id not in index)
        return live.user_keys(np.array(sorted(rows), dtype=np.int64)), list(unknown)

    def _added(self, known: UserKeys) -> Rows:
        """The rows of users who are not in the list yet."""
        rows = self._live.rows_of(survivors(self._live, np.union1d(self._writes.add, known)))
        return rows[~listed(self._live, self._list_id, rows)]

    def _removed(self) -> Rows:
        rows = self._live.rows_of(self._writes.remove)
        return rows[listed(self._live, self._list_id, rows)]

    def _create(self, store: Store, user_ids: list[str], instant: Micros) -> Rows:
        live = self._live
        first = live.next_user_key
        keys = range(first, first + len(user_ids))
        store.insert_users(list(zip(keys, user_ids, strict=True)))
        store.write_profiles([ProfileRecord(key, create_time=instant, update_time=instant) for key in keys])
        rows = [live.add_user(user_id, key) for user_id, key in zip(user_ids, keys, strict=True)]
        return np.array(rows, dtype=np.int64)

    def _keep(self, store: Store, record: UserListRecord, instant: Micros) -> None:
        description = record.description if self._writes.description is None else self._writes.description
        changed = replace(record, description=description, update_time=instant)
        store.update_user_list(changed)
        self._live.lists[self._list_id] = changed
        self._live.schema.lists.add(self._list_id)


class ListDeletion(Change):
    """A commit that deletes a list to which nothing refers."""

    def __init__(self, live: Live, record: UserListRecord) -> None:
        self._live = live
        self._record = record

    def write(self, store: Store, instant: Micros) -> Written:
        """Nobody's memberships depend on the list, so nobody is judged."""
        live, list_id = self._live, self._record.list_id
        store.delete_user_list(self._record.list_key)
        live.users.columns.pop(list_attribute(list_id), None)
        del live.lists[list_id]
        live.schema.lists.discard(list_id)
        return Written()


def listed(live: Live, list_id: str, rows: Rows | slice | int) -> NDArray[np.bool_]:
    """Which of these users are in the list, bool (n,); a single truth for a single row."""
    data = live.users.column(list_attribute(list_id), Kind.FLAG).data
    return np.asarray(data[: len(live.users)][rows] == 1)


def survivors(live: Live, user_keys: UserKeys) -> UserKeys:
    """The keys of those who are left of these users: who was merged is its survivor, who was erased is nobody."""
    users, rows = live.users, live.rows_of(user_keys)
    gone = users.gone(rows)
    if gone is None or not gone.any():
        return live.user_keys(rows)
    found = {users.row_of(users.user_ids[row]) for row in rows[gone].tolist()} - {None}
    others = np.array(sorted(row for row in found if row is not None), dtype=np.int64)
    return live.user_keys(np.union1d(rows[~gone], others))


def load_lists(live: Live, store: Store) -> None:
    """All lists and their members from the database; the users are there already."""
    for record in store.user_lists():
        load_list(live, store, record)


def load_list(live: Live, store: Store, record: UserListRecord) -> None:
    """One list and its members from the database."""
    live.lists[record.list_id] = record
    live.schema.lists.add(record.list_id)
    for keys in store.list_members(record.list_key):
        live.users.set_flags(live.rows_of(keys), list_attribute(record.list_id), True)
