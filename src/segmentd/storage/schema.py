"""The schema, as the list of its migrations. Released ones are never edited; a change is a new step at the end."""

from __future__ import annotations

import secrets
from typing import Final

from sqlite_utils import Database

from segmentd.storage.migrations import Migration
from segmentd.storage.movement_schema import movement
from segmentd.storage.snapshot_guard import guard_snapshots

# Tables that sqlite-utils cannot say: without rowid, deferred foreign keys, partial indexes.

_PROFILES = """
CREATE TABLE profiles (
    user_key INTEGER PRIMARY KEY REFERENCES users (user_key) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    attributes TEXT NOT NULL,
    derived TEXT NOT NULL,
    times TEXT NOT NULL,
    create_time INTEGER NOT NULL,
    update_time INTEGER NOT NULL
) STRICT
"""

# Two indexes are all that ingest pays for: message ids, and the order in which columns are loaded. The second
# covers a load that needs no property, and serves one user's events by a seek for each name.
_EVENTS = """
CREATE TABLE events (
    event_key INTEGER PRIMARY KEY,
    user_key INTEGER NOT NULL,
    name_id INTEGER NOT NULL,
    time INTEGER NOT NULL,
    received INTEGER NOT NULL,
    message_id TEXT,
    digest BLOB,
    rate TEXT,
    properties TEXT NOT NULL,
    context TEXT
) STRICT
"""
_EVENTS_BY_MESSAGE = "CREATE UNIQUE INDEX events_by_message ON events (message_id) WHERE message_id IS NOT NULL"

_SEGMENT_IDS = "CREATE UNIQUE INDEX segments_by_id ON segments (segment_id) WHERE deleted = 0"

_TRANSITIONS = """
CREATE TABLE transitions (
    revision INTEGER NOT NULL REFERENCES revisions (revision) DEFERRABLE INITIALLY DEFERRED,
    offset INTEGER NOT NULL,
    segment_key INTEGER NOT NULL,
    segment_version INTEGER NOT NULL,
    user_key INTEGER NOT NULL,
    entered INTEGER NOT NULL,
    effective_time INTEGER NOT NULL,
    cause TEXT NOT NULL,
    message_id TEXT,
    PRIMARY KEY (revision, offset)
) STRICT, WITHOUT ROWID
"""

# A switch is stored as blocks; one block takes `size` consecutive offsets, beginning with its own.
_SWITCHES = """
CREATE TABLE switches (
    revision INTEGER NOT NULL REFERENCES revisions (revision) DEFERRABLE INITIALLY DEFERRED,
    offset INTEGER NOT NULL,
    size INTEGER NOT NULL,
    segment_key INTEGER NOT NULL,
    from_version INTEGER NOT NULL,
    to_version INTEGER NOT NULL,
    entered INTEGER NOT NULL,
    effective_time INTEGER NOT NULL,
    cause TEXT NOT NULL,
    user_keys BLOB NOT NULL,
    PRIMARY KEY (revision, offset)
) STRICT
"""


def _foundation(database: Database) -> None:
    _create_facts(database)
    _create_definitions(database)
    _create_log(database)


def _create_facts(database: Database) -> None:
    tables = database.table
    tables("meta").create({"key": str, "value": bytes}, pk="key", not_null=["value"], strict=True)
    tables("counters").create({"name": str, "value": int}, pk="name", not_null=["value"], strict=True)
    tables("users").create({"user_key": int, "user_id": str}, pk="user_key", not_null=["user_id"], strict=True)
    tables("users").create_index(["user_id"], "users_by_id", unique=True)
    database.execute(_PROFILES)
    tables("event_names").create(
        {"name_id": int, "name": str, "events": int}, pk="name_id", not_null=["name", "events"], strict=True
    )
    tables("event_names").create_index(["name"], "event_names_by_name", unique=True)
    database.execute(_EVENTS)
    database.execute(_EVENTS_BY_MESSAGE)
    tables("events").create_index(["name_id", "user_key", "time"], "events_by_user")
    database.execute("INSERT INTO counters (name, value) VALUES ('user', 0), ('segment', 0)")
    for key, size in (("database_id", 16), ("hash_key", 16)):
        database.execute("INSERT INTO meta (key, value) VALUES (?, ?)", (key, secrets.token_bytes(size)))


def _create_definitions(database: Database) -> None:
    tables = database.table
    kinds = {"scope": str, "name": str, "kind": str, "declared": int}
    tables("kinds").create(kinds, pk=("scope", "name"), not_null=["scope", "name", "kind", "declared"], strict=True)
    segments = {"segment_key": int, "segment_id": str, "served_version": int, "deleted": int}
    tables("segments").create(segments, pk="segment_key", not_null=list(segments)[1:], strict=True)
    database.execute(_SEGMENT_IDS)
    versions = {"segment_key": int, "version": int, "definition": str, "state": str, "state_reason": str}
    versions |= {"author": str, "note": str, "create_time": int, "type_versions": str, "models": str}
    tables("segment_versions").create(versions, pk=("segment_key", "version"), not_null=list(versions), strict=True)
    models = {"model_key": str, "version": int, "type": str, "params": str, "data": str, "size": int}
    models |= {"summary": str, "fit_time": int}
    tables("models").create(models, pk=("model_key", "version"), not_null=list(models), strict=True)


def _create_log(database: Database) -> None:
    columns = {"revision": int, "instant": int}
    database.table("revisions").create(columns, pk="revision", not_null=["instant"], strict=True)
    database.execute(_TRANSITIONS)
    database.execute(_SWITCHES)
    database.table("transitions").create_index(
        ["segment_key", "revision", "offset", "user_key", "entered"], "transitions_by_segment"
    )
    database.table("switches").create_index(["segment_key", "revision", "offset"], "switches_by_segment")


MIGRATIONS: Final = (
    Migration(1, "foundation", _foundation),
    Migration(2, "movement", movement),
    Migration(3, "guarded snapshots", guard_snapshots),
)
