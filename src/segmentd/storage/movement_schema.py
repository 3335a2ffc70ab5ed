"""The second step of the schema: what movement needs besides the log itself."""

from __future__ import annotations

from typing import Final

from sqlite_utils import Database

from segmentd.storage import user_marks

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
    # Both say which blocks may matter without a look at their keys.
    "DROP INDEX switches_by_segment",
    "CREATE INDEX switches_by_segment ON switches (segment_key, revision, offset, size, first_key, last_key)",
    "CREATE INDEX switches_by_place ON switches (revision, offset, size, segment_key, first_key, last_key)",
)
_TRANSITIONS_BY_USER: Final = "CREATE INDEX transitions_by_user ON transitions (user_key, revision, offset)"

# How many moves were logged up to the end of a revision, for those that have any.
_LOG_SIZES: Final = (
    "CREATE TABLE log_sizes (revision INTEGER PRIMARY KEY, total INTEGER NOT NULL) STRICT",
    """
    INSERT INTO log_sizes (revision, total) SELECT revision, sum(sum(moves)) OVER (ORDER BY revision) FROM
    (SELECT revision, 1 AS moves FROM transitions UNION ALL SELECT revision, size FROM switches) GROUP BY revision
    """,
)

# The members that the compacted part of the log left in a segment, in packed blocks; what is left of the log goes on
# from there.
_BASELINES: Final = """
CREATE TABLE baselines (
    segment_key INTEGER NOT NULL,
    first_key INTEGER NOT NULL,
    last_key INTEGER NOT NULL,
    user_keys BLOB NOT NULL,
    PRIMARY KEY (segment_key, first_key)
) STRICT, WITHOUT ROWID
"""

# A profile that was merged into another has the key of the survivor, and since when it is nobody of its own.
_MERGED_USERS: Final = (
    "ALTER TABLE users ADD COLUMN survivor_key INTEGER",
    "ALTER TABLE users ADD COLUMN merge_time INTEGER",
)

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
    log = (*_REVISIONS, *_SWITCHES, _TRANSITIONS_BY_USER, *_LOG_SIZES, _BASELINES)
    for statement in (*log, user_marks.TABLE, user_marks.FILL, *_MERGED_USERS, _RETENTION):
        database.execute(statement)
    tables = database.table
    tombstones = {"id_hash": bytes, "erase_time": int, "user_keys": str}
    tables("tombstones").create(tombstones, pk="id_hash", not_null=["erase_time", "user_keys"], strict=True)
    lists = {"list_key": int, "list_id": str, "description": str, "create_time": int, "update_time": int}
    tables("user_lists").create(lists, pk="list_key", not_null=list(lists)[1:], strict=True)
    tables("user_lists").create_index(["list_id"], "user_lists_by_id", unique=True)
    database.execute(_LIST_MEMBERS)
    tables("list_members").create_index(["user_key"], "list_members_by_user")
    groups = {"group_id": str, "version": int, "definition": str, "create_time": int, "update_time": int}
    tables("exclusive_groups").create(groups, pk="group_id", not_null=list(groups)[1:], strict=True)
    consumers = {"name": str, "revision": int, "offset": int, "delivered": int, "disabled": int, "attempts": int}
    consumers |= {"failing_since": int, "failed": int, "error": str, "loss_time": int, "lost_after": int}
    consumers |= {"lost_until": int}
    tables("consumers").create(consumers, pk="name", not_null=list(consumers)[1:], strict=True)
    database.execute("INSERT INTO counters (name, value) VALUES ('dead_letter', 0)")
    letters = {"dead_letter_key": int, "consumer": str, "create_time": int, "attempts": int, "error": str}
    letters |= {"changes": str}
    tables("dead_letters").create(letters, pk="dead_letter_key", not_null=list(letters)[1:], strict=True)
    tables("dead_letters").create_index(["consumer", "dead_letter_key"], "dead_letters_by_consumer")
