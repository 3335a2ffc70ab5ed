"""The lock that keeps a second server away from the same database file."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Collection
from pathlib import Path
from typing import Final

from segmentd.errors import StorageFailed

_ENOUGH: Final = 65_536


class FileLock:
    """An exclusive flock on `<database>.lock`; the kernel drops it when the process ends, however it ends.

    The file stays behind: removing it would let two processes lock two files of one name.
    """

    def __init__(self, database: Path) -> None:
        """Take the lock at once. Raises StorageFailed when it is taken or cannot be made."""
        self.path = Path(f"{database}.lock")
        try:
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StorageFailed(f"cannot lock {database}: {self.path}: {error.strerror}") from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._descriptor, 20, 0).decode("ascii", "replace").partition("\n")[0]
            os.close(self._descriptor)
            raise StorageFailed(f"{database} is in use by another segmentd (process {holder or 'unknown'})") from error
        _, *marks = os.pread(self._descriptor, _ENOUGH, 0).decode("ascii", "replace").split("\n")[:-1] or [""]
        self.marks = frozenset(marks)
        """Those that were noted last, maybe by an earlier holder: one of them is in the database file."""
        self.note_marks(self.marks)

    def note_marks(self, marks: Collection[str]) -> None:
        """Write which marks the database file may have, for the next holder; durable on return. Raises OSError."""
        text = "".join(f"{line}\n" for line in (os.getpid(), *sorted(marks))).encode()
        os.pwrite(self._descriptor, text, 0)
        os.ftruncate(self._descriptor, len(text))
        os.fsync(self._descriptor)
        self.marks = frozenset(marks)

    def release(self) -> None:
        """Give the lock up; calling it again does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
