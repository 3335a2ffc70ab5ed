"""Reading whole tables at the speed of SQLite: a batch of rows comes as one row of joined texts.

A row for Python costs more than what it holds; joined, a batch is a few texts, which SQLite makes without the
interpreter, on another thread while the batch before is decoded (`ahead`). All parts of a batch are in one order.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np
import orjson
from numpy.typing import NDArray

from segmentd.errors import StorageFailed
from segmentd.storage.part import Part
from segmentd.storage.session import Row
from segmentd.times import MIN_INSTANT, Micros

T = TypeVar("T")
Keys = NDArray[np.int64]
_FIRST_ROWS: Final = 2_048
_TARGET_BYTES: Final = 8 * 1024 * 1024
"""Batches grow up to about this size, and shrink again beyond twice of it."""

_USERS = """
SELECT count(*), max(user_key), group_concat(user_key), json_group_array(user_id)
FROM (SELECT user_key, user_id FROM users WHERE user_key > ? ORDER BY user_key LIMIT ?)
"""
# What is derived is nothing most of the time: a text that says so for each would only have to be read.
_PROFILES = """
SELECT count(*), max(user_key), group_concat(user_key), '[' || group_concat(attributes) || ']',
       CASE WHEN max(derived) <> '{{}}' OR min(derived) <> '{{}}' THEN '[' || group_concat(derived) || ']' END
FROM (SELECT user_key, attributes, derived FROM profiles WHERE user_key > ? {since} ORDER BY user_key LIMIT ?)
"""
_SINCE: Final = "AND (update_time > {instant:d} OR user_key > {key:d})"
# Without the hint SQLite would take the index by name, and sort all events of these names again for each batch.
_EVENTS = """
SELECT count(*), max(event_key), group_concat(name_id), group_concat(user_key), group_concat(time), {more}
FROM (SELECT event_key, name_id, user_key, time, rate, properties FROM events NOT INDEXED
      WHERE event_key > ? AND name_id IN (SELECT value FROM json_each('{names}')) ORDER BY event_key LIMIT ?)
