"""Reading the log for one consumer: from memory where that reaches back far enough, else from the database."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, NamedTuple

from segmentd.errors import OutOfRange
from segmentd.records import LoggedTransition, LogStart, Position
from segmentd.service.engine import Engine
from segmentd.service.log_pages import read_published
from segmentd.service.watch_filter import WatchFilter

_AHEAD: Final = 1_000
"""Moves that are read at once, where a batch has fewer."""


class Page(NamedTuple):
    """The moves of the next batch, none where there are no more, and the position after them."""

    moves: list[LoggedTransition]
    position: Position


class Overtaken(Exception):
    """The moves after a position were compacted away; the log now begins after `start`."""

    def __init__(self, start: LogStart) -> None:
        super().__init__(f"the log was compacted up to revision {start.revision}")
        self.start = start


class Cursor:
    """Used by one thread. Waits for the log reader, never for the engine's thread (but for a database in memory)."""

    def __init__(self, engine: Engine, segments: Collection[str] | None, batch_size: int) -> None:
        """`segments` are ids, of segments that exist, existed or will."""
        self._engine = engine
        self._segments = segments
        self._size = batch_size
        self._filter: WatchFilter | None = None
        self._ahead: list[LoggedTransition] = []
        self._end: Position | None = None

    def next(self, after: Position) -> Page:
        """The next batch after a position, which is where the last one ended. Raises Overtaken."""
        if not self._ahead:
            self._ahead, self._end = self._read(after)
        moves, self._ahead = self._ahead[: self._size], self._ahead[self._size :]
        if moves and self._ahead:
            return Page(moves, moves[-1].position)
        return Page(moves, max(after, self._end or after))

    def moved(self) -> None:
        """Forget what was read ahead: the next position is another one than the end of the last batch."""
        self._ahead = []

    def _read(self, after: Position) -> tuple[list[LoggedTransition], Position]:
        wanted = self._filter or self._begin()
        while True:
            found = self._from_tail(after, wanted.segments) or self._from_log(after, wanted.segments)
            # A move may belong to a segment of which nothing was known before.
            if wanted.widen():
                continue
            if found[0] or found[1] == after:
                return found
            after = found[1]  # a page without a wanted move is not yet the end

    def _begin(self) -> WatchFilter:
        keys: dict[str, set[int]] | None = None
        if self._segments is not None:
            keys = {name: set() for name in self._segments}
            for key, name in self._engine.log_reader.run(lambda reads: reads.segment_ids()).result():
                if name in keys:
                    keys[name].add(key)
        known = None if keys is None else {name: frozenset(found) for name, found in keys.items()}
        self._filter = WatchFilter(self._engine.live, known, None)
        self._filter.widen()
        return self._filter

    def _limit(self) -> int:
        return max(self._size, _AHEAD)

    def _from_tail(
        self, after: Position, segments: Collection[int] | None
    ) -> tuple[list[LoggedTransition], Position] | None:
        return self._engine.tail.read(after, self._limit(), segments=segments)

    def _from_log(self, after: Position, segments: Collection[int] | None) -> tuple[list[LoggedTransition], Position]:
        reader, limit, published = self._engine.log_reader, self._limit(), self._engine.tail.end
        try:
            return reader.run(lambda reads: read_published(reads, after, published, limit, segments, None)).result()
        except OutOfRange:
            raise Overtaken(reader.run(lambda reads: reads.log_start()).result()) from None
