"""Who is in which segment at each instant, and every move on the way, by judging alone.

After everything that is said, all users are judged anew on a population made of all that is known. Between that and the
next thing said, each user is judged again at the end of every verdict. Nothing is kept but the answers of last time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from tests.quarter.coded import Coded
from tests.quarter.knowledge import Knowledge, Numbers
from tests.quarter.ledger import Ledger, Why
from tests.quarter.rules import Rules

from segmentd.engine.judging import Pass
from segmentd.engine.plan import Fitted, Plan
from segmentd.population.dataset import Dataset
from segmentd.times import FOREVER, Instants

Bits = NDArray[np.bool_]


class Oracle:
    """`bits` bool (segments, users), by number, as of the last instant judged; `moves` those not yet taken."""

    def __init__(self, knowledge: Knowledge, rules: Rules) -> None:
        self.moves = Ledger()
        self.bits: Bits = np.zeros((len(rules.names), len(knowledge.known)), dtype=np.bool_)
        self._judged_at = 0
        self._knowledge = knowledge
        self._rules = rules
        self._plans: dict[int, Plan] = {}
        self._models: dict[str, Fitted] = {}
        self._known = knowledge.known.copy()
        self._attributes: Mapping[str, Coded] = {}
        self._dataset, self._users = Dataset(), np.zeros(0, dtype=np.int64)
        self._horizons: Instants = np.zeros(0, dtype=np.int64)

    @property
    def bound(self) -> bool:
        """Whether there is a segment yet."""
        return bool(self._plans)

    def walk(self, until: int) -> None:
        """Note every move up to and at `until` if nothing more is said."""
        timed = {number: plan for number, plan in self._plans.items() if plan.clock}
        while len(due := np.flatnonzero(self._horizons <= until)):
            at, users = self._horizons[due], self._users[due]
            bits, self._horizons[due] = self._judge(timed, due, at)
            for number, members in bits.items():
                self._move(number, users, members, np.full(len(due), Why.TIME), at)

    def say(self, instant: int, events: Mapping[str, Numbers]) -> None:
        """What the knowledge has more than before was said at this instant, after all deadlines before it.

        `events` are the users to whom some came, by name.
        """
        self.walk(instant - 1)
        due, attributes = self._due(instant), self._attributes
        new = self._knowledge.known & ~self._known
        bits = self._anew(instant)
        changed = {name: ~now.same(attributes[name]) for name, now in self._attributes.items() if name in attributes}
        for number, plan in self._plans.items():
            written = new.copy()
            for name in plan.events.keys() & events.keys():
                written[events[name]] = True
            for name in plan.attributes & changed.keys():
                written |= changed[name]
            why = np.where(written, Why.WRITTEN, Why.TIME)
            self._settle(number, bits[number], instant, why, due)

    def define(self, instants: Sequence[int], models: Mapping[str, Fitted]) -> None:
        """The first segments are defined, each at an instant of its own; nothing is said meanwhile."""
        self._models.update(models)
        self._bind(range(len(instants)))
        self._renew()
        everybody = slice(0, len(self._users))
        self._horizons = np.full(len(self._users), FOREVER, dtype=np.int64)
        for number, instant in enumerate(instants):
            at = np.full(len(self._users), instant, dtype=np.int64)
            bits, horizons = self._judge({number: self._plans[number]}, everybody, at)
            self._move(number, self._users, bits[number], np.full(len(at), Why.SWITCHED), at)
            np.minimum(self._horizons, horizons, out=self._horizons)

    def switch(self, instant: int, numbers: Collection[int], models: Mapping[str, Fitted]) -> None:
        """From this instant on these segments are defined, or judged with these models; and so are their dependants.

        Users who are new were made by a definition that names them.
        """
        self.walk(instant - 1)
        due, new = self._due(instant), self._knowledge.known & ~self._known
        self._models.update(models)
        replaced = self._bind({*numbers, *self._learning_from(models)})
        bits = self._anew(instant)
        for number in self._plans:
            why = np.where(new | (number in replaced), Why.SWITCHED, Why.TIME)
            self._settle(number, bits[number], instant, why, due)

    def look(self, instant: int) -> None:
        """Judge everybody at an instant, anew: nothing may be otherwise than as the walk left it."""
        if instant == self._judged_at:
            return  # anew already, when something was said
        self.walk(instant)
        bits = self._anew(instant)
        for number, members in bits.items():
            assert np.array_equal(members, self.bits[number]), f"{self._rules.names[number]}: a verdict held too long"

    def _learning_from(self, models: Mapping[str, Fitted]) -> set[int]:
        return {number for number in self._plans if self._rules.models(number) & models.keys()}

    def _bind(self, numbers: Iterable[int]) -> set[int]:
        """Bind these anew and all that refer to them; all that were bound."""
        bound = set(numbers)
        for number in sorted({*self._plans, *bound}):
            old = self._plans.get(number)
            if old is not None and any(each.segment_key in bound for each in old.references):
                bound.add(number)
            if number in bound:
                self._plans[number] = self._rules.bind(number, self._plans, self._models.get)
        return bound

    def _anew(self, instant: int) -> dict[int, Bits]:
        """Make a population of what is known, and judge everybody at an instant; bool (users,) by segment."""
        self._judged_at = instant
        self._renew()
        at = np.full(len(self._users), instant, dtype=np.int64)
        found, self._horizons = self._judge(self._plans, slice(0, len(self._users)), at)
        bits = {number: np.zeros(len(self._known), dtype=np.bool_) for number in found}
        for number, members in found.items():
            bits[number][self._users] = members
        return bits

    def _renew(self) -> None:
        """Make a population of all that is known and that some segment reads."""
        names = frozenset[str]().union(*(plan.attributes for plan in self._plans.values()))
        self._attributes = {name: each for name, each in self._knowledge.attributes().items() if name in names}
        events: dict[str, frozenset[str]] = {}
        for plan in self._plans.values():
            for name, properties in plan.events.items():
                events[name] = events.get(name, frozenset()) | properties
        self._known = self._knowledge.known.copy()
        self._dataset, self._users = self._knowledge.population(self._attributes, events)

    def _judge(
        self, plans: Mapping[int, Plan], rows: Numbers | slice, at: Instants
    ) -> tuple[dict[int, Bits], Instants]:
        """Who of these rows is a member of each segment, each at its own instant, and until when all of it holds."""
        judging = Pass(self._dataset.view(rows, at), at)
        verdicts = {number: judging.verdict(plan) for number, plan in plans.items()}
        horizons = np.full(len(at), FOREVER, dtype=np.int64)
        for verdict in verdicts.values():
            np.minimum(horizons, verdict.holds_until, out=horizons)
        return {number: verdict.member for number, verdict in verdicts.items()}, horizons

    def _due(self, instant: int) -> Bits:
        due = np.zeros(len(self._known), dtype=np.bool_)
        due[self._users[self._horizons == instant]] = True
        return due

    def _settle(self, number: int, members: Bits, instant: int, why: NDArray[np.int64], due: Bits) -> None:
        """Take over what was judged anew; whom nothing was said about changes at a deadline only."""
        changed = self.bits[number] != members
        late = changed & (why == Why.TIME) & ~due
        assert not late.any(), f"{self._rules.names[number]}: a verdict held too long for {np.flatnonzero(late)[:5]}"
        users = np.flatnonzero(changed)
        self._move(number, users, members[users], why[users], np.full(len(users), instant))

    def _move(self, number: int, users: Numbers, members: Bits, why: NDArray[np.int64], at: Instants) -> None:
        changed = self.bits[number, users] != members
        self.moves.add(number, users[changed], members[changed], why[changed], at[changed])
        self.bits[number, users] = members
