"""The snapshot beside the database: which file holds for it, and when none does any more.

The database names the file that it can be started from, so that file and database cannot be of two states. The name
is a random one. It stands for everything that is stored at its revision; what only adds to that (users, profiles,
events, definitions) may come after it, and a start reads it from the database. Whatever takes away or changes what was
stored before (erasing, merging, taking out old events, another kind for an attribute) forgets the name in its own
transaction, and removes the files before that is committed. Where another program does, triggers forget the name
(`snapshot_guard`). What it writes while this one runs is not in memory, which is of no use for a snapshot from then on.
"""

from __future__ import annotations

import logging
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

from segmentd.errors import StorageFailed
from segmentd.storage.meta import Meta
from segmentd.storage.snapshot_guard import TRIGGERS

_CURRENT: Final = 1
_BEGUN: Final = 2
_SUFFIX: Final = ".columns"
_SELECT: Final = "SELECT name, layout FROM snapshots WHERE place = ?"
_WRITTEN: Final = "SELECT 1 FROM snapshots WHERE place = ? AND written"
_BEGIN: Final = """
INSERT OR REPLACE INTO snapshots (place, name, layout, instant, user_key, event_key, name_id, names, written)
SELECT ?, ?, ?, ?, ?, (SELECT coalesce(max(event_key), 0) FROM events), coalesce(max(name_id), 0), count(*), 0
FROM event_names
"""
_FINISH: Final = "UPDATE OR REPLACE snapshots SET place = ? WHERE place = ?"
_FORGET: Final = "DELETE FROM snapshots"
# All are counted by the smallest index, a page at a time, which costs a tenth of counting those up to a key.
_EVENTS_UNTIL: Final = "SELECT (SELECT count(*) FROM events) - (SELECT count(*) FROM events WHERE event_key > ?)"
_OWN_VERSIONS: Final = 2**29
"""Schema versions from here on are drawn. SQLite counts from 0 in a file that is made of the statements of a dump."""
_log = logging.getLogger(__name__)


class Snapshots(Meta):
    """The folder `<database>.snapshot`, and table `snapshots`. A database in memory has none."""

    _database: Path | None = None
    _opened_at: int | None = None
    """The version of the data when the database was opened, see `_data_version`."""

    @property
    def snapshot_folder(self) -> Path | None:
        """Where snapshots are; None for a database in memory."""
        return None if self._database is None else Path(f"{self._database}.snapshot")

    @property
    def file_mode(self) -> int:
        """The permissions of the database file, which a copy of what it holds has too."""
        return self._database.stat().st_mode & 0o777 if self._database is not None else 0o600

    def snapshot(self) -> Path | None:
        """The file that holds for the database, which may be missing; None where there is none."""
        return self._named(_CURRENT)

    def snapshot_files(self) -> bool:
        """Whether there are any files where snapshots are, of whatever; no where that cannot be said."""
        folder = self.snapshot_folder
        with suppress(OSError):
            return folder is not None and folder.is_dir() and any(folder.iterdir())
        return False

    def written_since_snapshot(self) -> bool:
        """Whether profiles were written after the instant of the snapshot, by whomever."""
        return self._session.row(_WRITTEN, (_CURRENT,)) is not None

    def events_until(self, event_key: int) -> int:
        """How many events are stored up to this key: 7 ms of CPU for a million, and what those behind it cost."""
        return int(self._session.rows(_EVENTS_UNTIL, (event_key,))[0][0])

    def begin_snapshot(self, user_key: int) -> Path | None:
        """Where to write the next one, in a transaction of its own; None for a database in memory.

        `user_key` is the last one that memory knows. Raises OSError and StorageFailed where there can be none: also
        where another program wrote into the database.
        """
        folder = self.snapshot_folder
        if folder is None:
            return None
        folder.mkdir(mode=0o700, exist_ok=True)
        current = self.snapshot()
        self._clear({current} if current is not None and current.is_file() else set())
        name = secrets.token_hex(16)
        with self._session.transaction():
            if self._data_version() != self._opened_at:
                raise StorageFailed("another program has written to the database file, or emptied its log")
            for trigger in TRIGGERS:
                self._session.write(trigger)
            self._mark_file()
            self._session.write(_BEGIN, (_BEGUN, name, self._layout(), self.state().instant, user_key))
        return folder / f"{name}{_SUFFIX}"

    def snapshot_begun(self) -> Path | None:
        """The file that is being written; None where what it would hold was forgotten meanwhile."""
        return self._named(_BEGUN)

    def finish_snapshot(self, path: Path) -> bool:
        """Let the database be started from this file, which is on the disk; False where it does not hold any more."""
        _sync(path.parent)
        with self._session.transaction():
            if self.snapshot_begun() != path or self._data_version() != self._opened_at:
                return False
            self._session.write(_FINISH, (_CURRENT, _BEGUN))
        try:
            self._clear({path})
        except StorageFailed as error:  # the new one holds all the same
            _log.warning("%s", error)
        return True

    def drop_snapshot(self) -> None:
        """Forget in the open transaction that there are any, and remove the files."""
        self._session.write(_FORGET)
        self._clear(set())

    def remove_snapshots(self) -> None:
        """Forget that there are any, in a transaction of its own, and remove the files and their folder."""
        folder = self.snapshot_folder
        if folder is None or not folder.is_dir():
            return
        with self._session.transaction():
            self.drop_snapshot()
        with suppress(OSError):  # what is no snapshot may be in it
            folder.rmdir()

    def _named(self, place: int) -> Path | None:
        """Without what the triggers may not have seen: where the schema is another, or the file, not all were there."""
        folder = self.snapshot_folder
        found = self._session.row(_SELECT, (place,)) if folder is not None else None
        if found is None or folder is None or found[1] != self._layout():
            return None
        return folder / f"{found[0]}{_SUFFIX}"

    def _mark_file(self) -> None:
        """Give the file a schema version of its own. A copy has it too; no dump tells it, whatever rows are in that."""
        if self._layout() < _OWN_VERSIONS:
            self._session.write(f"PRAGMA schema_version = {_OWN_VERSIONS + secrets.randbelow(_OWN_VERSIONS)}")

    def _layout(self) -> int:
        """A number that every change of the schema raises."""
        return self._number("schema_version")

    def _data_version(self) -> int:
        """A number that is another one once any other connection has changed the file."""
        return self._number("data_version")

    def _number(self, pragma: str) -> int:
        return int(self._session.rows(f"PRAGMA {pragma}")[0][0])

    def _clear(self, kept: set[Path | None]) -> None:
        folder = self.snapshot_folder
        if folder is None or not folder.is_dir():
            return
        try:
            for each in folder.iterdir():
                if each not in kept:
                    _remove(each)
        except OSError as error:
            raise StorageFailed(f"an old snapshot cannot be removed: {error}") from error


def _remove(path: Path) -> None:
    """A folder goes where it is empty: no snapshot is one, so what is in it is none of ours. Raises OSError."""
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
        return
    with suppress(OSError):
        path.rmdir()


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
