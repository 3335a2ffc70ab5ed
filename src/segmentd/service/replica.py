"""What a watcher who answers questions by himself is told besides the moves: led ids, and how complete it all is."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from segmentd.records import END_OFFSET, Position
from segmentd.service.engine import Engine
from segmentd.service.watch_parts import Checkpoint, Led
from segmentd.times import Micros

_PIECE: Final = 2_000
"""Led ids of one part at most."""


@dataclass(frozen=True, slots=True)
class Stand:
    """What was published at one moment: the moves before `complete` are those up to the end of `revision`."""

    revision: int
    at: Micros
    complete: Micros
    unanswered: Sequence[str]
    led: int

    def checkpoint(self, position: Position) -> Checkpoint | None:
        """For a watcher who was told everything up to a position; None where that does not reach so far."""
        if position < Position(self.revision, END_OFFSET):
            return None
        return Checkpoint(position, self.at, self.complete, self.unanswered, self.revision)


class Replica:
    """For one watcher of some segments."""

    def __init__(self, engine: Engine, segment_ids: Collection[str]) -> None:
        self._engine = engine
        self._segment_ids = sorted(segment_ids)
        self._entries: Sequence[tuple[str, str]] | None = None
        self._told = 0

    async def stand(self) -> Stand:
        """How things stand now."""
        live = self._engine.live
        if live.led_ids.entries is None:  # at first, and where memory was loaded anew from disk
            await asyncio.wrap_future(self._engine.thread.call(lambda: live.led_ids.begin(live.users)))
        now = self._engine.clock.now()
        with live.lock:
            at = live.present(now)
            # A deadline that is due was not walked yet; from it on, memory says nothing.
            complete = Micros(min(at, live.memberships.next_deadline()))
            revision, catalogue, entries = live.revision, live.catalogue, live.led_ids.entries or []
        known = catalogue.entries
        unanswered = [name for name in self._segment_ids if name not in known or known[name].plan is None]
        if entries is not self._entries:
            self._entries, self._told = entries, -1
        return Stand(revision, at, complete, unanswered, len(entries))

    def led_until(self, stand: Stand) -> Iterator[Led]:
        """The led ids that were not told yet; at first, and after an erasure, all of them, if only none."""
        entries, first = self._entries or [], self._told < 0
        start = max(self._told, 0)
        self._told = stand.led
        while first or start < stand.led:
            yield Led(first, entries[start : min(start + _PIECE, stand.led)])
            first, start = False, start + _PIECE
