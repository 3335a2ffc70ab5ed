"""What makes the database itself forget its snapshots when anybody changes what they hold: a table and triggers.

A start takes from the database whatever came after a snapshot: profiles written at a later instant, users and events
with higher keys, lists written at a later instant. The table says up to where each snapshot holds. A row that is
written within that, or is changed or taken out at all, makes the snapshot forgotten in the same transaction, whoever
writes it. The engine's own writes only add, or have forgotten the snapshots before.
"""

from __future__ import annotations

from typing import Final

from sqlite_utils import Database

# `place` is 1 for the one that a start takes, 2 for the one that is being written. `names` are so many event names up
# to `name_id`. `written` tells whether a profile was written after `instant`. `layout` is the schema version of the
# file: who lays out a table anew takes its triggers away, and who puts the rows into another file has another version.
_TABLE: Final = """
CREATE TABLE snapshots (
    place INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    layout INTEGER NOT NULL,
    instant INTEGER NOT NULL,
    user_key INTEGER NOT NULL,
    event_key INTEGER NOT NULL,
    name_id INTEGER NOT NULL,
    names INTEGER NOT NULL,
    written INTEGER NOT NULL
) STRICT
"""
_ANY: Final = "true"
_PROFILE: Final = "(new.update_time <= instant AND new.user_key <= user_key)"
_MOVED: Final = f"({_PROFILE} OR new.user_key <> old.user_key)"
_KNOWN_LIST: Final = "instant >= (SELECT update_time FROM user_lists WHERE list_key = {row}.list_key)"
_NAMES: Final = (
    "(new.name_id <= name_id OR names <> (SELECT count(*) FROM event_names AS e WHERE e.name_id <= snapshots.name_id))"
)
_OTHER_KIND: Final = "(new.kind IS NOT old.kind OR new.name IS NOT old.name OR new.scope IS NOT old.scope)"
_SAME_MODEL: Final = "EXISTS (SELECT 1 FROM models AS m WHERE (m.model_key, m.version) = (new.model_key, new.version))"
_SAME_NAME: Final = (
    "EXISTS (SELECT 1 FROM kinds AS k WHERE (k.scope, k.name) = (new.scope, new.name) AND k.kind IS NOT new.kind)"
)
# INSERT OR REPLACE takes rows out without a word. What comes in under the same key is looked at here. What comes in
# above all keys, with the id of a user or of a message that is there, is not: the start counts users and events.
_FORGET: Final = (
    ("AFTER INSERT", "users", "(new.user_key <= user_key OR new.survivor_key NOT NULL)"),
    ("AFTER UPDATE", "users", _ANY),
    ("AFTER DELETE", "users", _ANY),
    ("AFTER DELETE", "profiles", _ANY),
    ("AFTER INSERT", "events", "new.event_key <= event_key"),
    ("AFTER UPDATE", "events", _ANY),
    ("AFTER DELETE", "events", _ANY),
    ("AFTER INSERT", "event_names", _NAMES),
    ("AFTER UPDATE OF name_id, name", "event_names", _ANY),
    ("AFTER DELETE", "event_names", _ANY),
    ("AFTER INSERT", "user_lists", "new.update_time <= instant"),
    ("AFTER UPDATE", "user_lists", "new.update_time <= instant"),
    ("AFTER INSERT", "list_members", _KNOWN_LIST.format(row="new")),
    ("AFTER UPDATE", "list_members", _ANY),
    ("AFTER DELETE", "list_members", _KNOWN_LIST.format(row="old")),
    ("BEFORE INSERT", "models", _SAME_MODEL),
    ("AFTER UPDATE", "models", _ANY),
    ("AFTER DELETE", "models", _ANY),
    ("BEFORE INSERT", "kinds", _SAME_NAME),
    ("AFTER UPDATE", "kinds", _OTHER_KIND),
    ("AFTER DELETE", "kinds", _ANY),
)
_FORGETTING: Final = "DELETE FROM snapshots WHERE {terms};"
# A profile that is written later is no fault, but the next start has to look for it.
_NOTING: Final = "DELETE FROM snapshots WHERE {terms}; UPDATE snapshots SET written = 1 WHERE NOT written;"


def _trigger(event: str, table: str, terms: str, body: str, more: str = "") -> str:
    """It does nothing where no snapshot is concerned: then all it costs is a look at a table of two rows at most."""
    name = f"{table}_{event.split()[1].lower()}_forgets_snapshot"
    when = f"EXISTS (SELECT 1 FROM snapshots WHERE {terms}{more})"  # noqa: S608  (constants)
    return f"CREATE TRIGGER IF NOT EXISTS {name} {event} ON {table} WHEN {when} BEGIN {body.format(terms=terms)} END"


TRIGGERS: Final = (
    *(_trigger(event, table, terms, _FORGETTING) for event, table, terms in _FORGET),
    _trigger("AFTER INSERT", "profiles", _PROFILE, _NOTING, " OR NOT written"),
    _trigger("AFTER UPDATE", "profiles", _MOVED, _NOTING, " OR NOT written"),
)
"""Each is made where it is not there: who lays out a table anew takes its triggers away."""


def guard_snapshots(database: Database) -> None:
    """Add the table and the triggers; what the database named so far holds for nothing any more."""
    database.execute("DELETE FROM meta WHERE key IN ('snapshot', 'snapshot_begun')")
    database.execute(_TABLE)
    for trigger in TRIGGERS:
        database.execute(trigger)
