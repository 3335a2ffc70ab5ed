"""Questions and orders to a thread that is busy with something else most of the time."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

from segmentd.errors import Reason, Unavailable

T = TypeVar("T")


class _Request(Generic[T]):
    def __init__(self, run: Callable[[], T]) -> None:
        self._run = run
        self.future: Future[T] = Future()

    def answer(self) -> None:
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            self.future.set_result(self._run())
        except BaseException as error:  # noqa: BLE001  (who asked gets it, whatever it is)
            self.future.set_exception(error)

    def refuse(self) -> None:
        if self.future.set_running_or_notify_cancel():
            self.future.set_exception(Unavailable(Reason.SHUTTING_DOWN, "the server is shutting down"))


class Requests:
    """Anybody may ask; one thread answers, one after the other."""

    def __init__(self, woken: threading.Event) -> None:
        """`woken` is set when something was asked."""
        self._woken = woken
        self._lock = threading.Lock()
        self._waiting: deque[_Request[Any]] = deque()
        self._ended = False

    def ask(self, run: Callable[[], T]) -> Future[T]:
        """Run this on the answering thread; after its end it is refused with Unavailable."""
        request = _Request(run)
        with self._lock:
            ended = self._ended
            if not ended:
                self._waiting.append(request)
        if ended:
            request.refuse()
        self._woken.set()
        return request.future

    def answer_one(self) -> bool:
        """Answer the one that waits longest; whether there was one."""
        with self._lock:
            request = self._waiting.popleft() if self._waiting else None
        if request is None:
            return False
        request.answer()
        return True

    def end(self) -> None:
        """Refuse what waits and whatever comes."""
        with self._lock:
            self._ended = True
            waiting, self._waiting = list(self._waiting), deque()
        for request in waiting:
            request.refuse()