"""
_OF_NAME = """
SELECT count(*), {keys}, group_concat(user_key), group_concat(time), {more}
FROM events INDEXED BY events_by_user WHERE name_id = {name:d} AND user_key > ? AND user_key <= ?
"""
_OF_USERS = """
SELECT count(*), {keys}, group_concat(user_key), group_concat(time), {more}
FROM json_each(?) AS wanted CROSS JOIN events INDEXED BY events_by_user ON name_id = ? AND user_key = wanted.value
"""
_MORE: Final = {
    (False, False): "NULL, NULL",
    (True, False): "NULL, '[' || group_concat(properties) || ']'",
    (True, True): "json_group_array(rate), '[' || group_concat(properties) || ']'",
}


class ProfileBatch(NamedTuple):
    """Profiles by ascending key: int64 (n,), and JSON lists of n objects; `derived` None: nothing of anybody."""

    user_keys: Keys
    attributes: str
    derived: str | None


class EventBatch(NamedTuple):
    """Events: (n,) each; `properties` is a JSON list of n objects and `rates` one of texts and nulls, where asked for.

    `event_keys` are there where properties are, and the batch may not be in order of arrival.
    """

    name_ids: Keys
    user_keys: Keys
    times: Keys
    rates: str | None
    properties: str | None
    event_keys: Keys | None = None


class BulkReads(Part):
    """Reads of `users`, `profiles` and `events` for columns. One iterator at a time, and nothing else meanwhile."""

    def user_batches(self, after: int = 0) -> Iterator[tuple[Keys, list[str]]]:
        """Keys and ids of the users behind a key, by ascending key."""
        for row in self._by_key(_USERS, after):
            yield _numbers(row[2]), orjson.loads(row[3])

    def profile_batches(self, since: Micros = MIN_INSTANT, after: int = 0) -> Iterator[ProfileBatch]:
        """All profiles; with `since` those that changed after that instant, or whose key is greater than `after`."""
        terms = "" if since == MIN_INSTANT else _SINCE.format(instant=since, key=after)
        for row in self._by_key(_PROFILES.format(since=terms), 0):
            yield ProfileBatch(_numbers(row[2]), row[3], row[4])

    def event_batches(
        self, name_ids: Collection[int], after: int = 0, *, properties: bool = True, rates: bool = False
    ) -> Iterator[EventBatch]:
        """The events of these names that arrived behind a key, in order of arrival: one pass over the table."""
        names = json.dumps(sorted(name_ids))
        for row in self._by_key(_EVENTS.format(more=_MORE[properties, rates], names=names), after):
            yield EventBatch(_numbers(row[2]), _numbers(row[3]), _numbers(row[4]), row[5], row[6])

    def events_of_name(
        self, name_id: int, last_user: int, *, properties: bool = True, rates: bool = False
    ) -> Iterator[EventBatch]:
        """The events of one name by user, up to the user `last_user`: for names that are a small part of all events,
        and where no properties are wanted. Within a batch in no particular order.
        """
        # Events of one user and time that have no properties are all the same.
        keys = "group_concat(event_key)" if properties else "NULL"
        sql = _OF_NAME.format(more=_MORE[properties, rates], name=name_id, keys=keys)
        low, users = 0, min(_FIRST_ROWS, self.batch_size)
        while low < last_user:
            row = self._row(sql, (low, low + users), users)
            if row is None:
                users //= 2
                continue
            low += users
            if row[0]:
                yield _of_name(name_id, row, properties=properties)
            users = max(1, min(_next(users, row), self.batch_size))  # nobody may be followed by many

    def events_of_users(
        self, name_id: int, user_keys: Keys, *, properties: bool = True, rates: bool = False
    ) -> Iterator[EventBatch]:
        """The events of one name of these users, as `events_of_name` gives them."""
        keys = "group_concat(event_key)" if properties else "NULL"
        sql = _OF_USERS.format(more=_MORE[properties, rates], keys=keys)
        start, users = 0, min(_FIRST_ROWS, self.batch_size)
        while start < len(user_keys):
            wanted = json.dumps(user_keys[start : start + users].tolist())
            row = self._row(sql, (wanted, name_id), users)
            if row is None:
                users //= 2
                continue
            start += users
            if row[0]:
                yield _of_name(name_id, row, properties=properties)
            users = max(1, min(_next(users, row), self.batch_size))

    def last_event_key(self) -> int:
        """The key of the event that arrived last; 0 where there is none."""
        return int(self._session.rows("SELECT coalesce(max(event_key), 0) FROM events")[0][0])

    def user_count(self) -> int:
        """How many users have an id, merged ones too."""
        return int(self._session.rows("SELECT count(*) FROM users")[0][0])

    def name_ids(self) -> dict[str, int]:
        """The number of each event name."""
        return dict(self._session.rows("SELECT name, name_id FROM event_names"))

    def _by_key(self, sql: str, after: int) -> Iterator[Row]:
        """Batches behind a key; the second column is the last key."""
        limit = min(_FIRST_ROWS, self.batch_size)
        while (row := self._row(sql, (after, limit), limit)) is None or row[0]:
            if row is None:
                limit //= 2
                continue
            yield row
            after = row[1]
            limit = max(1, min(_next(limit, row), self.batch_size))

    def _row(self, sql: str, parameters: tuple[int | str, int], size: int) -> Row | None:
        """One batch; None where it is larger than SQLite can join, and more than the least was asked for."""
        try:
            return self._session.row(sql, parameters)
        except StorageFailed as error:
            if error.metadata.get("sqlite_error") == "SQLITE_TOOBIG" and size > 1:
                return None
            raise


def ahead(batches: Iterator[T]) -> Iterator[T]:
    """The same, the next one made on a thread while one is used. The iterator is used by that thread alone."""
    with ThreadPoolExecutor(1, thread_name_prefix="segmentd-load") as thread:
        coming = thread.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = thread.submit(next, batches, None)
            yield batch


def _of_name(name_id: int, row: Row, *, properties: bool) -> EventBatch:
    keys = _numbers(row[1]) if properties else None
    return EventBatch(np.full(row[0], name_id), _numbers(row[2]), _numbers(row[3]), row[4], row[5], keys)


def _next(size: int, row: Row) -> int:
    """How much to ask for after a batch of this size."""
    volume = sum(len(each) for each in row if isinstance(each, str))
    if volume > 2 * _TARGET_BYTES:
        return size // 2
    return 2 * size if volume < _TARGET_BYTES // 2 else size


def _numbers(joined: Any) -> Keys:
    """Numbers joined by commas: int64 (n,)."""
    return np.array(orjson.loads(f"[{joined}]"), dtype=np.int64)
