"""Opening a database file: lock, connection, pragmas, and a clear error for whatever is no database of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from segmentd.errors import StorageFailed
from segmentd.storage.driver import OLDEST, sqlite

MEMORY: Final = ":memory:"
APPLICATION_ID: Final = 0x7365676D
"""The bytes "segm" in the file's header."""
CACHE_KIB: Final = 128 * 1024
_CHECKPOINT_PAGES = 65_536
"""256 MiB of WAL: a page that many commits touch is then written back once, not once a commit. Among ten million
events, whose indexes are touched all over, an event costs 8 KiB of writing, and 15 KiB with a quarter of this."""
WAL_BYTES: Final = 2 * _CHECKPOINT_PAGES * 4096
"""No longer than this should the file of the WAL be."""

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    # What is deleted is overwritten; `purge` sees to what page splits leave behind.
    "PRAGMA secure_delete = ON",
    "PRAGMA temp_store = FILE",
    f"PRAGMA cache_size = -{CACHE_KIB}",
    f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}",
    f"PRAGMA journal_size_limit = {WAL_BYTES}",
)
READING_CACHE_KIB: Final = 8 * 1024
_READING_PRAGMAS = (
    "PRAGMA query_only = ON",
    # Only the connection that writes may checkpoint: with two, releases before 3.51.3 can corrupt the file.
    "PRAGMA wal_autocheckpoint = 0",
    "PRAGMA temp_store = FILE",
    f"PRAGMA cache_size = -{READING_CACHE_KIB}",
)


def check_folder(path: Path) -> None:
    """Refuse a path where no file can be. Raises StorageFailed."""
    if path.is_dir():
        raise StorageFailed(f"cannot open {path}: it is a folder")
    if not path.parent.is_dir():
        raise StorageFailed(f"cannot open {path}: the folder {path.parent} does not exist")


def connect(path: Path | None) -> sqlite.Connection:
    """A connection ready for writing; None is a database in memory. Raises StorageFailed with the reason.

    It may be used by another thread than this one, but only by one at a time.
    """
    if sqlite.sqlite_version_info < OLDEST:
        raise StorageFailed(f"SQLite {sqlite.sqlite_version} is too old; install pysqlite3-binary")
    name = MEMORY if path is None else str(path)
    try:
        connection = sqlite.connect(name, isolation_level=None, check_same_thread=False)
    except sqlite.Error as error:
        raise StorageFailed(f"cannot open {name}: {error}") from error
    try:
        _prepare(connection, name)
    except sqlite.Error as error:
        connection.close()
        raise StorageFailed(f"cannot open {name}: {error}") from error
    except StorageFailed:
        connection.close()
        raise
    return connection


def connect_reading(path: Path) -> sqlite.Connection:
    """A second connection to a file that `connect` has opened: for reading alone. Raises StorageFailed.

    It may be used by another thread than this one, but only by one at a time.
    """
    try:
        uri = f"{path.absolute().as_uri()}?mode=ro"
        connection = sqlite.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        for pragma in _READING_PRAGMAS:
            connection.execute(pragma).fetchall()
    except sqlite.Error as error:
        raise StorageFailed(f"cannot read {path}: {error}") from error
    return connection


def _prepare(connection: sqlite.Connection, name: str) -> None:
    """Look before anything is written, so that a foreign file stays as it was."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if tables and application != APPLICATION_ID:
        raise StorageFailed(f"cannot open {name}: it is an SQLite database, but not one of segmentd")
    for pragma in _PRAGMAS:
        connection.execute(pragma).fetchall()
    mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    if name != MEMORY and mode != "wal":
        raise StorageFailed(f"cannot open {name}: its file system has no write-ahead log (journal mode {mode})")
    connection.execute("BEGIN IMMEDIATE")
    # Written back although unchanged: a file that cannot be written is found out now, not at the first commit.
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("COMMIT")
