"""Seeing to it that the file forgets erased users: at once as far as a bounded time goes, else in the background."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Final, Protocol

from segmentd.errors import Unavailable
from segmentd.storage import Store

AT_ONCE: Final = 16
"""Steps that an erasure itself waits for."""
_RETRY_SECONDS: Final = 0.2
_OWED: Final = "purge_owed"
_log = logging.getLogger(__name__)


class Thread(Protocol):
    """The engine's thread, as far as it is needed here."""

    def background(self, steps: Generator[None, None, Any]) -> Future[Any]:
        """Run a task between two commits."""


class Purging:
    """Used by the engine's thread; a step that has to wait for a reader is tried again a little later."""

    def __init__(self, store: Store, thread: Thread) -> None:
        self._store = store
        self._thread = thread
        self._under_way = False
        self._timer: threading.Timer | None = None

    @staticmethod
    def owe(store: Store) -> None:
        """Note in the open transaction that something was deleted that the file has to forget."""
        store.set_meta(_OWED, b"1")

    def start(self) -> None:
        """Go on with what was left when the server stopped."""
        if self._store.meta(_OWED):
            self._begin()
            self._later()

    def run(self) -> bool:
        """Begin anew; whether the file has forgotten everything by now. The rest follows in the background."""
        self._begin()
        for _ in range(AT_ONCE):
            found = self._step()
            if found:
                return True
            if found is None:
                break
        if not self._under_way:
            self._later()
        return False

    def stop(self) -> None:
        """Try no more; what is left follows after the next start."""
        if self._timer is not None:
            self._timer.cancel()

    def _begin(self) -> None:
        if self._store.purge is not None:
            self._store.purge.begin()

    def _step(self) -> bool | None:
        purge = self._store.purge
        found = True if purge is None else purge.step()
        if found:
            with self._store.transaction():
                self._store.set_meta(_OWED, b"")
        return found

    def _later(self) -> None:
        self._under_way = True
        with suppress(Unavailable):  # the thread refuses work when it stops
            self._thread.background(self._one()).add_done_callback(_report)

    def _one(self) -> Generator[None, None, None]:
        """One step as a task of its own, so that others have their turn between two."""
        found = self._step()
        if found:
            self._under_way = False
        elif found is None:
            self._after(self._later)
        else:
            self._later()
        yield from ()

    def _after(self, run: Callable[[], None]) -> None:
        self._timer = threading.Timer(_RETRY_SECONDS, run)
        self._timer.daemon = True
        self._timer.start()


def _report(future: Future[Any]) -> None:
    if not future.cancelled() and future.exception() is not None:
        _log.error("deleted data is not overwritten yet: %s", future.exception())
