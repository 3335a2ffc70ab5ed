"""A disk on which no mapped file fits any more."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from segmentd.errors import StorageFailed
from segmentd.mapping import private_files


class Disk:
    """So many files fit that are `left`, None: all; and none whose name begins with one of `refused`."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.left: int | None = None
        self.refused: tuple[str, ...] = ()
        self._create = private_files.create
        patch.setattr(private_files, "create", self._created)

    def _created(self, path: Path, size: int) -> int:
        if self.left == 0 or path.name.startswith(self.refused):
            raise StorageFailed(f"{path} cannot be made: {OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))}")
        if self.left is not None:
            self.left -= 1
        return self._create(path, size)
