"""Where engine and workers meet: the mapped memberships, the engine's socket and the file of counters."""

from __future__ import annotations

import os
import re
import secrets
import tempfile
from pathlib import Path
from typing import Final

from segmentd.errors import StorageFailed
from segmentd.mapping.private_files import Contents, check, clear, leave, make
from segmentd.mapping.publisher import MAPPED

_LONGEST_SOCKET: Final = 100
"""The most bytes in the path of a Unix socket, by the system that takes the fewest (103 on macOS, 107 on Linux)."""
_SOCKET: Final = "engine.sock"
_TRACE: Final = "elsewhere"
"""A link to the directory of a socket that is elsewhere, for the next start to find what a kill left there."""
_FAR: Final = re.compile("segmentd-[0-9a-f]{16}")
_FAR_CONTENTS: Final = Contents(re.compile(re.escape(_SOCKET)))
_CONTENTS: Final = Contents(re.compile(f"tallies|{_TRACE}|{re.escape(_SOCKET)}"), {"mapped": MAPPED})


class Room:
    """A directory that only its owner enters: `<database>.workers`, on a disk where the database is already.

    For a database in memory it is a temporary one.
    """

    def __init__(self, database: Path) -> None:
        """Made anew; to be closed. Raises StorageFailed."""
        self._directory = _temporary() if str(database) == ":memory:" else _beside(database)
        self._far: Path | None = None
        _clear(self._directory)
        make(self._directory, _CONTENTS)
        self.mapped = self._directory / "mapped"
        self.tallies = self._directory / "tallies"
        near = self._directory / _SOCKET
        self.socket = near if len(os.fsencode(near)) <= _LONGEST_SOCKET else self._elsewhere() / _SOCKET

    @staticmethod
    def clear(database: Path) -> None:
        """Remove what a server that was killed left behind, if it is not in use. Raises StorageFailed."""
        _clear(_beside(database))

    def close(self) -> None:
        """Remove everything of ours; what is mapped stays so until whoever mapped it ends."""
        if self._far is not None:
            leave(self._far, _FAR_CONTENTS)
        leave(self._directory, _CONTENTS)

    def _elsewhere(self) -> Path:
        """A directory with a short path."""
        self._far = _temporary()
        try:
            (self._directory / _TRACE).symlink_to(self._far)  # first: whenever a kill comes, there is a trace
        except OSError as error:
            raise StorageFailed(f"{self._directory / _TRACE} cannot be made: {error}") from error
        make(self._far, _FAR_CONTENTS)
        return self._far


def _clear(directory: Path) -> None:
    if not check(directory, _CONTENTS):
        return
    trace = directory / _TRACE
    if trace.is_symlink() and _FAR.fullmatch((far := trace.readlink()).name):
        clear(far, _FAR_CONTENTS)
    clear(directory, _CONTENTS)


def _temporary() -> Path:
    """A path that nobody can guess. Raises StorageFailed."""
    try:
        return Path(tempfile.gettempdir()) / f"segmentd-{secrets.token_hex(8)}"
    except OSError as error:
        raise StorageFailed(f"a temporary directory cannot be made: {error}") from error


def _beside(database: Path) -> Path:
    return database.absolute().with_name(database.name + ".workers")
