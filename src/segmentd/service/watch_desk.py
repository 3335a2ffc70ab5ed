"""What the watchers of one event loop share: wake-ups, pages, names, and the room for snapshots."""

from __future__ import annotations

import asyncio

from segmentd.service.engine import Engine
from segmentd.service.log_naming import LogNaming
from segmentd.service.log_pages import LogPages
from segmentd.service.member_snapshot import MemberSnapshot, snapshot_bytes, take_snapshot
from segmentd.service.seen import unknown_segment
from segmentd.service.snapshot_room import SnapshotRoom
from segmentd.service.wakeups import Wakeups
from segmentd.service.watch_filter import WatchFilter
from segmentd.service.watch_parts import Wanted
from segmentd.times import Micros


class WatchDesk:
    """To be made inside of the loop; `watchers` counts who is there."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.watchers = 0
        self.wakeups = Wakeups(engine.tail.subscribe)
        self.naming = LogNaming(engine.live, engine.log_reader)
        self.pages = LogPages(engine.tail, engine.log_reader, self.naming)
        self.room = SnapshotRoom()

    def clock(self) -> Micros:
        """The present."""
        return self.engine.live.present(self.engine.clock.now())

    def snapshot_bytes(self, wanted: WatchFilter) -> int:
        """What a snapshot will take at most, as things are."""
        return snapshot_bytes(self.engine.live, wanted)

    async def snapshot(self, wanted: WatchFilter) -> MemberSnapshot:
        """The members of now; the engine's thread makes the moves that are due first."""
        taking = self.engine.thread.change(lambda: take_snapshot(self.engine, wanted))
        return await asyncio.wrap_future(taking)

    async def filter_of(self, wanted: Wanted) -> WatchFilter:
        """The filter with what the database knows of its ids. Raises NotFound for a segment that never was."""
        segments = await self._segments(wanted) if wanted.segment_ids else None
        users = await self._users(wanted) if wanted.user_ids else None
        found = WatchFilter(self.engine.live, segments, users)
        found.widen()
        return found

    async def _segments(self, wanted: Wanted) -> dict[str, frozenset[int]]:
        keys: dict[str, set[int]] = {name: set() for name in wanted.segment_ids}
        for key, name in (await self.naming.learn_segments()).items():
            if name in keys:
                keys[name].add(key)
        for name, found in keys.items():
            if not found:
                raise unknown_segment(name)
        return {name: frozenset(found) for name, found in keys.items()}

    async def _users(self, wanted: Wanted) -> dict[str, frozenset[int]]:
        """Ids that nobody has written about have no key yet."""
        asked = self.engine.log_reader.run(lambda reads: reads.own_keys(wanted.user_ids))
        known = await asyncio.wrap_future(asked)
        return {name: frozenset([known[name]] if name in known else []) for name in wanted.user_ids}
