"""The store as a whole: opening, closing, transactions; its methods are in the parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from segmentd.errors import StorageFailed
from segmentd.storage.bulk_reads import BulkReads
from segmentd.storage.consumers import Consumers
from segmentd.storage.driver import sqlite
from segmentd.storage.event_reads import EventReads
from segmentd.storage.events import Events
from segmentd.storage.exclusive_groups import ExclusiveGroups
from segmentd.storage.identity import Identity
from segmentd.storage.kinds import Kinds
from segmentd.storage.lock import FileLock
from segmentd.storage.log import Log
from segmentd.storage.log_reads import LogReads
from segmentd.storage.meta import Meta
from segmentd.storage.migrations import Migration, migrate
from segmentd.storage.models import Models
from segmentd.storage.opening import CACHE_KIB, MEMORY, READING_CACHE_KIB, check_folder, connect
from segmentd.storage.profiles import Profiles
from segmentd.storage.purge import Purge
from segmentd.storage.reader import Reader
from segmentd.storage.retention import Retention
from segmentd.storage.schema import MIGRATIONS
from segmentd.storage.segments import Segments
from segmentd.storage.session import Session
from segmentd.storage.start_marks import check_left_log, draw_mark
from segmentd.storage.user_lists import UserLists
from segmentd.storage.users import Users


class Store(
    Users,
    Identity,
    Retention,
    Meta,
    UserLists,
    Profiles,
    Events,
    EventReads,
    BulkReads,
    Kinds,
    Segments,
    ExclusiveGroups,
    Models,
    Log,
    LogReads,
    Consumers,
):
    """One database file, held exclusively by this process.

    Not thread-safe: one thread uses it at a time (the engine's). It may have been opened by another.
    Writes happen only inside `transaction`; every failure of SQLite is a StorageFailed.
    """

    def __init__(self, session: Session, lock: FileLock | None) -> None:
        super().__init__(session)
        self._lock = lock
        self._file: Path | None = None
        self._readers: list[Reader] = []
        self._purge: Purge | None = None

    @classmethod
    def open(cls, path: str | Path, migrations: Sequence[Migration] = MIGRATIONS) -> Store:
        """Open or create a database; ":memory:" is one that is gone when closed.

        Raises StorageFailed: no such folder, not writable, no database of segmentd, a newer one, or in use.
        """
        if str(path) == MEMORY:
            return cls(_session(None, migrations, None), None)
        # The lock is on the real file, so that a symbolic link is no second door.
        file = Path(path).resolve()
        check_folder(file)
        lock = FileLock(file)
        try:
            check_left_log(file, lock)
            store = cls(_session(file, migrations, lock), lock)
        except BaseException:
            lock.release()
            raise
        store._file = store._database = file
        store._opened_at = store._data_version()
        store._purge = Purge(store._session.connection, file)
        return store

    def reader(self) -> Reader | None:
        """A second connection for reading the log, to be closed before the store; None for a database in memory."""
        if self._file is None:
            return None
        reader = Reader(self._file)
        self._readers.append(reader)
        return reader

    @property
    def purge(self) -> Purge | None:
        """What makes the file forget what was deleted; None for a database in memory."""
        return self._purge

    def transaction(self) -> AbstractContextManager[None]:
        """BEGIN IMMEDIATE … COMMIT; rolled back on any exception. Raises StorageFailed when COMMIT fails."""
        return self._session.transaction()

    @contextmanager
    def reading_everything(self) -> Iterator[None]:
        """Keep few pages meanwhile: hardly any is read twice, and what their memory was would stay resident."""
        self._session.rows(f"PRAGMA cache_size = -{READING_CACHE_KIB}")
        try:
            yield
        finally:
            self._session.rows(f"PRAGMA cache_size = -{CACHE_KIB}")

    def checkpoint(self) -> None:
        """Write back all of the write-ahead log and empty it; as far as no reader of an older state is in the way."""
        self._session.rows("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Checkpoint, close the file and give up the lock; calling it again does nothing."""
        try:
            for reader in self._readers:
                reader.close()
            self._session.close()
        except sqlite.Error as error:
            raise StorageFailed(f"the database cannot close: {error}") from error
        finally:
            if self._purge is not None:
                self._purge.close()
            if self._lock is not None:
                self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _session(file: Path | None, migrations: Sequence[Migration], lock: FileLock | None) -> Session:
    connection = connect(file)
    try:
        migrate(connection, migrations)
        if lock is not None:
            draw_mark(connection, lock)
    except BaseException as error:
        connection.close()
        if isinstance(error, sqlite.Error | OSError):
            raise StorageFailed(f"cannot open {file}: {error}") from error
        raise
    return Session(connection)
