"""Everything that moves people, in any order, told to the engine and to the oracle, with consumers who come and go."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Collection, Generator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.engine.chronicle import SKEW, Attributes, Event
from tests.engine.dialect import Tape, toy_dialect
from tests.engine.driver import START
from tests.engine.history import sent
from tests.engine.oracle import Definition, Rule, referred
from tests.movement.chronicle import Chronicle, Edit
from tests.movement.consumers import Consumer
from tests.movement.ledger import Placed
from tests.movement.site import Killed, Site, spec_of
from tests.movement.world import named_ids

from segmentd.errors import FailedPrecondition, InvalidInput, NotFound, OutOfRange, StorageFailed
from segmentd.records import START as LOG_START
from segmentd.service import aside, commit, loading, log_pages, member_snapshot, tail
from segmentd.service.group_info import GroupSpec
from segmentd.service.merging import UserMerge
from segmentd.service.snapshots import answers, taking
from segmentd.service.tail import Tail
from segmentd.service.united import Precedence
from segmentd.service.upload import Mode, UploadSpec
from segmentd.service.watch_parts import Start
from segmentd.storage import keypacking, runs
from segmentd.storage.compaction import Compaction
from segmentd.storage.part import Part
from segmentd.times import Micros

EVENTS = ("E", "F")
USERS = ("a", "b", "c", "d", "e", "f", "g")
SEGMENTS = ("s", "t", "u", "v")
LISTS = ("l", "m")
GROUPS = ("G", "H")
CONSUMERS = 3
SMALL: tuple[tuple[object, str, object], ...] = (
    (commit, "WAVE", 2),
    (aside, "CHUNK", 2),
    (loading, "_CHUNK", 3),
    (taking, "ROWS", 2),
    (taking, "EVENT_ROWS", 1),
    (answers, "_CHUNK", 3),
    (log_pages, "PAGE", 3),
    (member_snapshot, "PIECE", 2),
    (tail, "_SCAN", 4),
    (runs, "RUN", 2),
    (keypacking, "BLOCK", 2),
    (Compaction, "fold_size", 2),
    (Compaction, "fold_blocks", 1),
    (Part, "batch_size", 3),
)
"""What is large in the program and small here, so that a handful of people come to every seam."""

tapes = st.binary(min_size=16, max_size=16).map(Tape)
longer = st.binary(min_size=32, max_size=32).map(Tape)


class Movement(RuleBasedStateMachine):
    """A rule is one thing that happens; what is on its tape says with whom."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.folder = Path(tempfile.mkdtemp(prefix="movement-"))
        self.site: Site
        self.pace = 0
        self.oracle: Chronicle
        self.dialect = toy_dialect()
        self.messages = 0
        self.edit: tuple[str, Edit, Generator[None, None, int]] | None = None
        self.compacting: Generator[None, None, None] | None = None
        self.consumers: list[Consumer | None] = [None] * CONSUMERS
        self.order: Mapping[int, int] = {}

    @initialize(
        tape=st.binary(min_size=24, max_size=48).map(Tape),
        small=st.booleans(),
        held=st.sampled_from((0, 3, 40)),
        pace=st.sampled_from((0, 1, 5, 12)),
    )
    def begin(self, tape: Tape, small: bool, held: int, pace: int) -> None:
        """Some segments, and how small everything is."""
        for where, name, value in SMALL if small else ():
            self.patch.setattr(where, name, value)
        self.patch.setattr(Tail.__init__, "__defaults__", (LOG_START, held + 1))
        self.site = Site(self.folder, 0)
        self.pace = pace
        self.oracle = Chronicle(0, self.site.commits)
        recent: Rule = {"tally": {"event": "E", "at_least": 1, "within": tape.one((4, 7, 12)), "early": None}}
        self._define_as("s", Definition(recent))
        self._define_as("t", Definition({"not": {"segment": "s"}}))
        self._define(tape)
        for which, start in enumerate((Start.SNAPSHOT, Start.LOG, Start.NOW)):
            self.join(which, tape, start)

    def teardown(self) -> None:
        """Everybody goes."""
        try:
            self._leave()
            self.site.close()
        finally:
            self.patch.undo()
            shutil.rmtree(self.folder, ignore_errors=True)

    # --- what happens -------------------------------------------------------------------------------------------------

    @rule(tape=tapes)
    def write(self, tape: Tape) -> None:
        """One commit group of events and attributes."""
        self._clock(tape.one((0, 0, 1, 4)))
        items = self._crowd(tape) if tape.below(3) == 1 else [self._item(tape) for _ in range(1 + tape.below(4))]

        def told() -> None:
            outcome = self.site.write([sent(item) for item in items])
            fates = ["refused" if r.error else "duplicate" if r.duplicate else "stored" for r in outcome.results]
            assert fates == self.oracle.write(items, self.asked)

        self._try(told)
        self._go_on_taking(tape)

    @rule(tape=tapes, by=st.integers(1, 8), how=st.integers(0, 3))
    def write_and_move(self, tape: Tape, by: int, how: int) -> None:
        """This is most of what happens."""
        self.write(tape)
        self.move(by, 0, how)

    @rule(tapes=st.tuples(tapes, tapes), by=st.integers(1, 8), how=st.integers(0, 3))
    def write_twice(self, tapes: tuple[Tape, Tape], by: int, how: int) -> None:
        """With some time between."""
        self.write_and_move(tapes[0], by, how)
        self.write(tapes[1])

    @rule(by=st.integers(1, 10), far=st.sampled_from((0, 0, 0, 0, SKEW - 8, 1_000_000)), how=st.integers(0, 3))
    def move(self, by: int, far: int, how: int) -> None:
        """The clock goes on; deadlines are met, some of them, or none yet."""
        self._clock(by + far)
        if how == 1:
            self._try(self.site.engine.step)
        elif how:
            self._try(self._tick)

    @rule(tape=tapes)
    def merge(self, tape: Tape) -> None:
        """Some merges in one revision."""
        self._clock(tape.one((0, 1, 4, 8)))
        pairs = [(tape.one(USERS), tape.one(USERS), bool(tape.below(2))) for _ in range(1 + tape.below(3))]
        wins = Precedence.LATEST_WINS, Precedence.SURVIVOR_WINS
        merges = [UserMerge(one, other, wins[0] if latest else wins[1]) for one, other, latest in pairs]

        def told() -> None:
            outcome = self.site.do(self.site.identity.merge(merges))
            fates = [str(each.outcome) for each in outcome.results]
            assert fates == self.oracle.merge(pairs, self.asked)

        self._try(told)
        self._go_on_taking(tape)

    @rule(user=st.sampled_from(USERS), due=st.booleans(), by=st.integers(0, 9))
    def erase(self, user: str, due: bool, by: int) -> None:
        """Somebody is forgotten; rather one of those whose deadlines were not met yet."""
        self._clock(by)
        waiting = sorted({each.user for each in self.oracle.due()}) if due else []
        if waiting:
            user = min(self.oracle.world.ids_of(str(waiting[USERS.index(user) % len(waiting)])))

        def told() -> None:
            try:
                self.site.do(self.site.identity.erase(user))
                known = True
            except NotFound:
                known = False
            assert self.oracle.erase(user) == known

        self._try(told)

    @rule(tape=tapes)
    def change_list(self, tape: Tape) -> None:
        """Single users go into a list and out of it."""
        self._clock(tape.one((0, 0, 1, 4)))
        name = tape.one(LISTS)
        chosen = [(user, tape.below(4)) for user in USERS]
        add = [user for user, kind in chosen if kind == 1]
        remove = [user for user, kind in chosen if kind == 2]
        spec = UploadSpec(name, Mode.ADD, create=True)

        def told() -> None:
            ids = self.oracle.world.ids
            both = {ids[each] for each in add if each in ids} & {ids[each] for each in remove if each in ids}
            refused = bool(both) or any(self.oracle.refused(user, self.oracle.now) for user in add)
            try:
                self.site.do(self.site.lists.update(spec, add, remove))
            except (FailedPrecondition, InvalidInput):
                assert refused
            else:
                assert not refused
                self.oracle.change_list(name, add, remove)

        self._try(told)

    @precondition(lambda self: self.edit is None)
    @rule(tape=tapes, mode=st.sampled_from(Mode))
    def upload(self, tape: Tape, mode: Mode) -> None:
        """A list is uploaded, in one revision."""
        name, world = tape.one(LISTS), self.oracle.world
        ids = [user for user in USERS if tape.below(3) == 1]
        if not ids or name not in world.lists or any(self.oracle.refused(user, self.oracle.now) for user in ids):
            return
        inside = {each for each in world.ids if name in world.person(world.ids[each]).lists}
        named = {world.ids[each] for each in ids if each in world.ids}
        outside = [each for each in inside if world.ids[each] not in named]

        def told() -> None:
            lists = self.site.lists
            with lists.receiving(UploadSpec(name, mode)) as upload:
                upload.take(ids)
                self.site.do_queued(lists.apply(upload))
            removed = {Mode.ADD: [], Mode.REMOVE: ids, Mode.REPLACE: outside}[mode]
            self.oracle.change_list(name, [] if mode is Mode.REMOVE else ids, removed)

        self._try(told)

    @precondition(lambda self: self.edit is None)
    @rule(name=st.sampled_from(LISTS))
    def delete_list(self, name: str) -> None:
        """A list goes, unless something refers to it."""
        world = self.oracle.world
        used = any(name in world.list_names(each) for each in world.segments)

        def told() -> None:
            try:
                self.site.do_queued(self.site.lists.delete(name))
            except NotFound:
                assert name not in world.lists
            except FailedPrecondition:
                assert used
            else:
                assert not used
                self.oracle.delete_list(name)

        self._try(told)

    @rule(tape=longer)
    def define(self, tape: Tape) -> None:
        """A new segment or version, at once."""
        self._finish()
        self._define(tape)

    @rule(tape=longer)
    def begin_edit(self, tape: Tape) -> None:
        """Begin an edit, or go on with the one that is under way."""
        if self.edit is None:
            name, definition = self._definition(tape)
            if self._hindered(name, definition) or self._refused(definition):
                return
            made = self.oracle.begin({name: definition})
            steps = self.site.edit(spec_of(name, definition, self._said(definition)), lambda: self.oracle.learn(made))
            self.edit = name, made, steps
        self._step()

    @precondition(lambda self: self.edit is not None)
    @rule()
    def go_on(self) -> None:
        """A step of the edit that is under way."""
        self._step()

    @rule(tape=tapes)
    def archive_or_delete(self, tape: Tape) -> None:
        """A segment that nothing refers to goes."""
        self._finish()
        world = self.oracle.world
        names = sorted(each for each in self.oracle.seen if each in SEGMENTS)
        if not names:
            return
        name, archive = tape.one(names), bool(tape.below(2))
        if world.dependants({name}) != {name} or self._grouped(name):
            return
        if archive and name in world.segments:
            definition = world.segments[name]
            spec = spec_of(name, definition, self._said(definition))

            def archived() -> None:
                for _ in self.site.edit(spec, lambda: None, archive=True):
                    pass
                self.oracle.archive(name)

            self._try(archived)
        elif not archive:

            def deleted() -> None:
                self.site.do_queued(self.site.segments.delete(name))
                self.oracle.define({}, [name])

            self._try(deleted)

    @rule(tape=tapes)
    def group(self, tape: Tape) -> None:
        """An exclusive group comes, changes or goes."""
        self._finish()
        name, world = tape.one(GROUPS), self.oracle.world
        chosen = [each for each in SEGMENTS if each in world.segments and tape.below(2)]
        if tape.below(2):
            chosen.reverse()
        before = self.oracle.groups.get(name, ())
        gone = {f"{name}/{each}" for each in before if each not in chosen}
        if any(world.dependants({each}) - gone - {f"{name}/{one}" for one in chosen} for each in gone):
            return
        definitions = _managed(name, chosen)
        if any(set(_references(world, each)) & set(definitions) for each in chosen):
            return
        changed = {k: v for k, v in definitions.items() if k not in world.segments or world.segments[k] != v}

        def told() -> None:
            groups, spec = self.site.groups, GroupSpec(name, tuple(chosen))
            if not chosen and not before:
                return
            if not chosen:
                self.site.do_queued(groups.delete(name, ""))
            elif before:
                self.site.do_queued(groups.update(spec, {"segment_ids"}, "", "", ""))
            else:
                self.site.do_queued(groups.create(spec, "", ""))
            if tuple(chosen) != before:
                self.oracle.define(changed, gone)
            self.oracle.groups[name] = tuple(chosen)

        self._try(told)

    @precondition(lambda self: self.edit is None)
    @rule()
    def refit(self) -> None:
        """All that was learned is learned anew."""

        def told() -> None:
            self.site.engine.refit(list(self.site.engine.refits._conditions))
            self._run()
            self.oracle.refit(self.site.models())

        if self.site.models():
            self._try(told)

    @rule(by=st.integers(0, 20))
    def restart(self, by: int) -> None:
        """Stop, and start later."""
        self._restart(by)

    @rule(by=st.integers(0, 20))
    def kill(self, by: int) -> None:
        """Killed between two things, and started later."""
        self._kill(by)

    @rule(steps=st.sampled_from((1, 3, 8, 100)))
    def write_snapshot(self, steps: int) -> None:
        """A snapshot is begun, or goes on; other things happen between its steps."""
        self.site.write_snapshot(steps)

    @rule(writes=st.integers(0, 12), failing=st.booleans())
    def plan_a_failure(self, writes: int, failing: bool) -> None:
        """In a commit that comes, after so many writes, the process is killed, or the disk is full."""
        self.site.writes_left, self.site.failing = writes, failing

    # --- those who follow ---------------------------------------------------------------------------------------------

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

    # --- the log gets shorter -----------------------------------------------------------------------------------------

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

    # --- what always holds --------------------------------------------------------------------------------------------

    @invariant()
    def snapshots_are_written(self) -> None:
        """All the time, or hardly ever: a start has one that is a little older than the database."""
        self.site.write_snapshot(self.pace)

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

    # --- how ----------------------------------------------------------------------------------------------------------

    @property
    def asked(self) -> int:
        """The instant of the commit that was made last, or that would be made."""
        return self.site.commits[-1][1] if self.site.commits else max(self.oracle.clock, self.oracle.last + 1)

    def _try(self, doing: Callable[[], object]) -> None:
        """Do something and what the engine does because of it; where that dies, it has not happened."""
        try:
            doing()
            self._compare(some=True)
            self._work()
        except Killed:
            self._kill(0, copied=True)
        except StorageFailed:  # the disk is full
            self._lose_edit()
            if not self.site.hand.recovered:
                self.site.engine.recover()
            self.site.hand.recovered = False
            self._started()
        self._compare(some=True)

    def _take(self, consumer: Consumer, count: int, start: Start = Start.SNAPSHOT) -> bool:
        """A snapshot makes the moves that are due, so that the log grows with its first part."""
        with self.site.calm():
            if consumer.parts is None and consumer.position is None:
                consumer.take(self.site, self.oracle, 1, start)
                self._compare(some=True)
            return consumer.take(self.site, self.oracle, count)

    def _go_on_taking(self, tape: Tape) -> None:
        """Somebody may take what came, or a part of it."""
        which, count = tape.below(2 * CONSUMERS), tape.below(3)
        if which < CONSUMERS and count:
            self.take(which, count * count)

    def _work(self) -> None:
        if self.edit is None:
            self._run()
            self.oracle.refit_doubled(self.site.models())
            self.site.engine.refit_due()
            self._run()
            self.oracle.refit_scheduled()

    def _run(self) -> None:
        self.site.hand.run()
        if self.site.hand.recovered:
            raise StorageFailed("the disk was full")

    def _tick(self) -> None:
        self.site.engine.tick()
        self.oracle.tick()
        self._compare()

    def _compare(self, *, some: bool = False) -> None:
        """Take over what is new in the log; with `some`, deadlines that are due may be in it or not."""
        oracle, order = self.oracle, self.site.order()
        gone = sorted({(each.name, each.segment) for each in oracle.versions if each.segment not in order})
        after = {**order, **{segment: len(order) + place for place, (_, segment) in enumerate(gone)}}
        met = [*oracle.parts[-1].walk]
        due = oracle.due() if some else []
        oracle.parts[-1].walk += due
        rest = oracle.ledger.extend(oracle.parts, self.site.log(), (self.order, after))
        assert not set(rest) & set(met), ("deadlines missing in the log", rest)
        oracle.logged(set(due) - set(rest))
        self.order = order
        oracle.settle(self.site.last if self.site.engine.live.revision else oracle.last)

    def _clock(self, by: int) -> None:
        self.oracle.clock += by
        self.site.clock.move_to(Micros(START + self.oracle.clock))

    def _crowd(self, tape: Tape) -> list[Event | Attributes]:
        """The same of several people, whose deadlines will fall together."""
        name, at = tape.one(EVENTS), self._time(tape)
        return [Event(user, name, at) for user in USERS if tape.below(4)]

    def _item(self, tape: Tape) -> Event | Attributes:
        user = tape.one(USERS)
        kind = tape.below(8)
        if kind < 5:
            return Event(user, tape.one(EVENTS), self._time(tape), self._message(tape))
        if kind == 5:
            return Attributes(user, {"plan": tape.one(("pro", "free", None))})
        if kind == 6:
            return Attributes(user, {"begins": tape.one((self.oracle.now + tape.below(20) - 4, None))})
        return Attributes(user, {tape.one(("points", "points", "score")): tape.one((1.0, 5.0, 9.0, None))})

    def _message(self, tape: Tape) -> str:
        self.messages += 1
        return str(tape.one(("", "", f"m{self.messages}", f"m{self.messages - 1}", "m1")))

    def _time(self, tape: Tape) -> int | None:
        now, kind, distance = self.oracle.now, tape.below(8), tape.below(16)
        if kind < 3:
            return None
        if kind < 6:
            return now - distance
        return now + distance if kind == 6 else now + SKEW + distance - 4

    def _define(self, tape: Tape) -> None:
        self._clock(tape.one((0, 0, 1, 4)))
        name, definition = self._definition(tape)
        if not self._hindered(name, definition) and not self._refused(definition):
            self._define_as(name, definition)

    def _define_as(self, name: str, definition: Definition) -> None:
        def told() -> None:
            for _ in self.site.edit(spec_of(name, definition, self._said(definition)), lambda: None):
                pass
            self.oracle.define({name: definition})

        self._try(told)

    def _step(self) -> None:
        if self.edit is None:
            return
        _, made, steps = self.edit

        def told() -> None:
            try:
                next(steps)
            except StopIteration:
                self.edit = None
                self.oracle.finish(made)
            except FailedPrecondition:
                assert self._refused(next(iter(made.definitions.values())))
                self.edit = None
                self.oracle.step()
            else:
                self.oracle.step()

        self._try(told)

    def _finish(self) -> None:
        while self.edit is not None:
            self._step()

    def _definition(self, tape: Tape) -> tuple[str, Definition]:
        name = tape.one(SEGMENTS)
        old = self.oracle.world.segments.get(name)
        if old is not None and tape.below(3) == 1:  # who was inside leaves, and the others enter
            return name, Definition(old.rule.get("not", {"not": old.rule}), self._some(tape), self._some(tape))
        return name, Definition(self._rule(tape, 2), self._some(tape), self._some(tape))

    def _some(self, tape: Tape) -> frozenset[str]:
        return frozenset(user for user in USERS[:4] if tape.below(12) == 11)

    def _rule(self, tape: Tape, depth: int) -> Rule:
        kind, world = tape.below(11), self.oracle.world
        if depth and kind in (1, 2):
            return {("all", "any")[kind - 1]: [self._rule(tape, depth - 1) for _ in range(2)]}
        if depth and kind == 3:
            return {"not": self._rule(tape, depth - 1)}
        if kind in (4, 5) and world.segments:
            return {"segment": tape.one(sorted(world.segments))}
        return self._listed(tape) if kind in (6, 7, 8) else self._condition(tape)

    def _listed(self, tape: Tape) -> Rule:
        if self.oracle.world.lists and tape.below(2):
            return {"list": {"uploaded": tape.one(sorted(self.oracle.world.lists))}}
        return {"list": {"users": [tape.one(USERS) for _ in range(3)]}}

    def _condition(self, tape: Tape) -> Rule:
        """Some learn from what hardly anybody has, and some do so by a schedule."""
        condition = self.dialect.condition(tape)
        if "richer" not in condition:
            return condition
        attribute = tape.one(("points", "score"))
        return {"richer": {"attribute": attribute, **({"refit": 1} if tape.below(2) else {})}}

    def _said(self, definition: Definition) -> Any:
        """The rule as the engine is told; a list of users that erasures have emptied names nobody."""
        return _said(definition.rule)

    def _hindered(self, name: str, definition: Definition) -> bool:
        world = self.oracle.world
        return bool(referred(definition.rule) & world.dependants({name}))

    def _refused(self, definition: Definition) -> bool:
        return any(self.oracle.refused(each, self.oracle.now) for each in named_ids(definition))

    def _grouped(self, name: str) -> bool:
        return any(name in each for each in self.oracle.groups.values())

    def _leave(self, which: int | None = None) -> None:
        for place, consumer in enumerate(self.consumers):
            if consumer is not None and which in (None, place):
                consumer.leave(self.site)

    def _restart(self, by: int) -> None:
        self._stop()
        self.oracle.clock += by
        self.site.restart(self.oracle.clock)
        self._started()

    def _kill(self, by: int, *, copied: bool = False) -> None:
        self._stop()
        self.oracle.clock += by
        self.site.kill(self.oracle.clock, copied=copied)
        self._started()

    def _stop(self) -> None:
        self._leave()
        self._lose_edit()
        self.oracle.tried.clear()
        self.compacting = None
        self.site.writes_left = None

    def _lose_edit(self) -> None:
        if self.edit is not None:
            self.edit[2].close()
            self.edit = None

    def _started(self) -> None:
        self.order = self.site.order()
        self.oracle.restart()
        self._compare()
        self._work()
        self._compare(some=True)


def _managed(group: str, segments: Collection[str]) -> dict[str, Definition]:
    """The segments of an exclusive group."""
    found = {}
    earlier: list[str] = []
    for each in segments:
        rule: Rule = {"segment": each}
        if earlier:
            rule = {"all": [rule, {"not": {"any": [{"segment": one} for one in earlier]}}]}
        found[f"{group}/{each}"] = Definition(rule)
        earlier.append(each)
    return found


def _references(world: Any, name: str) -> set[str]:
    """All that a segment refers to, directly or not."""
    found: set[str] = set()
    for each in world.references(name):
        found |= {each, *_references(world, each)}
    return found


def _said(rule: Rule) -> Any:
    [(key, below)] = rule.items()
    if key in ("all", "any"):
        return {key: [_said(each) for each in below]}
    if key == "not":
        return {key: _said(below)}
    if key == "list" and below.get("users") == []:
        return {key: {"users": ["nobody-at-all"]}}
    return {key: below} if key == "segment" else {key: dict(below)}
