"""Writes, time, merges, erasures and lists in a history."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from tests.engine.chronicle import SKEW
from tests.engine.dialect import Tape
from tests.engine.history import sent
from tests.movement.drawing import LISTS, USERS, tapes
from tests.movement.running import Running

from segmentd.errors import FailedPrecondition, InvalidInput, NotFound
from segmentd.service.merging import UserMerge
from segmentd.service.united import Precedence
from segmentd.service.upload import Mode, UploadSpec


class Writing(Running):
    """What happens to people."""

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
