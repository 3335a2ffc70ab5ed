"""What another program may do with a database file while no server runs."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from segmentd.storage.opening import APPLICATION_ID

KEY: Final = "(SELECT user_key FROM users WHERE user_id = '{}')".format
"""The key of a user."""
AGED: Final = """attributes = json_set(attributes, '$.age', {}) WHERE user_key = {}""".format
"""That a user is of another age."""
_EVENT = "(SELECT event_key FROM events WHERE user_key = {})".format
_BETA = "(SELECT list_key FROM user_lists WHERE list_id = 'beta')"
_LIST_LATER = "UPDATE user_lists SET update_time = update_time + 1e14"
_PROFILE = "profiles (user_key, attributes, derived, times, create_time, update_time)"
_INSERT_EVENT = "INSERT INTO events (event_key, user_key, name_id, time, received, properties) "
_LIKE = "user_key, name_id, time, received, properties FROM events LIMIT 1"
_NEW_USER = "INSERT INTO users (user_key, user_id) VALUES ({}, 'x')".format

EDITS: Final = {
    "a profile": f"UPDATE profiles SET {AGED(901, KEY('u1'))}",
    "a profile at the next instant": f"UPDATE profiles SET update_time = update_time + 1, {AGED(901, KEY('u1'))}",
    "a profile some years later": f"UPDATE profiles SET update_time = update_time + 1e14, {AGED(901, KEY('u1'))}",
    "a profile some years ago": f"UPDATE profiles SET update_time = 5, {AGED(901, KEY('u1'))}",
    "a profile by an upsert": f"INSERT INTO {_PROFILE} SELECT user_key, '{{}}', '{{}}', '{{}}', 1, 1 FROM profiles"
    " WHERE true ON CONFLICT (user_key) DO UPDATE SET attributes = excluded.attributes",
    "a profile by a replacement": f"INSERT OR REPLACE INTO {_PROFILE}"
    f" VALUES ({KEY('u1')}, '{{}}', '{{}}', '{{}}', 1, 1)",
    "a profile by one of later": f"INSERT OR REPLACE INTO {_PROFILE}"
    f" VALUES ({KEY('u1')}, '{{}}', '{{}}', '{{}}', 1, 9e15)",
    "a profile for another": f"DELETE FROM profiles WHERE user_key = {KEY('u1')}; INSERT INTO {_PROFILE}"
    f" VALUES ({KEY('u1')}, '{{\"age\":77}}', '{{}}', '{{}}', 1, 1)",
    "two profiles": "UPDATE profiles SET user_key = -user_key WHERE user_key < 3;"
    "UPDATE profiles SET user_key = 3 + user_key WHERE user_key < 0",
    "an event's time": "UPDATE events SET time = 5",
    "an event's properties": "UPDATE events SET properties = json_set(properties, '$.sku', 'u2')",
    "an event's user": f"UPDATE events SET user_key = {KEY('u3')} WHERE user_key = {KEY('u4')}",
    "an event's name": "INSERT OR IGNORE INTO event_names (name, events) VALUES ('See', 0); UPDATE events SET name_id ="
    f" (SELECT name_id FROM event_names WHERE name = 'See') WHERE user_key = {KEY('u4')}",
    "an event for another": f"DELETE FROM events WHERE user_key = {KEY('u4')};"
    f"{_INSERT_EVENT} SELECT NULL, {KEY('u3')}, name_id, time, received, properties FROM events LIMIT 1",
    "an event by a replacement": f"INSERT OR REPLACE INTO events (event_key, user_key, name_id, time, received,"
    f" properties) SELECT 1, {KEY('u3')}, name_id, 5, received, properties FROM events LIMIT 1",
    "an event by another of its message": "INSERT OR REPLACE INTO events (user_key, name_id, time, received,"
    f" message_id, properties) SELECT {KEY('u3')}, name_id, time, received, message_id, properties FROM events"
    " LIMIT 1",
    "an event by another name of its message": "INSERT INTO event_names (name, events) VALUES ('Refund', 1);"
    "INSERT OR REPLACE INTO events (user_key, name_id, time, received, message_id, properties) SELECT user_key,"
    " (SELECT name_id FROM event_names WHERE name = 'Refund'), time, received, message_id, properties FROM events"
    f" WHERE user_key = {KEY('u4')}",
    "an event by another of its message, counted": "INSERT OR REPLACE INTO events (user_key, name_id, time, received,"
    f" message_id, properties) SELECT {KEY('u3')}, name_id, time, received, message_id, properties FROM events"
    f" WHERE user_key = {KEY('u4')}; UPDATE event_names SET events = events + 1",
    "an event more": f"{_INSERT_EVENT} SELECT NULL, {_LIKE}",
    "an event more, counted": f"{_INSERT_EVENT} SELECT NULL, {_LIKE}; UPDATE event_names SET events = events + 1",
    "an event before all": f"{_INSERT_EVENT} SELECT -7, {_LIKE}",
    "an event before all, counted": f"{_INSERT_EVENT} SELECT -7, {_LIKE};UPDATE event_names SET events = events + 1",
    "an event less": "DELETE FROM events WHERE event_key = 3",
    "all events": "DELETE FROM events",
    "the name of all events": "UPDATE event_names SET name = 'Saw' WHERE name = 'Buy'",
    "the name of all events by a replacement": "INSERT OR REPLACE INTO event_names (name_id, name, events) VALUES"
    " (1, 'Saw', 20)",
    "the number of a name": "INSERT OR REPLACE INTO event_names (name_id, name, events) VALUES (9, 'Buy', 20)",
    "an entry of a list": f"INSERT INTO list_members VALUES ({_BETA}, {KEY('u10')})",
    "an entry of a list for another": f"DELETE FROM list_members WHERE user_key = {KEY('u3')};"
    f"INSERT INTO list_members VALUES ({_BETA}, {KEY('u10')})",
    "an entry of a list by an update": f"UPDATE list_members SET user_key = {KEY('u10')} WHERE user_key = {KEY('u3')}",
    "an entry of a list that changed later": f"{_LIST_LATER};INSERT INTO list_members VALUES ({_BETA}, {KEY('u10')})",
    "a list": "DELETE FROM user_lists; DELETE FROM list_members",
    "a list for another": "DELETE FROM user_lists; DELETE FROM list_members; INSERT INTO user_lists"
    f" SELECT 1, 'beta', '', 1, 1; INSERT INTO list_members VALUES (1, {KEY('u10')})",
    "a list behind its entries": "CREATE TEMP TABLE old AS SELECT * FROM user_lists; DELETE FROM user_lists;"
    f"INSERT INTO list_members VALUES (1, {KEY('u10')}); INSERT INTO user_lists SELECT * FROM old",
    "the id of a list": "UPDATE user_lists SET list_id = 'delta' WHERE list_id = 'beta'",
    "the id of a user": "UPDATE users SET user_id = 'somebody' WHERE user_id = 'u1'",
    "the ids of two users": "UPDATE users SET user_id = 'somebody' WHERE user_id = 'u1';"
    "UPDATE users SET user_id = 'u1' WHERE user_id = 'u30';"
    "UPDATE users SET user_id = 'u30' WHERE user_id = 'somebody'",
    "a user by a replacement": f"INSERT OR REPLACE INTO users (user_key, user_id) VALUES ({KEY('u1')}, 'x')",
    "a user more": f"{_NEW_USER(5000)}; INSERT INTO {_PROFILE} VALUES (5000, '{{\"age\":50}}', '{{}}', '{{}}', 1, 1);"
    f"{_INSERT_EVENT} SELECT NULL, 5000, name_id, time, received, properties FROM events LIMIT 1",
    "a user before all": _NEW_USER(-5),
    "a user for another": f"DELETE FROM profiles WHERE user_key = {KEY('u7')}; DELETE FROM users WHERE user_id = 'u7';"
    f"{_NEW_USER(5000)}",
    "a merge": f"UPDATE users SET survivor_key = {KEY('u2')}, merge_time = 5 WHERE user_id = 'u1'",
    "a user more, merged": f"INSERT INTO users VALUES (5000, 'x', {KEY('u2')}, 5)",
    "the kind of an attribute": "UPDATE kinds SET kind = 'text' WHERE name = 'age'",
    "a kind less": "DELETE FROM kinds WHERE scope = 'Buy'",
    "a kind by a replacement": "INSERT OR REPLACE INTO kinds VALUES ('Buy', 'sku', 'flag', 0)",
    "without triggers": f"DROP TRIGGER profiles_update_forgets_snapshot; UPDATE profiles SET {AGED(901, KEY('u1'))}",
    "a table laid out anew": "CREATE TABLE other AS SELECT * FROM users; DROP TABLE users; ALTER TABLE other RENAME TO"
    " users; UPDATE users SET user_id = 'somebody' WHERE user_id = 'u1'",
}
"""SQL by what it changes, for the users, events and lists of the tests beside."""


def edit(path: Path, sql: str) -> None:
    """What somebody does with the file, by the library that Python brings."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(sql)


