"""The second step of the schema: what movement needs besides the log itself."""

from __future__ import annotations

from typing import Final

from sqlite_utils import Database

# `recorded_time` is when a commit was made by the clock; its instant may lie before that, where deadlines were walked
# late. `walked_key` is set where a wave was cut inside one instant: users up to this key are judged at it.
_REVISIONS: Final = (
    "ALTER TABLE revisions ADD COLUMN recorded_time INTEGER NOT NULL DEFAULT 0",
    "UPDATE revisions SET recorded_time = instant",
    "ALTER TABLE revisions ADD COLUMN walked_key INTEGER",
)

# A block that an earlier release wrote may hold any key. `gaps` are the ranks of erased users, uint32 little-endian,
# ascending: their keys are gone from the block, their offsets are not given to others.
_SWITCHES: Final = (
    "ALTER TABLE switches ADD COLUMN first_key INTEGER NOT NULL DEFAULT 0",
    f"ALTER TABLE switches ADD COLUMN last_key INTEGER NOT NULL DEFAULT {2**63 - 1}",
    "ALTER TABLE switches ADD COLUMN gaps BLOB",
)
_TRANSITIONS_BY_USER: Final = "CREATE INDEX transitions_by_user ON transitions (user_key, revision, offset)"

# The members that a segment had at the end of `revision`, in packed blocks; the log of the segment goes on from there.
_BASELINES: Final = """
CREATE TABLE baselines (
    segment_key INTEGER NOT NULL,
    first_key INTEGER NOT NULL,
    last_key INTEGER NOT NULL,
    user_keys BLOB NOT NULL,
    PRIMARY KEY (segment_key, first_key)
) STRICT, WITHOUT ROWID
"""

# A profile that was merged into another has the key of the survivor.
_MERGED_USERS: Final = "ALTER TABLE users ADD COLUMN survivor_key INTEGER"

_LIST_MEMBERS: Final = """
CREATE TABLE list_members (
    list_key INTEGER NOT NULL REFERENCES user_lists (list_key) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    user_key INTEGER NOT NULL,
    PRIMARY KEY (list_key, user_key)
) STRICT, WITHOUT ROWID
"""

# For how long the events of a name are kept, as a duration such as 400d; absent: for ever.
_RETENTION: Final = "ALTER TABLE event_names ADD COLUMN keep TEXT"


def movement(database: Database) -> None:
    """Add the tables and columns of movement."""
    for statement in (*_REVISIONS, *_SWITCHES, _TRANSITIONS_BY_USER, _BASELINES, _MERGED_USERS, _RETENTION):
        database.execute(statement)
    tables = database.table
    compactions = {"segment_key": int, "revision": int}
    tables("compactions").create(compactions, pk="segment_key", not_null=["revision"], strict=True)
    tombstones = {"id_hash": bytes, "erase_time": int}
    tables("tombstones").create(tombstones, pk="id_hash", not_null=["erase_time"], strict=True)
    lists = {"list_key": int, "list_id": str, "description": str, "create_time": int, "update_time": int}
    tables("user_lists").create(lists, pk="list_key", not_null=list(lists)[1:], strict=True)
    tables("user_lists").create_index(["list_id"], "user_lists_by_id", unique=True)
    database.execute(_LIST_MEMBERS)
    tables("list_members").create_index(["user_key"], "list_members_by_user")
    groups = {"group_id": str, "version": int, "definition": str, "create_time": int, "update_time": int}
    tables("exclusive_groups").create(groups, pk="group_id", not_null=list(groups)[1:], strict=True)
    consumers = {"name": str, "revision": int, "offset": int, "delivered": int, "state": str}
    tables("consumers").create(consumers, pk="name", not_null=list(consumers)[1:], strict=True)
    letters = {"dead_letter_key": int, "consumer": str, "create_time": int, "attempts": int, "error": str}
    letters |= {"changes": str}
    tables("dead_letters").create(letters, pk="dead_letter_key", not_null=list(letters)[1:], strict=True)
    tables("dead_letters").create_index(["consumer", "dead_letter_key"], "dead_letters_by_consumer")
