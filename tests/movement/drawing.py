"""What happens in a history, drawn from a tape."""

from __future__ import annotations

from hypothesis import strategies as st
from tests.engine.chronicle import SKEW, Attributes, Event
from tests.engine.dialect import Tape, toy_dialect
from tests.engine.oracle import Definition, Rule
from tests.movement.chronicle import Chronicle

EVENTS = ("E", "F")
USERS = ("a", "b", "c", "d", "e", "f", "g")
SEGMENTS = ("s", "t", "u", "v")
LISTS = ("l", "m")
GROUPS = ("G", "H")
CONSUMERS = 3

tapes = st.binary(min_size=16, max_size=16).map(Tape)
longer = st.binary(min_size=32, max_size=32).map(Tape)


class Drawing:
    """Draws events, attributes and definitions that fit what the oracle knows."""

    oracle: Chronicle

    def __init__(self) -> None:
        super().__init__()
        self.dialect = toy_dialect()
        self.messages = 0

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