TWICE: Final = {
    "a user more, then another age": (
        f"{_NEW_USER(5000)}; INSERT INTO {_PROFILE} VALUES (5000, '{{\"age\":50}}', '{{}}', '{{}}', 1, 1)",
        "UPDATE profiles SET attributes = '{\"age\":5}' WHERE user_key = 5000",
    ),
    "a user more, then another id": (
        f"{_NEW_USER(5000)}; INSERT INTO {_PROFILE} VALUES (5000, '{{\"age\":50}}', '{{}}', '{{}}', 1, 1)",
        "INSERT OR REPLACE INTO users (user_key, user_id) VALUES (5000, 'y')",
    ),
    "a list of later, then an entry": (
        f"{_LIST_LATER}; INSERT INTO list_members VALUES ({_BETA}, {KEY('u10')})",
        f"INSERT INTO list_members VALUES ({_BETA}, {KEY('u11')})",
    ),
}
"""Two edits each, with a start and a stop between them."""


def restored(path: Path, old: str, new: str) -> None:
    """The database put together anew from its dump, in which a text is replaced; its snapshot stays."""
    with closing(sqlite3.connect(path)) as connection:
        dump = "\n".join(connection.iterdump())
    assert old in dump
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    edit(path, f"{dump.replace(old, new)}; PRAGMA application_id = {APPLICATION_ID}")


def copied(files: Path, folder: Path) -> Path:
    """All files of a database, elsewhere."""
    target = folder / files.name
    for suffix in ("", "-wal"):
        if Path(f"{files}{suffix}").exists():
            shutil.copy(f"{files}{suffix}", f"{target}{suffix}")
    shutil.copytree(f"{files}.snapshot", f"{target}.snapshot")
    return target
