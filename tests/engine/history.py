"""Random histories: a tape of bytes is read as what happens, one thing after the other.

One draw an example, so that thousands run in a minute; a shorter tape with smaller bytes is a simpler history.
"""

from __future__ import annotations

from collections.abc import Generator

from tests.engine.chronicle import SKEW, Attributes, Chronicle, Edit, Event, Expected
from tests.engine.dialect import Dialect, Tape, toy_dialect
from tests.engine.driver import START, Driver, Move
from tests.engine.oracle import Definition, Rule, referred

from segmentd.population.kinds import Json
from segmentd.service.items import EventWrite, ProfileWrite
from segmentd.times import Micros

EVENTS = ("E", "F")
USERS = ("a", "b", "c", "d")
SEGMENTS = ("s", "t", "u", "v", "w")


class History:
    """Makes the same things happen to the engine and to the chronicle, and compares them after each."""

    def __init__(self, data: bytes, engine: Driver, dialect: Dialect | None = None) -> None:
        self.tape = Tape(data)
        self.engine = engine
        self.chronicle = Chronicle(engine.now)
        self.dialect = dialect or toy_dialect()
        self.unit = self.dialect.unit
        self.edit: tuple[Edit, Generator[None, None, int]] | None = None
        self.messages = 0
        self._order: list[str] = []

    def run(self) -> None:
        """Everything that is on the tape."""
        for _ in range(3):
            self._define()
            self.compare()
        steps = [self._write] * 8 + [self._move] * 4 + [self._peek] * 2 + [self._define] * 2
        steps += [self._begin, self._begin, self._archive, self._restart]
        foreseeing = bool(self.tape.below(2))
        while self.tape:
            if foreseeing:
                self.engine.look_ahead()
            self.tape.one(steps)()
            self.compare()
        self._finish()
        self._move()
        self.compare()

    def _write(self) -> None:
        items = [self._item() for _ in range(1 + self.tape.below(3))]
        outcome = self.engine.write(*(sent(item) for item in items))
        fates = self.chronicle.write(items)
        found = ["refused" if r.error else "duplicate" if r.duplicate else "stored" for r in outcome.results]
        assert found == fates
        self._work()

    def _item(self) -> Event | Attributes:
        user = self.tape.one(USERS)
        kind = self.tape.below(8)
        if kind < 5:
            return Event(user, self.tape.one(EVENTS), self._time(), self._message())
        if kind == 5:
            return Attributes(user, {"plan": self.tape.one(("pro", "free", None))})
        if kind == 6:
            begins = self.chronicle.now + (self.tape.below(20) - 4) * self.unit
            return Attributes(user, {"begins": self.tape.one((begins, None))})
        return Attributes(user, {"points": self.tape.one((1.0, 5.0, 9.0, None))})

    def _message(self) -> str:
        self.messages += 1
        return str(self.tape.one(("", "", "", f"m{self.messages}", f"m{self.messages - 1}", "m1")))

    def _time(self) -> int | None:
        """Now, late, a little ahead of the clock, or in the future."""
        now, kind, distance = self.chronicle.now, self.tape.below(8), self.tape.below(16) * self.unit
        if kind < 2:
            return None
        if kind < 5:
            return now - distance
        return now + distance if kind == 5 else now + SKEW + distance - 4 * self.unit

    def _move(self) -> None:
        by = (1 + self.tape.below(10)) * self.unit
        if self.tape.below(6) == 5:
            by += SKEW - 8 * self.unit
        self._clock(by)
        if self.tape.below(3):
            self.engine.engine.tick()
            self.chronicle.tick()

    def _clock(self, by: int) -> None:
        to = self.chronicle.clock + by
        self.engine.move(to, tick=False)
        self.chronicle.clock = to

    def _peek(self) -> None:
        """What readers see while deadlines are outstanding."""
        if not self.chronicle.world.people:
            return
        self._clock(self.tape.below(9) * self.unit)
        world, now = self.chronicle.world, self.chronicle.now
        users = [*world.people, "nobody"]
        seen = self.engine.see(*users)
        assert seen.at - START == now
        assert seen.known.tolist() == [True] * len(world.people) + [False]
        active = self._active()
        members = {name: seen.members(self.engine.plan(name)).tolist() for name in active}
        for place, user in enumerate(users):
            expected = world.bits(user, now) if user in world.people else frozenset()
            assert {name for name in active if members[name][place]} == expected, (user, now)
            if user in world.people:
                self._constant(user, now, int(seen.horizons[place]) - START)

    def _define(self) -> None:
        self._finish()
        name, definition = self._definition()
        if self._circular(name, definition.rule):
            return
        self.chronicle.define(name, definition)
        self.engine.define(name, self._said(definition), sorted(definition.include), sorted(definition.exclude))

    def _begin(self) -> None:
        """Begin an edit, or go on with the one that is under way."""
        if self.edit is None:
            name, definition = self._definition()
            if self._circular(name, definition.rule):
                return
            steps = self.engine.edit(
                name, self._said(definition), sorted(definition.include), sorted(definition.exclude)
            )
            self.edit = self.chronicle.begin(name, definition), steps
        self._step()

    def _step(self) -> None:
        if self.edit is None:
            return
        edit, steps = self.edit
        try:
            next(steps)
        except StopIteration:
            self.edit = None
            self.chronicle.finish(edit)
            self.compare()
            self._work()
        else:
            self.chronicle.step()

    def _finish(self) -> None:
        while self.edit is not None:
            self._step()
            self.compare()

    def _definition(self) -> tuple[str, Definition]:
        name = self.tape.one(SEGMENTS)
        rule = self._rule(2)
        include = frozenset(user for user in USERS if self.tape.below(12) == 11)
        exclude = frozenset(user for user in USERS if self.tape.below(12) == 11)
        return name, Definition(rule, include, exclude)

    def _rule(self, depth: int) -> Rule:
        kind = self.tape.below(9)
        if depth and kind in (1, 2):
            return {("all", "any")[kind - 1]: [self._rule(depth - 1) for _ in range(2)]}
        if depth and kind == 3:
            return {"not": self._rule(depth - 1)}
        if kind in (4, 5, 6) and self.chronicle.world.segments:
            return {"segment": self.tape.one(sorted(self.chronicle.world.segments))}
        return self.dialect.condition(self.tape)

    def _said(self, definition: Definition) -> Json:
        return self.dialect.said(definition.rule)

    def _circular(self, name: str, rule: Rule) -> bool:
        return bool(referred(rule) & self.chronicle.world.dependants({name}))

    def _archive(self) -> None:
        self._finish()
        segments = self.chronicle.world.segments
        if len(segments) < 3:
            return
        name = self.tape.one(sorted(segments))
        if self.chronicle.world.dependants({name}) == {name}:
            self.chronicle.archive(name)
            self.engine.archive(name)

    def _restart(self) -> None:
        """An edit under way is lost; the clock goes on meanwhile."""
        if self.edit is not None:
            self.edit[1].close()
            self.edit = None
        self.chronicle.clock += self.tape.below(20) * self.unit
        self.engine.restart(clock=self.chronicle.clock)
        self.chronicle.restart()
        self._work()

    def _work(self) -> None:
        """What the engine does by itself, one task after the other."""
        if self.edit is None:
            self.engine.background.run()
            self.chronicle.refit()

    def compare(self) -> None:
        """The log since the last look, then what is stored, then until when it holds."""
        live, chronicle = self.engine.engine.live, self.chronicle
        order = [name for name in live.catalogue.dependency_order if name in chronicle.world.segments]
        for place, name in enumerate(order):
            assert chronicle.world.references(name) <= set(order[:place])
        assert live.revision == chronicle.revision
        if chronicle.revision:
            assert live.instant - START == chronicle.last
        self._compare_log(order)
        active = self._active()
        assert active == {name for name in chronicle.world.segments if chronicle.world.active(name)}
        for name in active:
            expected = {user for user, bits in chronicle.bits.items() if name in bits}
            assert self.engine.stored(name) == expected, name
        for user in chronicle.world.people:
            self._constant(user, chronicle.walked, self.engine.horizon(user))

    def _active(self) -> set[str]:
        entries = self.engine.engine.live.catalogue.entries
        return {name for name, entry in entries.items() if entry.plan is not None}

    def _compare_log(self, order: list[str]) -> None:
        logged = self.engine.grouped()
        expected = self.chronicle.log
        self.chronicle.log = []
        wanted = [each for each in expected if each.moves or each.switched]
        assert len(logged) == len(wanted), (logged, wanted)
        rows = {user: row for row, user in enumerate(self.chronicle.world.people)}
        for found, revision in zip(logged, wanted, strict=True):
            count = len(revision.moves)
            assert sorted(found[:count], key=repr) == sorted(map(_move, revision.moves), key=repr)
            assert sorted(found[count:], key=repr) == sorted(map(_move, revision.switched), key=repr)
            _check_order(found[:count], rows, self._order)
            after = [*(name for name in self._order if name not in order), *order]
            switched = [(after.index(move.segment), move.entered, rows[move.user]) for move in found[count:]]
            assert switched == sorted(switched), found
        self._order = order

    def _constant(self, user: str, since: int, until: int) -> None:
        """Nothing changes in [since, until) if nothing is written."""
        assert until > since
        world = self.chronicle.world
        bits = world.bits(user, since)
        for instant in world.instants(user, since, until - 1):
            assert world.bits(user, instant) == bits, (user, since, instant, until)


def _check_order(moves: list[Move], rows: dict[str, int], order: list[str]) -> None:
    """By instant, then in dependency order, then who left before who entered, then by row."""
    places = [(move.at, order.index(move.segment), move.entered, rows[move.user]) for move in moves]
    assert places == sorted(places), moves


def _move(expected: Expected) -> Move:
    return Move(expected.segment, expected.user, expected.entered, expected.at, expected.cause)


def sent(item: Event | Attributes) -> EventWrite | ProfileWrite:
    if isinstance(item, Attributes):
        begins = item.values.get("begins")
        return ProfileWrite(item.user, {**item.values, **({} if begins is None else {"begins": float(START + begins)})})
    time = None if item.at is None else Micros(START + item.at)
    return EventWrite(item.user, item.name, item.message, time)
