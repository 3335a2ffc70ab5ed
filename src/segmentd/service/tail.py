"""The last moves of the log in memory, so that who keeps up never asks the database."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Sequence
from typing import Final, NamedTuple

import numpy as np

from segmentd.records import END_OFFSET, START, LoggedTransition, MoveBatch, Position, SwitchRecord
from segmentd.service.tail_columns import Keys, TailColumns
from segmentd.times import Micros

MOVES: Final = 200_000
"""The most moves that are held."""
_SCAN: Final = 16_384
"""Moves looked at between two looks at how many were found."""
_log = logging.getLogger(__name__)


class TailRead(NamedTuple):
    """What was found, and up to where was looked: from there a reader goes on, whatever its filters."""

    transitions: list[LoggedTransition]
    position: Position


class _Held(NamedTuple):
    """What is held: moves number `low` to `high - 1`, all those after `begin`; `end` is the end of the log."""

    begin: Position
    low: int
    high: int
    end: Position


class Tail:
    """The moves of the last commits, bounded, in columns that are written over in a circle.

    One thread appends, any number read, and nobody waits: a reader whose moves were overwritten under its hands
    finds out afterwards and goes to the log.
    """

    def __init__(self, end: Position = START, moves: int = MOVES) -> None:
        self._columns = TailColumns(moves)
        self._size = moves
        self._held = _Held(end, 0, 0, end)
        self._subscribing = threading.Lock()
        self._callbacks: tuple[Callable[[], object], ...] = ()

    @property
    def end(self) -> Position:
        """The end of the last commit."""
        return self._held.end

    @property
    def begin(self) -> Position:
        """Who is at this position or later can read on here."""
        return self._held.begin

    @property
    def appended(self) -> int:
        """How many moves were ever appended."""
        return self._held.high

    def append(self, revision: int, recorded_time: Micros, parts: Sequence[MoveBatch | SwitchRecord]) -> None:
        """Add a published commit, its parts in the order in which they were appended to the log; then wake everybody.

        A commit larger than the bound is not held: readers then go to the log.
        """
        end = Position(revision, END_OFFSET)
        size = sum(map(_size, parts))
        held = self._held
        if size > self._size:
            self._empty(end, held.high + size)
        else:
            low = max(held.low, held.high + size - self._size)
            # Announced before anything is written over.
            self._held = held = held._replace(begin=self._begin_at(held, low), low=low)
            self._columns.write(held.high, revision, recorded_time, parts)
            self._held = held._replace(high=held.high + size, end=end)
        self._wake()

    def clear(self, revision: int | None = None) -> None:
        """Hold nothing any more: erased users are gone from here too, and readers go to the log.

        The end stays, or is that of the given revision, where memory was loaded anew from disk.
        """
        held = self._held
        end = held.end if revision is None else Position(revision, END_OFFSET)
        self._empty(end, held.high)
        if end != held.end:
            self._wake()  # the log may have moves that nobody was told of

    def read(
        self,
        after: Position,
        limit: int,
        *,
        segments: Collection[int] | None = None,
        users: Collection[int] | None = None,
    ) -> TailRead | None:
        """Up to `limit` moves after a position, of these segments and users only, where they are given.

        None where the moves after the position are not all held any more; then the log has them.
        """
        if (place := self._find(after)) is None:
            return None
        held, start = place
        found: list[LoggedTransition] = []
        wanted = _keys(segments), _keys(users)
        position = max(after, held.end)
        for low in range(start, held.high, _SCAN):
            high = min(low + _SCAN, held.high)
            found += self._columns.moves(low, high, *wanted, limit - len(found))
            if len(found) >= limit:
                position = found[-1].position if found else after
                break
        # What was overwritten meanwhile may be mixed from two commits; nothing of it is given away.
        return None if self._held.low > start else TailRead(found, position)

    def subscribe(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Call back after every commit, on the engine's thread: return at once, do not raise. Gives the unsubscribe."""

        def once() -> object:  # the same callback may be subscribed twice
            return callback()

        with self._subscribing:
            self._callbacks = (*self._callbacks, once)

        def unsubscribe() -> None:
            with self._subscribing:
                self._callbacks = tuple(each for each in self._callbacks if each is not once)

        return unsubscribe

    def _empty(self, end: Position, moves: int) -> None:
        self._held = _Held(end, moves, moves, end)
        self._columns.forget()  # after it was announced

    def _find(self, after: Position) -> tuple[_Held, int] | None:
        """What is held, and the number of the first move after a position; None where that is held no more."""
        while True:
            held = self._held
            if after < held.begin:
                return None
            start = self._columns.first_after(after, held.low, held.high)
            if self._held.low == held.low:  # nothing was overwritten during the search
                return held, start

    def _begin_at(self, held: _Held, low: int) -> Position:
        return held.begin if low == held.low else self._columns.position(low - 1)

    def _wake(self) -> None:
        for callback in self._callbacks:
            try:
                callback()
            except Exception:  # noqa: BLE001  (one subscriber's fault is not the engine's)
                _log.exception("a subscriber of the log failed")


def _size(part: MoveBatch | SwitchRecord) -> int:
    return len(part) if isinstance(part, MoveBatch) else len(part.left) + len(part.entered)


def _keys(wanted: Collection[int] | None) -> Keys:
    return None if wanted is None else np.fromiter((int(each) for each in wanted), np.int64, len(wanted))
