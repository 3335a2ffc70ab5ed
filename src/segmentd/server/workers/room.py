"""Where engine and workers meet: the mapped memberships, the engine's socket and the file of counters."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

from segmentd.errors import StorageFailed
from segmentd.mapping.private_files import clear, make

_LONGEST_SOCKET: Final = 100
"""The most bytes in the path of a Unix socket, by the system that takes the fewest (103 on macOS, 107 on Linux)."""


class Room:
    """A directory that only its owner enters: `<database>.workers`, on a disk where the database is already.

    For a database in memory it is a temporary one.
    """

    def __init__(self, database: Path) -> None:
        """Made anew; to be closed. Raises StorageFailed."""
        self._temporary: list[Path] = []
        self._directory = self._made() if str(database) == ":memory:" else _beside(database)
        make(self._directory)
        self.mapped = self._directory / "mapped"
        self.tallies = self._directory / "tallies"
        near = self._directory / "engine.sock"
        self.socket = near if len(os.fsencode(near)) <= _LONGEST_SOCKET else self._made() / "engine.sock"

    @staticmethod
    def clear(database: Path) -> None:
        """Remove what a server that was killed left behind, if it is not in use. Raises StorageFailed."""
        clear(_beside(database))

    def close(self) -> None:
        """Remove everything; what is mapped stays so until whoever mapped it ends."""
        for each in (self._directory, *self._temporary):
            shutil.rmtree(each, ignore_errors=True)

    def _made(self) -> Path:
        try:
            made = Path(tempfile.mkdtemp(prefix="segmentd-"))
        except OSError as error:
            raise StorageFailed(f"a temporary directory cannot be made: {error}") from error
        self._temporary.append(made)
        return made


def _beside(database: Path) -> Path:
    return database.absolute().with_name(database.name + ".workers")
