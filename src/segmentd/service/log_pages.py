"""Pages of the log for watchers, each read once for all who want the same at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from segmentd.records import END_OFFSET, LoggedTransition, Position
from segmentd.service.log_naming import LogNaming, NamedMove
from segmentd.service.log_reader import LogReader
from segmentd.service.tail import Tail
from segmentd.storage import LogReads

PAGE: Final = 500
"""Moves of a page at most: the size of one message, and what is in memory for a watcher that does not take it."""
_SHARED: Final = 64
"""Pages that are kept until the log grows, for others who want them too."""

_Keys: TypeAlias = "frozenset[int] | None"
_Wanted: TypeAlias = tuple[Position, _Keys, _Keys]


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class LogPage:
    """Moves in order; `position` is up to where the log was looked through, `more` whether it goes on at once."""

    moves: Sequence[NamedMove]
    position: Position
    more: bool


class LogPages:
    """Reads the tail in memory where that reaches back far enough, else the database. Used on one event loop."""

    def __init__(self, tail: Tail, reader: LogReader, naming: LogNaming) -> None:
        self._tail = tail
        self._reader = reader
        self._naming = naming
        self._state: object = None
        self._pages: dict[_Wanted, LogPage] = {}
        self._reading: dict[_Wanted, asyncio.Task[LogPage]] = {}

    async def read(self, turn: int, after: Position, segments: _Keys, users: _Keys) -> LogPage:
        """The next page after a position. Pages are shared within one `turn`, in which the log does not grow.

        Raises OutOfRange (POSITION_COMPACTED).
        """
        self._begin(turn)
        wanted = (after, segments, users)
        page = self._pages.get(wanted) or self._from_tail(*wanted)
        if page is None:
            return await asyncio.shield(self._reading.get(wanted) or self._start(wanted))
        return self._share(wanted, page)

    def _begin(self, turn: int) -> None:
        """Forget what was shared where an erasure may have taken users from it: that empties the tail."""
        state = (turn, self._tail.begin)
        if state != self._state:
            self._state = state
            self._pages, self._reading = {}, {}

    def _share(self, wanted: _Wanted, page: LogPage) -> LogPage:
        if len(self._pages) >= _SHARED:
            self._pages.clear()
        self._pages[wanted] = page
        return page

    def _from_tail(self, after: Position, segments: _Keys, users: _Keys) -> LogPage | None:
        """None where the tail begins later, or does not suffice to name the moves."""
        found = self._tail.read(after, PAGE, segments=segments, users=users)
        named = None if found is None else self._naming.at_once(found.transitions)
        if found is None or named is None:
            return None
        return LogPage(named, max(after, found.position), len(named) == PAGE)

    def _start(self, wanted: _Wanted) -> asyncio.Task[LogPage]:
        """Read the database in a task of its own, which lives on where one of those who wait for it goes away."""
        task = asyncio.create_task(self._from_log(*wanted))
        reading = self._reading
        reading[wanted] = task
        task.add_done_callback(lambda done: _forget(reading, wanted, done))
        return task

    async def _from_log(self, after: Position, segments: _Keys, users: _Keys) -> LogPage:
        published = self._tail.end
        asked = self._reader.run(lambda reads: read_published(reads, after, published, PAGE, segments, users))
        moves, end = await asyncio.wrap_future(asked)
        named = await self._naming.thoroughly(moves)
        # Whatever came meanwhile is in the tail, or in the next page.
        return LogPage(named, end, more=end != after)


def read_published(
    reads: LogReads,
    after: Position,
    published: Position,
    limit: int,
    segments: Collection[int] | None,
    users: Collection[int] | None,
) -> tuple[list[LoggedTransition], Position]:
    """Up to `limit` moves after a position and none behind `published`, and up to where that looked.

    `published` is the end of the tail before the question: the database may have a later commit, with segments and
    users of which the filter of the reader cannot know yet.
    """
    last = reads.last_to_look_at(after, segments=segments, users=users)
    published = min(published, Position(last, END_OFFSET))
    found = reads.transitions(after, limit, segments=segments, users=users, last_revision=last)
    moves = [move for move in found if move.position <= published]
    return moves, moves[-1].position if len(moves) == limit else max(after, published)


def _forget(reading: dict[_Wanted, asyncio.Task[LogPage]], wanted: _Wanted, done: asyncio.Task[LogPage]) -> None:
    reading.pop(wanted, None)
    if not done.cancelled():
        done.exception()  # those who waited have it; where nobody does, it is no incident
