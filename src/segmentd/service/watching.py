"""Watching the log: each move exactly once and in order, from memory or from the database, live and without an end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from typing import Final

from segmentd.records import END_OFFSET, Position
from segmentd.service.engine import Engine
from segmentd.service.positions import invalid_position
from segmentd.service.replica import Replica
from segmentd.service.watch_desk import WatchDesk
from segmentd.service.watch_filter import WatchFilter
from segmentd.service.watch_parts import Checkpoint, Members, Part, SnapshotEnd, Start, Wanted

_MOMENT: Final = 0.005
"""Seconds until a look whether a revision that is published is in the log too."""


class Watching:
    """All watches of a service. Each runs on the event loop in which it is opened."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._desks: dict[asyncio.AbstractEventLoop, WatchDesk] = {}

    async def watch(self, wanted: Wanted) -> AsyncGenerator[Part, None]:
        """The parts of a watch, without an end; to be closed.

        Nothing is read ahead: a watcher that takes no part costs one page. Raises InvalidInput (POSITION_INVALID),
        NotFound, OutOfRange (POSITION_COMPACTED), that one later too, and ResourceExhausted (WATCH_TOO_SLOW).
        """
        with self._sharing() as desk:
            watch = _Watch(desk, await desk.filter_of(wanted), wanted.checkpoint_interval)
            replica = Replica(self._engine, wanted.segment_ids) if wanted.replica else None
            position = await watch.first_position(wanted.start)
            if position is None:
                async with desk.room.taken(desk.snapshot_bytes(watch.filter)) as place:
                    snapshot = await desk.snapshot(watch.filter)
                    for piece in snapshot.pieces():
                        place.check()
                        if piece.user_ids:
                            yield Members(snapshot.revision, piece)
                        await asyncio.sleep(0)
                position = Position(snapshot.revision, END_OFFSET)
                yield SnapshotEnd(position, snapshot.revision, snapshot.at)
                del snapshot
            else:
                yield Checkpoint(position, desk.clock())
            async with aclosing(watch.follow(position) if replica is None else watch.feed(replica, position)) as parts:
                async for part in parts:
                    yield part

    @contextmanager
    def _sharing(self) -> Iterator[WatchDesk]:
        """What the watchers of this loop share, as long as there is one."""
        loop = asyncio.get_running_loop()
        desk = self._desks.get(loop)
        if desk is None:
            desk = self._desks[loop] = WatchDesk(self._engine)
        desk.watchers += 1
        try:
            yield desk
        finally:
            desk.watchers -= 1
            if not desk.watchers:
                desk.wakeups.close()
                del self._desks[loop]


class _Watch:
    """One watcher."""

    def __init__(self, desk: WatchDesk, wanted: WatchFilter, checkpoint_interval: float) -> None:
        self._desk = desk
        self.filter = wanted
        self._interval = checkpoint_interval
        self._loop = asyncio.get_running_loop()

    async def first_position(self, start: Start | Position) -> Position | None:
        """After which move to begin; None: with a snapshot. Raises InvalidInput, OutOfRange."""
        tail, reader = self._desk.engine.tail, self._desk.engine.log_reader
        if start is Start.SNAPSHOT:
            return None
        if start is Start.NOW:
            return tail.end
        if start is Start.LOG:
            return (await asyncio.wrap_future(reader.run(lambda reads: reads.log_start()))).position
        if not Position(0, -1) <= start <= tail.end:
            ahead = "it is ahead of the log: the database was put back to an earlier state"
            raise invalid_position("position", ahead)
        return start

    async def follow(self, position: Position) -> AsyncGenerator[Part, None]:
        """What comes after a position, for ever."""
        wakeups = self._desk.wakeups
        told = self._loop.time()
        while True:
            turn = wakeups.turn
            page = await self._desk.pages.read(turn, position, self.filter.segments, self.filter.users)
            # A move of the page may belong to an id of which nothing was known before.
            if self.filter.widen():
                continue
            position = page.position
            if page.moves:
                yield page
                told = self._loop.time()
            elif not page.more:
                await wakeups.wait(turn, told + self._interval)
                if self._loop.time() >= told + self._interval:
                    yield Checkpoint(position, self._desk.clock())
                    told = self._loop.time()

    async def feed(self, replica: Replica, position: Position) -> AsyncGenerator[Part, None]:
        """What comes after a position, for ever, with all that a replica needs and regular checkpoints."""
        wakeups = self._desk.wakeups
        due = self._loop.time()
        while True:
            turn = wakeups.turn
            # Before the page: what is published between the two may be in the page already, and is not claimed.
            stand = await replica.stand()
            for led in replica.led_until(stand):
                yield led
            page = await self._desk.pages.read(turn, position, self.filter.segments, self.filter.users)
            if self.filter.widen():
                continue
            position = page.position
            if page.moves:
                yield page
            if page.more:
                continue
            checkpoint = stand.checkpoint(position)
            if checkpoint is not None and self._loop.time() >= due:
                yield checkpoint
                due = self._loop.time() + self._interval
            elif not page.moves:
                await wakeups.wait(turn, max(due, self._loop.time() + _MOMENT))
