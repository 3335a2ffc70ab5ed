"""The one connection: statements, transactions, and SQLite's errors as StorageFailed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, TypeAlias

from segmentd.errors import StorageFailed
from segmentd.niceness import give_way
from segmentd.storage.driver import sqlite

Row: TypeAlias = tuple[Any, ...]


class Session:
    """Runs constant SQL on one connection; reads at any time, writes only inside `transaction`.

    What was given to `write_beside` is done before anything else is: each use of the session waits for it.
    """

    def __init__(self, connection: sqlite.Connection) -> None:
        self.connection = connection
        self._writing = False
        self._doomed = False
        self._beside: Future[None] | None = None
        self._threads: ThreadPoolExecutor | None = None

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """All rows of a query."""
        self._settle()
        give_way()
        try:
            return self.connection.execute(sql, parameters).fetchall()
        except sqlite.Error as error:
            raise _failed("read", error) from error

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
        """The first row of a query, or None."""
        found = self.rows(sql, parameters)
        return found[0] if found else None

    def write(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Run one writing statement and return what it gives back (RETURNING)."""
        with self._change() as connection:
            return connection.execute(sql, parameters).fetchall()

    def write_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> int:
        """Run one writing statement for each row; how many rows of the table it has changed in all."""
        with self._change() as connection:
            return connection.executemany(sql, rows).rowcount

    def write_beside(self, sql: str, parameters: Sequence[Any]) -> None:
        """Run one writing statement while the caller goes on; whoever uses the session next learns of its failure.

        It is for a statement of milliseconds, during which SQLite lets other threads run.
        """
        with self._change() as connection:
            if self._threads is None:
                self._threads = ThreadPoolExecutor(1, "segmentd-storage")
            self._beside = self._threads.submit(_execute, connection, sql, parameters)

    def close(self) -> None:
        """Close the connection; what was not committed is gone."""
        if self._threads is not None:
            self._threads.shutdown()
        self.connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """BEGIN IMMEDIATE … COMMIT, and ROLLBACK on any exception. Raises StorageFailed when COMMIT fails.

        A write that failed dooms its transaction even where the caller went on: half of it may be done.
        """
        if self._writing:
            raise StorageFailed("a transaction is already open")
        self._run("BEGIN IMMEDIATE", "begin")
        self._writing, self._doomed = True, False
        try:
            yield
            self._commit()
        except BaseException:
            self._roll_back()
            raise
        finally:
            self._writing = False

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """A read transaction: all reads inside see the database as of the first of them."""
        self._run("BEGIN", "begin")
        try:
            yield
        finally:
            self._roll_back()

    @contextmanager
    def _change(self) -> Iterator[sqlite.Connection]:
        """Refuse a write outside of a transaction, where it would be one, and an fsync, of its own."""
        self._settle()
        give_way()
        if not self._writing:
            raise StorageFailed("a write outside of a transaction")
        if self._doomed:
            # SQLite has ended the transaction by itself after some errors; this write would stand alone.
            raise StorageFailed("the database cannot write: an earlier write of this transaction failed")
        try:
            yield self.connection
        except BaseException as error:
            self._doomed = True
            if isinstance(error, sqlite.Error):
                raise _failed("write", error) from error
            raise

    def _settle(self) -> None:
        """Wait for what is written beside. Raises StorageFailed where that failed, which dooms the transaction."""
        if self._beside is None:
            return
        beside, self._beside = self._beside, None
        try:
            beside.result()
        except BaseException as error:
            self._doomed = True
            if isinstance(error, sqlite.Error):
                raise _failed("write", error) from error
            raise

    def _commit(self) -> None:
        self._settle()
        if self._doomed:
            raise StorageFailed("the database cannot commit: a write of this transaction failed")
        self._run("COMMIT", "commit")

    def _run(self, sql: str, what: str) -> None:
        give_way()
        try:
            self.connection.execute(sql)
        except sqlite.Error as error:
            raise _failed(what, error) from error

    def _roll_back(self) -> None:
        """Undo what is open. SQLite has rolled back by itself after some errors (disk full, I/O)."""
        with suppress(Exception):  # the error that led here is the one to report
            self._settle()
        try:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
        except sqlite.Error:
            # The error that led here is the one to report; a dead connection has nothing left to undo.
            return


def _execute(connection: sqlite.Connection, sql: str, parameters: Sequence[Any]) -> None:
    connection.execute(sql, parameters)


def _failed(what: str, error: sqlite.Error) -> StorageFailed:
    code = getattr(error, "sqlite_errorname", "")
    metadata = {"sqlite_error": code} if code else {}
    return StorageFailed(f"the database cannot {what}: {error}", metadata)
