"""A second connection that only reads the log, beside the one that writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from segmentd.errors import StorageFailed
from segmentd.storage.driver import sqlite
from segmentd.storage.log_reads import LogReads
from segmentd.storage.opening import WAL_BYTES, connect_reading
from segmentd.storage.session import Session


class Reader(LogReads):
    """Reads as of one moment, while the store goes on writing; used by one thread at a time.

    It never writes and never checkpoints. Close it before the store: who closes last would have to checkpoint.
    """

    def __init__(self, file: Path) -> None:
        """Raises StorageFailed where the file cannot be read."""
        super().__init__(Session(connect_reading(file)))
        self._log_of_writes = Path(f"{file}-wal")

    @property
    def in_the_way(self) -> bool:
        """Whether the write-ahead log is so long that the next snapshot should wait for a checkpoint.

        It begins anew only while nobody reads an older state, which snapshot after snapshot would leave no time for.
        """
        try:
            return self._log_of_writes.stat().st_size > WAL_BYTES
        except OSError:
            return False

    @contextmanager
    def snapshot(self) -> Iterator[LogReads]:
        """Everything that is read inside is of one moment. Keep it short: the write-ahead log grows meanwhile."""
        with self._session.snapshot():
            yield self

    def close(self) -> None:
        """Close the connection; calling it again does nothing."""
        try:
            self._session.connection.close()
        except sqlite.Error as error:
            raise StorageFailed(f"the log reader cannot close: {error}") from error
