"""A call that was started and is not waited for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import grpc

from segmentd.client.errors import CallFailed
from segmentd.client.outage import PASSING, Outage
from segmentd.client.resting import Rests
from segmentd.client.sending import failure_of

A_co = TypeVar("A_co", covariant=True)


class Pending(Generic[A_co]):
    """A call under way; while its server is away it is made anew, as calls are that are waited for."""

    def __init__(self, begin: Callable[[float], Any], outage: Outage, rests: Rests, request: Any = None) -> None:
        """`begin` makes the call, with so many seconds for it; `request` is what it sends, message or messages.

        What waits to be made anew is among the `rests`.
        """
        self._begin = begin
        self._outage = outage
        self._rests = rests
        self._request = request
        self._lock = threading.Lock()
        self._given_up = False
        self._over = threading.Event()
        self._future = begin(outage.left())
        self._future.add_done_callback(self._ended)

    def result(self) -> A_co:
        """Waits for the answer. Raises CallFailed, also where it was cancelled, and what making the messages raised."""
        self._over.wait()
        try:
            answer: A_co = self._future.result()
        except grpc.RpcError as error:
            failed = CallFailed.of(error)
        except grpc.FutureCancelledError:
            failed = CallFailed(grpc.StatusCode.CANCELLED, "", "the call was cancelled")
        else:
            return answer
        raise failure_of(self._request, failed)

    def wait(self, seconds: float) -> bool:
        """Whether the call has ended, well or not, after so many seconds at most."""
        return self._over.wait(seconds)

    def cancel(self) -> None:
        """Give up waiting; what the server has begun, it may finish."""
        with self._lock:
            self._given_up = True
            if self._future.done():
                self._over.set()
        self._future.cancel()

    def _ended(self, future: Any) -> None:
        """A try has ended; a thread of gRPC says so."""
        resting = False
        try:
            resting = self._rest_after(future)
        finally:  # whatever failed, somebody may wait
            if not resting:
                self._over.set()

    def _rest_after(self, future: Any) -> bool:
        """Whether the call is made anew after a pause."""
        passes = not self._given_up and future.code() in PASSING
        pause = self._outage.pause_after(CallFailed.of(future)) if passes else None
        if pause is None:
            return False
        try:
            self._rests.after(pause, self._anew)
        except RuntimeError:  # no thread can be started
            return False
        return True

    def _anew(self) -> None:
        with self._lock:
            if self._over.is_set():
                return
            try:
                self._future = self._begin(self._outage.left())
            except Exception:  # noqa: BLE001  (the client or its channel was closed, or gRPC gets no thread)
                self._over.set()
                return
        self._future.add_done_callback(self._ended)
