"""When snapshots are written: now and then while the server runs, and when it stops."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Generator
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Final, Protocol

from segmentd.errors import StorageFailed, Unavailable
from segmentd.service.live import Live
from segmentd.service.snapshots.taking import Moved, Taking
from segmentd.storage import Store
from segmentd.storage.snapshot_file import SnapshotWriter
from segmentd.times import MINUTE, SECOND, Clock, Micros

INTERVAL: Final = 15 * MINUTE
"""How long after one snapshot the next one begins, where anything was written."""
SHARE: Final = 100
"""It begins no earlier than so many times what the last one took of the engine's thread: 1 % of its time at most."""
_log = logging.getLogger(__name__)


class Thread(Protocol):
    """The engine's thread, as far as it is needed here."""

    def background(self, steps: Generator[None, None, Any]) -> Future[Any]:
        """Run a task between two commits."""


class Attempt:
    """One snapshot on its way to the disk. Raises Moved where it cannot hold any more; then, `abandon` it."""

    def __init__(self, live: Live, store: Store) -> None:
        path = store.begin_snapshot(live.next_user_key - 1)
        if path is None:
            raise Moved("a database in memory has none")
        self._store = store
        self.revision = live.revision
        self._taking = Taking(live, store, SnapshotWriter(path, store.file_mode))
        self._path = path
        self._steps = self._taking.steps()
        self.seconds = 0.0
        """What its steps took so far."""

    def step(self) -> bool:
        """Write the next part; False where all are written."""
        since = time.monotonic()
        try:
            self._check()
            return next(self._steps, self) is None
        finally:
            self.seconds += time.monotonic() - since

    def seal(self) -> None:
        """Wait for the disk. Any thread may do so."""
        self._taking.seal()

    def finish(self, error: Exception | None = None) -> None:
        """Let the database be started from it, unless there was an error meanwhile, which is raised."""
        if error is not None:
            raise error
        self._check()
        if not self._store.finish_snapshot(self._path):
            raise Moved("what was written does not hold any more")

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._taking.abandon()

    def _check(self) -> None:
        if self._store.snapshot_begun() != self._path:
            raise Moved("what was written does not hold any more")


class SnapshotKeeper:
    """Used by the engine's thread. A snapshot that cannot be written is logged, and nothing else suffers from it."""

    def __init__(self, live: Live, store: Store, clock: Clock, thread: Thread, *, on: bool) -> None:
        self._live = live
        self._store = store
        self._clock = clock
        self._thread = thread
        self._on = on and store.snapshot_folder is not None
        self._next = Micros(clock.now() + INTERVAL)
        self._revision = -1
        self._attempt: Attempt | None = None
        self._sealing: threading.Thread | None = None
        if not on:
            try:
                store.remove_snapshots()
            except StorageFailed as error:
                _log.warning("%s", error)

    def written(self, revision: int) -> None:
        """Note the revision of the snapshot that there is."""
        self._revision = revision

    def begin_due(self) -> None:
        """Begin to write a snapshot where one is due."""
        if self._on and self._attempt is None and self._next <= self._clock.now():
            self._next = Micros(self._clock.now() + INTERVAL)
            if self._live.revision != self._revision:
                self._queue(self._begin())

    def forget(self) -> None:
        """Memory was loaded anew: what was under way is over."""
        if self._attempt is not None:
            self._attempt.abandon()
        self._attempt = None

    def at_stop(self) -> None:
        """Write one at once where anything was written since the last, and what is in memory can be trusted."""
        if self._sealing is not None:
            self._sealing.join()
        self.forget()
        live = self._live
        try:
            if not self._on or live.ahead or live.revision != self._store.state().revision:
                return
            if live.revision != self._revision or self._store.snapshot() is None:
                self.take()
        except (Moved, OSError, StorageFailed) as error:
            _log.warning("no snapshot was written at the stop: %s", error)
        except Exception:  # noqa: BLE001  (the stop goes on, whatever it was)
            _log.warning("no snapshot was written at the stop", exc_info=True)

    def take(self) -> None:
        """Write one at once. Raises Moved, OSError and StorageFailed."""
        attempt = Attempt(self._live, self._store)
        try:
            while attempt.step():
                pass
            attempt.seal()
            attempt.finish()
        except BaseException:
            attempt.abandon()
            raise
        self._revision = attempt.revision

    def _begin(self) -> Generator[None, None, None]:
        if self._attempt is None:  # it is another one's turn, where the clock jumped while this waited for its own
            try:
                self._attempt = Attempt(self._live, self._store)
            except Exception as error:  # noqa: BLE001  (a snapshot is never worth a failure)
                _log.warning("no snapshot was written: %s", error)
            else:
                self._queue(self._step(self._attempt))
        yield from ()

    def _step(self, attempt: Attempt) -> Generator[None, None, None]:
        """One step as a task of its own, so that others have their turn between two."""
        if attempt is self._attempt:
            try:
                if attempt.step():
                    self._queue(self._step(attempt))
                else:
                    self._sealing = threading.Thread(target=self._seal, args=(attempt,), name="segmentd-snapshot")
                    self._sealing.start()
            except Exception as error:  # noqa: BLE001  (a snapshot is never worth a failure)
                self._give_up(attempt, error)
        yield from ()

    def _seal(self, attempt: Attempt) -> None:
        error: Exception | None = None
        try:
            attempt.seal()
        except Exception as failure:  # noqa: BLE001  (a snapshot is never worth a failure)
            error = failure
        self._queue(self._finish(attempt, error))

    def _finish(self, attempt: Attempt, error: Exception | None) -> Generator[None, None, None]:
        if attempt is self._attempt:
            try:
                attempt.finish(error)
                self._revision = attempt.revision
                self._rest_after(attempt)
            except Exception as failure:  # noqa: BLE001  (a snapshot is never worth a failure)
                self._give_up(attempt, failure)
        yield from ()

    def _give_up(self, attempt: Attempt, error: Exception) -> None:
        _log.warning("no snapshot was written: %s", error)
        attempt.abandon()
        self._rest_after(attempt)

    def _rest_after(self, attempt: Attempt) -> None:
        """It is over, well or not, and cost what it cost."""
        self._attempt = None
        self._next = Micros(max(self._next, self._clock.now() + round(SHARE * attempt.seconds * SECOND)))

    def _queue(self, steps: Generator[None, None, None]) -> None:
        with suppress(Unavailable):  # the thread refuses work when it stops
            self._thread.background(steps)
