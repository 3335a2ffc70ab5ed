"""Making a file forget what was deleted from it: the log of writes is emptied, unused bytes of pages are zeroed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import numpy as np

from segmentd.errors import StorageFailed
from segmentd.storage.driver import sqlite
from segmentd.storage.leftovers import MAX_PAGES, cleaned

_HEADER: Final = 100
_PATIENCE_MILLIS: Final = 50
"""How long a step waits for readers of an older state."""
STEP_BYTES: Final = 4 * 1024 * 1024


class Purge:
    """Walks the file from its start to its end, a bounded part each step; used by the thread that writes.

    The file is held open until the store is closed: closing it any earlier would end SQLite's locks on it.
    """

    def __init__(self, connection: sqlite.Connection, file: Path) -> None:
        self._connection = connection
        self._file = file
        self._descriptor: int | None = None
        self._next = 1

    def begin(self) -> None:
        """Start from the first page."""
        self._next = 1

    def step(self) -> bool | None:
        """Clean the next part; True at the end of the file, None where a reader is in the way: try again later.

        What the part has of newer pages than the file must be in the file first, and no page may stay in the cache
        that has not been cleaned: it could be written again as it is. Raises StorageFailed.
        """
        if not self._emptied():
            return None
        try:
            return self._clean()
        except OSError as error:
            raise StorageFailed(f"deleted data cannot be overwritten: {error}") from error

    def close(self) -> None:
        """Let go of the file; after the connections are closed."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _emptied(self) -> bool:
        """Whether the write-ahead log is in the file and has no bytes left."""
        execute = self._connection.execute
        try:
            patience = execute("PRAGMA busy_timeout").fetchone()[0]
            execute(f"PRAGMA busy_timeout = {_PATIENCE_MILLIS}").fetchall()
            try:
                busy = execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            finally:
                execute(f"PRAGMA busy_timeout = {patience}").fetchall()
            execute("PRAGMA shrink_memory").fetchall()
        except sqlite.Error as error:
            raise StorageFailed(f"the database cannot be checkpointed: {error}") from error
        return not busy

    def _clean(self) -> bool:
        descriptor = self._opened()
        size = self._page_size(descriptor)
        total = os.fstat(descriptor).st_size // size
        if self._next == 1:
            self._clean_free_pages(descriptor, size)
        count = min(STEP_BYTES // size, total - self._next + 1)
        if total < MAX_PAGES and count > 0:
            offset = (self._next - 1) * size
            pages = np.frombuffer(bytearray(os.pread(descriptor, count * size, offset)), np.uint8).reshape(-1, size)
            for page in cleaned(pages, self._next).tolist():
                os.pwrite(descriptor, pages[page].tobytes(), offset + page * size)
        self._next += max(count, 0)
        done = self._next > total or total >= MAX_PAGES
        if done:
            os.fsync(descriptor)
        return done

    def _clean_free_pages(self, descriptor: int, size: int) -> None:
        """Zero the pages that are free: the chain of trunks names them all."""
        trunk = _number(os.pread(descriptor, 4, 32))
        seen: set[int] = set()
        while trunk and trunk not in seen:
            seen.add(trunk)
            page = os.pread(descriptor, size, (trunk - 1) * size)
            count = min(_number(page[4:8]), size // 4 - 2)
            for place in range(count):
                leaf = _number(page[8 + 4 * place : 12 + 4 * place])
                if any(os.pread(descriptor, size, (leaf - 1) * size)):
                    os.pwrite(descriptor, bytes(size), (leaf - 1) * size)
            used = 8 + 4 * count
            if any(page[used:]):
                os.pwrite(descriptor, bytes(size - used), (trunk - 1) * size + used)
            trunk = _number(page[:4])

    def _opened(self) -> int:
        if self._descriptor is None:
            self._descriptor = os.open(self._file, os.O_RDWR | getattr(os, "O_BINARY", 0))
        return self._descriptor

    def _page_size(self, descriptor: int) -> int:
        size = int.from_bytes(os.pread(descriptor, _HEADER, 0)[16:18], "big")
        return 65_536 if size == 1 else size


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")
