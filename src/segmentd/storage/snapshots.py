"""The snapshot beside the database: which file holds for it, and when none does any more.

The database names the file that it can be started from, so that file and database cannot be of two states. The name
is a random one. It stands for everything that is stored at its revision; what only adds to that (users, profiles,
events, definitions) may come after it, and a start reads it from the database. Whatever takes away or changes what was
stored before (erasing, merging, taking out old events, another kind for an attribute) forgets the name in its own
transaction, and removes the files before that is committed.
"""

from __future__ import annotations

import logging
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

from segmentd.errors import StorageFailed
from segmentd.storage.part import Part

_CURRENT: Final = "snapshot"
_BEGUN: Final = "snapshot_begun"
_SUFFIX: Final = ".columns"
_SELECT: Final = "SELECT value FROM meta WHERE key = ?"
_SET: Final = "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
_FORGET: Final = "DELETE FROM meta WHERE key IN (?, ?)"
_log = logging.getLogger(__name__)


class Snapshots(Part):
    """The folder `<database>.snapshot`, and two values of `meta`. A database in memory has none."""

    _database: Path | None = None

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

    def begin_snapshot(self) -> Path | None:
        """Where to write the next one, in a transaction of its own; None for a database in memory.

        Raises OSError and StorageFailed where there can be none.
        """
        folder = self.snapshot_folder
        if folder is None:
            return None
        folder.mkdir(mode=0o700, exist_ok=True)
        current = self.snapshot()
        self._clear({current} if current is not None and current.is_file() else set())
        name = secrets.token_hex(16)
        with self._session.transaction():
            self._session.write(_SET, (_BEGUN, name.encode()))
        return folder / f"{name}{_SUFFIX}"

    def snapshot_begun(self) -> Path | None:
        """The file that is being written; None where what it would hold was forgotten meanwhile."""
        return self._named(_BEGUN)

    def finish_snapshot(self, path: Path) -> bool:
        """Let the database be started from this file, which is on the disk; False where it does not hold any more."""
        if self.snapshot_begun() != path:
            return False
        _sync(path.parent)
        with self._session.transaction():
            self._session.write(_SET, (_CURRENT, path.name.removesuffix(_SUFFIX).encode()))
            self._session.write("DELETE FROM meta WHERE key = ?", (_BEGUN,))
        try:
            self._clear({path})
        except StorageFailed as error:  # the new one holds all the same
            _log.warning("%s", error)
        return True

    def drop_snapshot(self) -> None:
        """Forget in the open transaction that there are any, and remove the files."""
        self._session.write(_FORGET, (_CURRENT, _BEGUN))
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

    def _named(self, key: str) -> Path | None:
        folder = self.snapshot_folder
        found = self._session.row(_SELECT, (key,)) if folder is not None else None
        return folder / f"{bytes(found[0]).decode()}{_SUFFIX}" if found is not None and folder is not None else None

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
