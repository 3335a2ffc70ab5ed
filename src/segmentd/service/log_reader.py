"""Reading the log without holding up the engine: on a thread and a connection of its own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Protocol, TypeVar

from segmentd.errors import Reason, StorageFailed, Unavailable
from segmentd.storage import Store
from segmentd.storage.log_reads import LogReads
from segmentd.storage.reader import Reader

T = TypeVar("T")


class Thread(Protocol):
    """The engine's thread, as far as it is needed here."""

    def call(self, run: Callable[[], T]) -> Future[T]:
        """Run a question between two commits."""


class LogReader:
    """Runs questions to the log one after the other, each on one moment's state; used from any thread.

    A database in memory has one connection, so its questions run on the engine's thread.
    """

    def __init__(self, store: Store, thread: Thread) -> None:
        self._store = store
        self._thread = thread
        self._reader: Reader | None = store.reader()
        self._pool = ThreadPoolExecutor(1, "segmentd-log-reader") if self._reader is not None else None
        self._closed = False

    def run(self, question: Callable[[LogReads], T]) -> Future[T]:
        """Ask; keep questions short, a page at a time. Raises Unavailable (SHUTTING_DOWN) after `close`."""
        if self._closed:
            raise _closed()
        if self._pool is None:
            return self._thread.call(lambda: question(self._store))
        try:
            return self._pool.submit(self._ask, question)
        except RuntimeError as error:  # closed between the look and the call
            raise _closed() from error

    def close(self) -> None:
        """Finish the question under way, refuse those that wait, close the connection; again does nothing."""
        self._closed = True
        if self._pool is not None:
            self._pool.shutdown(wait=True)
        if self._reader is not None:
            self._reader.close()

    def _ask(self, question: Callable[[LogReads], T]) -> T:
        if self._closed or self._reader is None:
            raise _closed()
        if self._reader.in_the_way:
            with suppress(StorageFailed):  # whoever writes next gets the error
                self._thread.call(self._store.checkpoint).result()
        with self._reader.snapshot() as reads:
            return question(reads)


def _closed() -> Unavailable:
    return Unavailable(Reason.SHUTTING_DOWN, "the server is shutting down")
