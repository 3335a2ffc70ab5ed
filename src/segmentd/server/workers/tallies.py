"""Counts of what workers did, in a file that all of them map: a worker that is killed takes nothing with it."""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import Final

ANSWERED, FORWARDED, ENDED = range(3)
"""Calls answered from mapped memberships, calls handed to the engine, workers that ended by an error or a kill."""
_FIELDS: Final = 8
_WORD: Final = 8


class Tallies:
    """Eight int64 for each worker; each of them is written by one process only: the worker, or the engine."""

    def __init__(self, path: Path) -> None:
        """Map the file. Raises OSError."""
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            self._page = mmap.mmap(descriptor, 0)
        finally:
            os.close(descriptor)
        self._counts = memoryview(self._page).cast("q")

    @staticmethod
    def make(path: Path, workers: int) -> None:
        """A file of zeros. Raises OSError."""
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(bytes(workers * _FIELDS * _WORD))

    def of(self, worker: int) -> memoryview:
        """The counts of one worker."""
        return self._counts[worker * _FIELDS : (worker + 1) * _FIELDS]
