"""Whether the write-ahead log beside a database is of that file: a backup may have been copied over the database.

SQLite replays whatever log lies beside a file; what a killed server left would corrupt a file put in its place. So
each start draws a mark, which is in the file itself before anything else is written, and in `<database>.lock`. A copy
has the mark of an earlier start. A copy that SQLite made while the server ran (VACUUM INTO) has the mark of this one,
but is in another journal mode. Nothing is removed here: that is for
whoever restored it.
"""

from __future__ import annotations

import secrets
from contextlib import closing
from pathlib import Path
from typing import Final

from segmentd.errors import StorageFailed
from segmentd.storage.driver import sqlite
from segmentd.storage.lock import FileLock

_KEY: Final = "start_mark"
_NONE: Final = "none"
"""The mark of a file that has none yet."""
_SELECT: Final = "SELECT value FROM meta WHERE key = ?"
_SET: Final = "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
_WRITE_VERSION: Final = 18
"""Where the header of the file says how it is written to: 1 for a rollback journal, 2 for a write-ahead log."""


def check_left_log(file: Path, lock: FileLock) -> None:
    """To be called before the file is opened. Raises StorageFailed where the log beside it is of another one."""
    log = Path(f"{file}-wal")
    if not lock.marks or not log.exists() or not log.stat().st_size or not file.exists():
        return
    mark = _mark_in(file)
    if _write_version(file) == b"\1" or (mark is not None and mark not in lock.marks):
        raise StorageFailed(
            f"cannot open {file}: {log.name} was left by a server that was killed, and belongs to another state of "
            f"the database than this file; after a backup was restored, remove {log.name} and {file.name}-shm, and "
            f"start again (where both were restored together, remove {lock.path.name} instead)"
        )


def draw_mark(connection: sqlite.Connection, lock: FileLock) -> None:
    """Mark the file for this start, once its log is replayed. Raises sqlite.Error, OSError."""
    found = connection.execute(_SELECT, (_KEY,)).fetchone()
    before, mark = found[0].decode() if found else _NONE, secrets.token_hex(16)
    lock.note_marks({*lock.marks, before, mark})  # whichever the file has, should this process be killed just now
    connection.execute(_SET, (_KEY, mark.encode()))
    [busy, *_] = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if not busy:
        lock.note_marks({mark})


def _write_version(file: Path) -> bytes:
    """One byte; none of an empty file."""
    with file.open("rb") as opened:
        opened.seek(_WRITE_VERSION)
        return opened.read(1)


def _mark_in(file: Path) -> str | None:
    """The mark in the file alone, without its log; None where it cannot be read: a checkpoint may have been cut."""
    try:
        uri = f"{file.absolute().as_uri()}?mode=ro&immutable=1"
        with closing(sqlite.connect(uri, uri=True)) as connection:
            found = connection.execute(_SELECT, (_KEY,)).fetchone()
    except sqlite.Error:
        return None
    return found[0].decode() if found else _NONE
