"""Consumers of the stream in a history, who come and go, and the past that the log keeps."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule
from tests.engine.dialect import Tape
from tests.engine.driver import START
from tests.movement.consumers import Consumer
from tests.movement.drawing import CONSUMERS, SEGMENTS, USERS, tapes
from tests.movement.ledger import Placed
from tests.movement.running import Running

from segmentd.errors import OutOfRange
from segmentd.service.watch_parts import Start
from segmentd.times import Micros


class Following(Running):
    """What consumers do, and what always holds of the log."""

    @rule(
        which=st.integers(0, CONSUMERS - 1), tape=tapes, start=st.sampled_from((Start.SNAPSHOT, Start.LOG, Start.NOW))
    )
    def join(self, which: int, tape: Tape, start: Start) -> None:
        """A new consumer in the place of another."""
        self._leave(which)
        segments = [each for each in SEGMENTS if each in self.oracle.seen and tape.below(4) == 1]
        users = [each for each in USERS if tape.below(6) == 1]
        consumer = self.consumers[which] = Consumer(segments, users)
        self._take(consumer, 1, start)

    @rule(which=st.integers(0, CONSUMERS - 1), count=st.integers(1, 4))
    def take(self, which: int, count: int) -> None:
        """A consumer takes some parts."""
        consumer = self.consumers[which]
        if consumer is not None:
            self._take(consumer, count)

    @rule()
    def catch_up(self) -> None:
        """All consumers take what there is."""
        for consumer in self.consumers:
            if consumer is not None:
                assert any(self._take(consumer, 10_000) for _ in range(3)) or not consumer.exists(self.oracle)

    @rule(which=st.integers(0, CONSUMERS - 1))
    def leave(self, which: int) -> None:
        """A consumer is cut off."""
        consumer = self.consumers[which]
        if consumer is not None:
            consumer.leave(self.site)

    @precondition(lambda self: self.oracle.ledger.entries)
    @rule(share=st.integers(0, 8), steps=st.sampled_from((1, 2, 5, 1_000)))
    def compact(self, share: int, steps: int) -> None:
        """Shorten the log, or go on with it; only some steps of it are made."""
        if self.compacting is None:
            entries = self.oracle.ledger.entries
            revision = entries[len(entries) * share // 9].position.revision
            self.compacting = self.site.store.compact(revision)
            next(self.compacting)
            start = self.site.store.log_start()
            assert start.revision == revision
            self.oracle.ledger.compact(revision, start.instant - START, start.position)
        for _ in range(steps):
            if next(self.compacting, self) is self:
                self.compacting = None
                return

    @invariant()
    def snapshots_are_written(self) -> None:
        """All the time, or hardly ever: a start has one that is a little older than the database."""
        self.site.write_snapshot(self.pace)

    @invariant()
    def deadlines_are_foreseen(self) -> None:
        """All the time, or not at all."""
        if self.foreseeing:
            self.site.look_ahead()

    @invariant()
    def the_log_is_that_of_the_oracle(self) -> None:
        """Also its baseline, and what is stored in memory."""
        self._compare(some=True)
        ledger, oracle = self.oracle.ledger, self.oracle
        members = ledger.members()
        silent = {oracle.seen[name].key for name in oracle.world.segments if not oracle.world.active(name)}
        assert self.site.stored() == {seat for seat in members if seat[0] not in silent}
        for seen in oracle.seen.values():
            found = set(self.site.store.members(seen.key).tolist())
            assert found == {user for segment, user in members if segment == seen.key}
            if ledger.start_instant is not None:
                first = set(self.site.store.members_at(seen.key, Micros(START + ledger.start_instant)).tolist())
                known = ledger.members_at(ledger.start_instant)
                assert first == {user for segment, user in known if segment == seen.key}

    @invariant()
    def memory_and_log_say_the_same(self) -> None:
        """As far back as memory goes."""
        held = self.site.engine.tail
        read = held.read(held.begin, 1_000_000)
        assert read is not None
        assert [Placed.of(each, START) for each in read.transitions] == self.oracle.ledger.after(held.begin)

    @rule(share=st.integers(0, 10), tape=tapes)
    def look_back(self, share: int, tape: Tape) -> None:
        """Who was a member at some instant."""
        ledger, store = self.oracle.ledger, self.site.store
        first = ledger.start_instant if ledger.start_instant is not None else -20
        last = max(self.oracle.last, first)
        instants = [*{each.entry.at for each in ledger.entries}, first, first - 1, last]
        at = sorted(instants)[(len(instants) - 1) * share // 10] + tape.below(3) - 1
        if at > last:
            return
        for name, seen in self.oracle.seen.items():
            try:
                found = set(store.members_at(seen.key, Micros(START + at)).tolist())
                single = {k for k in range(self.oracle.next_user) if store.member_at(seen.key, k, Micros(START + at))}
            except OutOfRange:
                assert ledger.start_instant is not None
                assert at < ledger.start_instant
                return
            assert ledger.start_instant is None or at >= ledger.start_instant
            expected = {user for segment, user in ledger.members_at(at) if segment == seen.key}
            assert found == expected == single, (name, at)
