"""Streams that say nothing, though they have to: they are given up, and another connection is tried."""

from __future__ import annotations

import asyncio
import threading
import time
import weakref
from collections.abc import Iterator
from typing import Any, Final

import grpc
import grpc.aio

from segmentd.client.errors import CallFailed
from segmentd.client.watch_course import position_of
from segmentd.v1 import membership_service_pb2 as questions

_LEAST: Final = 5.0
_INTERVALS: Final = 4


def longest_silence(interval: float) -> float:
    """Seconds without a message after which a stream is taken for dead that has a checkpoint each `interval`."""
    return max(_LEAST, _INTERVALS * interval)


def silent(seconds: float) -> CallFailed:
    """What a stream fails with that said nothing for so many seconds."""
    return CallFailed(grpc.StatusCode.UNAVAILABLE, "", f"nothing came for {seconds:g} seconds, not even a checkpoint")


class Attended(Iterator[questions.WatchTransitionsResponse]):
    """The messages of a watch, which fails where it is waited for in vain for `seconds`; None waits for ever.

    Counted from its first message with a position on: how long a snapshot takes, nobody knows. A thread looks after it
    as long as it is there.
    """

    def __init__(self, call: Any, seconds: float | None) -> None:
        self._call = call
        self._seconds = seconds
        self._counts = False
        self._since: float | None = None
        self._silent = False
        self._over = threading.Event()

    def __next__(self) -> questions.WatchTransitionsResponse:
        if self._counts:
            self._since = time.monotonic()
        try:
            message: questions.WatchTransitionsResponse = next(self._call)
        except (grpc.RpcError, StopIteration):
            self._over.set()
            if self._silent and self._seconds is not None:
                raise silent(self._seconds) from None
            raise
        finally:
            self._since = None
        if self._seconds is not None and not self._counts and position_of(message):
            self._counts = True
            attend = threading.Thread(
                target=_attend,
                args=(weakref.ref(self), self._over, self._seconds),
                name="segmentd-silence",
                daemon=True,
            )
            attend.start()
        return message

    def cancel(self) -> None:
        """End the call."""
        self._over.set()
        self._call.cancel()

    def end_if_silent(self, seconds: float) -> None:
        """End the call where it is waited for since more than so many seconds."""
        since = self._since
        if since is not None and time.monotonic() - since > seconds:
            self._silent = True
            self._call.cancel()


class AsyncAttended:
    """The same for asyncio."""

    def __init__(self, call: Any, seconds: float | None) -> None:
        self._call = call
        self._seconds = seconds
        self._counts = False

    async def read(self) -> questions.WatchTransitionsResponse | None:
        """The next message; None at the end. Raises RpcError, and CallFailed where it was silent for too long."""
        try:
            async with asyncio.timeout(self._seconds if self._counts else None):
                message: Any = await self._call.read()
        except TimeoutError:
            raise silent(self._seconds or 0.0) from None
        if message is grpc.aio.EOF:
            return None
        heard: questions.WatchTransitionsResponse = message
        self._counts = self._counts or bool(position_of(heard))
        return heard

    def cancel(self) -> None:
        """End the call."""
        self._call.cancel()


def _attend(of: weakref.ref[Attended], over: threading.Event, seconds: float) -> None:
    while not over.wait(seconds / _INTERVALS):
        attended = of()
        if attended is None:
            return
        attended.end_if_silent(seconds)
        del attended
