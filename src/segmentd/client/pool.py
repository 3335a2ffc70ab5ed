"""Connections of one client, among which its calls are shared out."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

import grpc

from segmentd.client.arguments import whole
from segmentd.client.errors import CallFailed, ClientClosed
from segmentd.client.resting import Rests

C = TypeVar("C")

_DOUBT: Final = 30.0
"""Seconds after which a connection that hung works again, or was found dead by gRPC."""
_HANGS: Final = 1.0
"""Seconds without an answer that are taken for a sign of a connection that hangs."""
_CLOSED: Final = "the client is closed; make another one"


class Lane(Generic[C]):
    """One connection; until `doubted` (0: not) it is rather not used.

    `busy` counts the calls under way on it, without watches, which mostly wait.
    """

    __slots__ = ("_channel", "_closed", "_lock", "_open", "_stubs", "busy", "doubted")

    def __init__(self, open_channel: Callable[[], C]) -> None:
        self.busy = 0
        self.doubted = 0.0
        self._open = open_channel
        self._lock = threading.Lock()
        self._channel: C | None = None
        self._closed = False
        self._stubs: dict[type[Any], Any] = {}

    def method(self, stub: type[Any], name: str) -> Any:
        """What makes the calls of one method. Raises ClientClosed once the connection was given up."""
        if self._closed:
            raise ClientClosed(_CLOSED)
        made = self._stubs.get(stub)
        if made is None:
            made = self._stubs.setdefault(stub, stub(self._opened()))
        return getattr(made, name)

    def give_up(self) -> C | None:
        """What is to be closed; no call can be made any more."""
        with self._lock:
            self._closed = True
            return self._channel

    def _opened(self) -> C:
        with self._lock:
            if self._closed:
                raise ClientClosed(_CLOSED)
            if self._channel is None:
                self._channel = self._open()
            return self._channel


class Pool(Generic[C]):
    """Up to `size` connections, opened as they are used; a call takes the one with the fewest calls under way.

    Among equals they take turns, and one that hangs comes last for 30 seconds. Counts may be off by a few where threads
    meet; they only choose. `reached` says whether a server ever answered, and `closed` whether the connections were
    given up; `rests` are the calls that wait to be made anew, with nobody waiting for them.
    """

    def __init__(self, open_channel: Callable[[], C], size: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Raises TypeError where the size is no whole number, and ValueError below 1.

        `clock` gives seconds that never go back.
        """
        if whole(size, "connections", 32) < 1:
            raise ValueError(f"connections: {size} is too few; 1 is the least")
        self._lanes = [Lane(open_channel) for _ in range(size)]
        self._turns = itertools.count()
        self._clock = clock
        self.rests = Rests()
        self.reached = False
        self.closed = False

    def lane(self) -> Lane[C]:
        """The connection for the next call."""
        lanes = self._lanes
        first = next(self._turns) % len(lanes)
        best = lanes[first]
        if best.busy or best.doubted:
            now = self._clock()
            best = min((*lanes[first:], *lanes[:first]), key=lambda lane: (lane.doubted > now, lane.busy))
        return best

    def doubt(self, lane: Lane[C]) -> None:
        """Nothing comes over this connection, though something should."""
        lane.doubted = self._clock() + _DOUBT

    def note(self, lane: Lane[C], failed: CallFailed, seconds: float) -> None:
        """A call that had so many seconds has failed."""
        if failed.reason:
            self.reached = True
        elif hung(failed.code, seconds):
            self.doubt(lane)

    def give_up(self) -> list[C]:
        """The connections that are to be closed; no call can be made any more."""
        self.closed = True
        return [channel for lane in self._lanes if (channel := lane.give_up()) is not None]


def hung(code: grpc.StatusCode, seconds: float) -> bool:
    """Whether a call that had so many seconds may have ended by its connection: it does no harm to be wrong."""
    return code is grpc.StatusCode.DEADLINE_EXCEEDED and seconds >= _HANGS


def tries(timeout: float) -> list[float]:
    """Deadlines of tries one after another, each longer than those before, and `timeout` seconds in all."""
    bounds = []
    seconds = _HANGS
    while timeout > 2 * seconds:
        bounds.append(seconds)
        timeout, seconds = timeout - seconds, 2 * seconds
    return [*bounds, timeout]
