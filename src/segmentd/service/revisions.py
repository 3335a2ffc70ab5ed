"""Waiting until a revision is published."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import Final

_CROWD: Final = 64
"""Among so many who wait, those who gave up are looked for; then again when the others have doubled."""


class Revisions:
    """Futures that are fulfilled when their revision is there; used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latest = 0
        self._waiting: list[tuple[int, Future[None]]] = []
        self._crowd = _CROWD

    def reached(self, revision: int) -> bool:
        """Whether the revision is published."""
        return revision <= self._latest

    def wait(self, revision: int) -> Future[None]:
        """Done when the revision is published; cancel it to stop waiting."""
        future: Future[None] = Future()
        with self._lock:
            if revision <= self._latest:
                future.set_result(None)
            else:
                if len(self._waiting) >= self._crowd:
                    self._waiting = [each for each in self._waiting if not each[1].cancelled()]
                    self._crowd = max(_CROWD, 2 * len(self._waiting))
                self._waiting.append((revision, future))
        return future

    def publish(self, revision: int) -> None:
        """Fulfil whoever waits for this revision or an earlier one."""
        if revision == self._latest:
            return
        with self._lock:
            self._latest = revision
            done = [future for wanted, future in self._waiting if wanted <= revision]
            self._waiting = [each for each in self._waiting if each[0] > revision]
        for future in done:
            if future.set_running_or_notify_cancel():
                future.set_result(None)
