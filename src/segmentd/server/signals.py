"""Signals that stop a server, and a start that is given up when one comes."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, Final, TypeAlias, TypeVar

T = TypeVar("T")
STOPPING: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
Listener: TypeAlias = Callable[[signal.Signals], object]
_listeners: Final[list[Listener]] = []
"""Signals are of the whole process: the one who came last hears them."""


class Stopped(Exception):
    """A signal came before there was a server. What was at work then goes on until the process ends."""

    def __init__(self, number: signal.Signals) -> None:
        super().__init__(f"{number.name} before the server was there")
        self.number = number


@contextmanager
def heard_by(listener: Listener) -> Iterator[None]:
    """Signals go to the listener inside of the block, and to the one before it afterwards.

    To be entered inside of the running event loop of the main thread.
    """
    loop = asyncio.get_running_loop()
    numbers = () if _listeners else _heeded()
    _listeners.append(listener)
    try:
        for number in numbers:
            loop.add_signal_handler(number, _hear, number)
        yield
    finally:
        _listeners.remove(listener)
        for number in numbers:
            loop.remove_signal_handler(number)


class Start:
    """The listener of a server that starts: work is given up when a signal comes."""

    def __init__(self) -> None:
        """To be made inside of the running event loop."""
        self.stop = asyncio.Event()
        self._number: signal.Signals | None = None

    def __call__(self, number: signal.Signals) -> None:
        """A signal came."""
        self._number = self._number or number
        self.stop.set()

    async def run(self, work: Callable[[], T]) -> T:
        """Do work, which cannot be interrupted, on a thread. Raises Stopped at once where a signal comes."""
        done: Future[T] = Future()
        # A daemon, and none of the executor of the loop: nothing waits for work that was given up.
        threading.Thread(target=_fulfil, args=(done, work), name="segmentd-start", daemon=True).start()
        ended = asyncio.wrap_future(done)
        stopped = asyncio.ensure_future(self.stop.wait())
        either: set[asyncio.Future[Any]] = {ended, stopped}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if self._number is not None:
            ended.cancel()
            raise Stopped(self._number)
        return ended.result()


def _hear(number: signal.Signals) -> None:
    _listeners[-1](number)


def _heeded() -> list[signal.Signals]:
    """A hang-up is nothing to who was told to ignore it (`nohup`)."""
    return [number for number in STOPPING if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN]


def _fulfil(done: Future[T], work: Callable[[], T]) -> None:
    done.set_running_or_notify_cancel()
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001  (whoever waits gets all of them)
        done.set_exception(error)
    else:
        done.set_result(result)
