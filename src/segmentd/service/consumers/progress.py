"""Keeping how far consumers are: written by the engine's thread, many at once, none of them waited for in the loop."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TypeVar

from segmentd.errors import NotFound, Reason
from segmentd.records import LoggedTransition
from segmentd.service.engine_thread import EngineThread
from segmentd.storage import Store
from segmentd.storage.consumers import ConsumerRecord, DeadLetterRecord
from segmentd.times import Micros

T = TypeVar("T")
_log = logging.getLogger(__name__)


class Progress:
    """Used from any thread."""

    def __init__(self, store: Store, thread: EngineThread) -> None:
        self._store = store
        self._thread = thread
        self._lock = threading.Lock()
        self._noted: dict[str, ConsumerRecord] = {}
        self._queued = False

    def note(self, record: ConsumerRecord) -> None:
        """Save soon; a newer record of the same consumer takes its place. Raises Unavailable at the end."""
        with self._lock:
            self._noted[record.name] = record
            if self._queued:
                return
            self._queued = True
        self._thread.call(self._write_noted).add_done_callback(_report)

    def give_up(
        self, record: ConsumerRecord, at: Micros, attempts: int, error: str, changes: Sequence[LoggedTransition]
    ) -> None:
        """Save a dead letter and the position behind it, both or neither, before this returns."""

        def write() -> None:
            self._store.add_dead_letter(record.name, at, attempts, error, changes)
            self._store.write_consumers([record])

        with self._lock:
            self._noted.pop(record.name, None)
        self.change(write).result()

    def letters(self, consumer: str, after: int, limit: int) -> Future[list[DeadLetterRecord]]:
        """Dead letters with a key above `after`, oldest first."""
        return self._thread.call(lambda: self._store.dead_letters(consumer, after, limit))

    def letter(self, consumer: str, key: int) -> Future[DeadLetterRecord]:
        """One dead letter. Raises NotFound (DEAD_LETTER_NOT_FOUND)."""
        return self._thread.call(lambda: self._letter(consumer, key))

    def refuse_unknown(self, consumer: str, keys: Sequence[int]) -> Future[None]:
        """Raises NotFound (DEAD_LETTER_NOT_FOUND) for the first that is no dead letter of the consumer."""

        def look() -> None:
            for key in keys:
                self._letter(consumer, key)

        return self._thread.call(look)

    def counts(self) -> Future[dict[str, int]]:
        """How many dead letters each consumer has."""
        return self._thread.call(self._store.dead_letter_counts)

    def discard(self, consumer: str, keys: Sequence[int] | None) -> Future[int]:
        """Forget these dead letters, or (None) all; how many that were. Raises NotFound as above, and forgets none."""

        def write() -> int:
            if keys is None:
                return self._store.discard_dead_letters(consumer)
            for key in keys:
                self._letter(consumer, key)
            self._store.delete_dead_letters(keys)
            return len(keys)

        return self.change(write)

    def failed_again(self, key: int, error: str) -> Future[None]:
        """Note one more attempt at a dead letter."""
        return self.change(lambda: self._store.write_dead_letter_attempt(key, error))

    def change(self, write: Callable[[], T]) -> Future[T]:
        """Write in a transaction of its own. What is in memory does not depend on it, so a failure costs nothing."""

        def run() -> T:
            with self._store.transaction():
                return write()

        return self._thread.call(run)

    def _letter(self, consumer: str, key: int) -> DeadLetterRecord:
        found = self._store.dead_letter(consumer, key)
        if found is None:
            raise NotFound(
                Reason.DEAD_LETTER_NOT_FOUND,
                f"consumer {consumer} has no dead letter {key}",
                {"consumer": consumer, "dead_letter_id": str(key)},
            )
        return found

    def _write_noted(self) -> None:
        with self._lock:
            noted, self._noted, self._queued = self._noted, {}, False
        if not noted:
            return
        try:
            with self._store.transaction():
                self._store.write_consumers(noted.values())
        except BaseException:
            with self._lock:
                self._noted = {**noted, **self._noted}
            raise


def _report(future: Future[None]) -> None:
    if not future.cancelled() and (error := future.exception()) is not None:
        _log.warning("positions of consumers were not saved: %s", error)
