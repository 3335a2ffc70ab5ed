"""Somebody who follows the log, goes away at any moment, and comes back where they were."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection
from dataclasses import dataclass, field

from tests.engine.driver import START
from tests.movement.chronicle import Chronicle
from tests.movement.ledger import Placed, Seat
from tests.movement.site import Site

from segmentd.errors import NotFound, OutOfRange
from segmentd.records import START as LOG_START
from segmentd.records import Position
from segmentd.service.log_pages import LogPage
from segmentd.service.watch_parts import Checkpoint, Members, Part, SnapshotEnd, Start, Wanted


@dataclass
class Consumer:
    """Wants some segments and users, by ids (none: all); `seats` are those it knows of, None without a snapshot."""

    segments: Collection[str]
    users: Collection[str]
    position: Position | None = None
    seats: set[Seat] | None = None
    parts: AsyncGenerator[Part, None] | None = None
    names: dict[str, int] = field(default_factory=dict)
    """The keys of segments when the snapshot was taken."""
    segment_keys: set[int] = field(default_factory=set)
    user_keys: set[int] = field(default_factory=set)
    whole: bool = True
    """Whether no user came to the filter after the snapshot."""
    fresh: bool = True
    """Whether nothing was told yet since it (re)joined."""
    taking: bool = False
    """Whether a snapshot is being told."""

    def leave(self, site: Site) -> None:
        """Go away in the middle of whatever it is."""
        if self.parts is not None:
            site.runner.run(self.parts.aclose())
        self.parts = None
        if self.taking:
            self.position, self.seats, self.taking = None, None, False

    def take(self, site: Site, oracle: Chronicle, count: int, start: Start = Start.SNAPSHOT) -> bool:
        """Take up to so many parts, less where there are no more; whether it has come to the end."""
        self._widen(oracle)
        if self.parts is None:
            begin = start if self.position is None else self.position
            self.parts = site.watching.watch(Wanted(self.segments, self.users, begin, 0.0))
            self.fresh = True
            self.names = {name: each.key for name, each in oracle.seen.items()}
            self.segment_keys, before = self._keys_of_segments(oracle), self.user_keys
            self.user_keys = self._keys_of_users(oracle)
            self.whole = self.whole and (self.position is None or self.user_keys == before)
            if self.position is None:
                self.whole = True
                self.seats = set() if start is Start.SNAPSHOT else None
                if start is Start.LOG:
                    self.position = oracle.ledger.start
                    self.seats = {seat for seat in oracle.ledger.baseline if self._wants(seat)}
                self.taking = start is Start.SNAPSHOT
        for _ in range(count):
            try:
                part = site.runner.run(self._next())
            except NotFound:
                assert not self.exists(oracle)
                self.parts, self.position, self.taking = None, None, False
                return False
            except OutOfRange:
                assert self.position is not None
                assert self.position < oracle.ledger.start
                self.parts, self.position, self.seats = None, None, None
                return False
            if self._told(part, oracle):
                return True
        return False

    def exists(self, oracle: Chronicle) -> bool:
        """Whether all of its segments were ever there."""
        return all(self._segments_named(oracle, each) for each in self.segments)

    async def _next(self) -> Part:
        assert self.parts is not None
        return await anext(self.parts)

    def _told(self, part: Part, oracle: Chronicle) -> bool:
        """Check one part against the oracle; True at the checkpoint up to which everything was told."""
        if isinstance(part, Members):
            assert self.taking
            assert self.seats is not None
            key = self.names[part.piece.segment_id]
            found = {(key, user) for user in part.piece.user_keys.tolist()}
            assert len(found) == len(part.piece.user_keys)
            assert not found & self.seats
            self.seats |= found
            return False
        if isinstance(part, SnapshotEnd):
            assert self.taking
            self.taking, self.position = False, part.position
            return False
        assert not self.taking
        if isinstance(part, LogPage):
            self._read([Placed.of(each.logged, START) for each in part.moves], part.position, oracle)
            return False
        assert isinstance(part, Checkpoint)
        assert self.position is None or part.position >= self.position
        if self.fresh:
            self.fresh, self.position = False, part.position
            return False
        assert self._expected(oracle) == []
        self.position = part.position
        if self.seats is not None and self.whole:
            members = {seat for seat in oracle.ledger.members() if self._wants(seat)}
            assert self.seats == members, (self.seats, members)
        return True

    def _read(self, moves: list[Placed], position: Position, oracle: Chronicle) -> None:
        expected = self._expected(oracle)
        assert moves, "an empty page"
        assert moves == expected[: len(moves)], (moves, expected)
        assert position >= moves[-1].position
        assert all(each.position > position for each in expected[len(moves) :])
        self.position = position
        for each in moves:
            entry = each.entry
            if self.seats is None:
                continue
            if entry.cause != "ERASURE" and self.whole:
                assert (entry.seat in self.seats) != entry.entered, entry
            (self.seats.add if entry.entered else self.seats.discard)(entry.seat)

    def _expected(self, oracle: Chronicle) -> list[Placed]:
        segments = self.segment_keys if self.segments else None
        users = self.user_keys if self.users else None
        return oracle.ledger.after(self.position if self.position is not None else LOG_START, segments, users)

    def _wants(self, seat: Seat) -> bool:
        return (not self.segments or seat[0] in self.segment_keys) and (not self.users or seat[1] in self.user_keys)

    def _widen(self, oracle: Chronicle) -> None:
        """What became known of its ids while it was there."""
        self.segment_keys |= self._keys_of_segments(oracle)
        found = self._keys_of_users(oracle)
        if not found <= self.user_keys:
            self.user_keys |= found
            self.whole = False

    def _keys_of_users(self, oracle: Chronicle) -> set[int]:
        own = {key for each in self.users if (key := oracle.own_key(each)) is not None}
        erased = {key for each in self.users for key in oracle.erased_keys.get(each, ())}
        return own | erased | {int(oracle.world.ids[each]) for each in self.users if each in oracle.world.ids}

    def _keys_of_segments(self, oracle: Chronicle) -> set[int]:
        return {key for each in self.segments for key in self._segments_named(oracle, each)}

    @staticmethod
    def _segments_named(oracle: Chronicle, name: str) -> set[int]:
        return {each.segment for each in oracle.versions if each.name == name}
