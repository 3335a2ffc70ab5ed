"""A quarter of a shop's life through the service, and beside it the oracle; they agree after every step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from tests.quarter.changes import Traits, change, stored
from tests.quarter.definitions import GUEST, UPLOADED, definitions
from tests.quarter.deliveries import Deliveries
from tests.quarter.driven import Driven
from tests.quarter.knowledge import Knowledge
from tests.quarter.ledger import Ledger, Why, differences
from tests.quarter.oracle import Oracle
from tests.quarter.rules import Rules
from tests.quarter.supply import draw
from tests.quarter.writes import Writes

from segmentd.plugins.host import load_plugins
from segmentd.sample import draw_shop
from segmentd.service.items import ProfileWrite
from segmentd.times import DAY, SECOND, Micros, parse_instant

BEGIN: Final = parse_instant("2026-02-15T00:00:00Z")
"""Clocks go forward on 8 March in America and on 29 March in Europe, back on 5 April in Australia and New Zealand."""
END: Final = Micros(BEGIN + 90 * DAY)
_BATCH: Final = 4_000
_RESTARTS: Final = 0.06
_REFITS: Final = 0.03
Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Size:
    """How much of it: `longest` is the longest step; `activity` scales how often people come."""

    users: int
    activity: float = 1.0
    longest: Micros = Micros(3 * DAY)
    seed: int = 1


@dataclass(slots=True)
class Tally:
    """What was done so far. `moves` int64 (segments, 2, Why) counts them: left and entered, by why."""

    moves: NDArray[np.int64]

    steps: int = 0
    commits: int = 0
    events: int = 0
    duplicates: int = 0
    changes: int = 0
    restarts: int = 0
    refits: int = 0
    memberships: int = 0


class Quarter:
    """One simulation; raises AssertionError with the difference at the first step that has one."""

    def __init__(self, path: Path, size: Size) -> None:
        plugins, specs = load_plugins(), definitions()
        self._size = size
        self._random = np.random.Generator(np.random.PCG64([size.seed, 99]))
        self._specs = specs
        self._rules = Rules(specs, plugins.segment_types)
        shop = draw_shop(END, size.users, size.seed, size.activity)
        self._supply = draw(shop, self._rules.properties(), [GUEST])
        self._knowledge = Knowledge(self._supply)
        self._oracle = Oracle(self._knowledge, self._rules)
        self._deliveries = Deliveries(self._random, self._supply, BEGIN)
        self._writes = Writes(self._random, self._supply, self._deliveries)
        self._profiles = self._profiles_to_come()
        self._listed: set[int] = set()
        self._found = Ledger()
        self.tally = Tally(np.zeros((len(specs), 2, len(Why)), dtype=np.int64))
        self.driven = Driven(path, plugins, BEGIN, self._supply.user_ids, self._rules.names)

    async def begin(self) -> None:
        """Tell the service everything that happened before the quarter, and define the segments."""
        await self._sign_up(BEGIN)
        for start in range(0, len(self._deliveries.past), _BATCH):
            numbers = self._deliveries.past[start : start + _BATCH]
            await self.driven.ingest(self._writes.events(numbers))
            self._arrived(numbers)
        await self._change_list(0.1)
        *specs, last = self._specs
        instants = [await self.driven.define(spec) for spec in specs]
        self._oracle.define(instants, {each.key: each for each in await self.driven.new_models()})
        instant = await self.driven.define(last)
        for user in last.include:  # one of them nobody has written about before
            self._knowledge.say(self._supply.user_ids.index(user), {})
        self._oracle.switch(instant, [len(specs)], {})
        await self._compare()

    async def run(self, told: Callable[[Micros, Tally], None]) -> None:
        """Live through the quarter; `told` hears of each step."""
        clock = BEGIN
        while clock < END:
            clock = min(self._next(clock), END)
            await self._step(clock)
            told(clock, self.tally)

    def _next(self, clock: Micros) -> Micros:
        """From a second to days further; now and then to a happening, to a midnight or just before one."""
        length = np.exp(self._random.uniform(np.log(SECOND), np.log(self._size.longest)))
        ahead = Micros(clock + int(length))
        match self._random.integers(8):
            case 0 | 1 | 2:
                return self._deliveries.next_happening(ahead)
            case 3:
                return Micros(-(-ahead // DAY) * DAY)
            case 4:
                return Micros(-(-(ahead + 1) // DAY) * DAY - 1)
        return ahead

    async def _step(self, clock: Micros) -> None:
        self.tally.steps += 1
        if self._random.random() < _RESTARTS:
            self.driven.restart(clock)
            self.tally.restarts += 1
        else:
            await self.driven.advance(clock)
        await self._follow(clock)
        chance = self._random.random()
        if chance < 0.25:  # nothing but time
            return await self._compare()
        await self._sign_up(clock)
        if chance < 0.9:
            await self._bring(self._deliveries.take(clock))
        if chance > 0.7:
            await self._change_profiles(clock)
        if chance > 0.92:
            await self._change_list(0.01)
        if self._random.random() < _REFITS:
            await self.driven.refit("champions")
            await self._follow(self.driven.instant - 1)
        return await self._compare()

    async def _follow(self, until: int) -> None:
        """Take over the models that were fitted on the way, each at the instant of its switch, and walk there."""
        await self.driven.settle()
        await self.driven.moves(self._found)
        for fitted in await self.driven.new_models():
            self.tally.refits += 1
            switched = [at for at in self._found.instants(Why.SWITCHED) if at >= fitted.fit_time]
            self._oracle.switch(min(switched, default=fitted.fit_time), [], {fitted.key: fitted})
        self._oracle.walk(until)

    async def _bring(self, numbers: Numbers) -> None:
        items, repeated, reused = self._writes.with_repetitions(numbers)
        before = self.driven.instant
        assert await self.driven.ingest(items) == (repeated, reused)
        self.tally.duplicates += repeated
        self._arrived(numbers)
        names = self._supply.name[numbers]
        users = self._supply.user[numbers]
        self._said(before, {self._supply.names[name]: users[names == name] for name in np.unique(names).tolist()})

    def _arrived(self, numbers: Numbers) -> None:
        if len(numbers):
            instant = self.driven.instant
            self._knowledge.arrive(numbers, self._writes.times(numbers, instant), instant)
            self.tally.events += len(numbers)

    async def _sign_up(self, clock: Micros) -> None:
        """Write the profiles that are there by now."""
        due = [user for at, user in self._profiles if at <= clock]
        self._profiles = self._profiles[len(due) :]
        for start in range(0, len(due), _BATCH):
            users = due[start : start + _BATCH]
            await self._say([(user, self._supply.traits[user]) for user in users])

    async def _change_profiles(self, clock: Micros) -> None:
        users = self._some(np.flatnonzero(self._knowledge.known), 0.001)
        await self._say([(user, change(self._random, clock)) for user in users])

    async def _say(self, given: Sequence[tuple[int, Traits]]) -> None:
        before = self.driven.instant
        await self.driven.upsert([ProfileWrite(self._supply.user_ids[user], values) for user, values in given])
        for user, values in given:
            self._knowledge.say(user, stored(values))
        self.tally.changes += len(given)
        self._said(before, {})

    async def _change_list(self, share: float) -> None:
        """Some known users come into the uploaded list, be they in it or not, and others leave it."""
        add = self._some(np.flatnonzero(self._knowledge.known), share)
        remove = self._some(np.array(sorted(self._listed - set(add)), dtype=np.int64), 0.1)
        self._listed = (self._listed | set(add)) - set(remove)
        names, before = self._supply.user_ids, self.driven.instant
        await self.driven.update_list(UPLOADED, [names[user] for user in add], [names[user] for user in remove])
        for user in add + remove:
            self._knowledge.say(user, {f"list:{UPLOADED}": 1 if user in self._listed else None})
        self._said(before, {})

    def _some(self, users: Numbers, share: float) -> list[int]:
        """Some of these, each once."""
        chosen: list[int] = users[self._random.random(len(users)) < share].tolist()
        return chosen

    def _said(self, before: int, events: dict[str, Numbers]) -> None:
        """Let the oracle judge what a commit said; one that changed nothing was none."""
        if self.driven.instant > before:
            self.tally.commits += 1
            if self._oracle.bound:
                self._oracle.say(self.driven.instant, events)

    async def _compare(self) -> None:
        """The log has the oracle's moves, and the segments its members."""
        await self._follow(self.driven.instant)
        present = self.driven.present
        self._oracle.look(present)
        expected, found = self._oracle.moves.take(), self._found.take()
        assert not (text := differences(expected, found, self._rules.names)), f"step {self.tally.steps}: {text}"
        np.add.at(self.tally.moves, (found[0], found[2], found[3]), 1)
        for number, name in enumerate(self._rules.names):
            members = await self.driven.members(name)
            wanted = np.flatnonzero(self._oracle.bits[number])
            assert np.array_equal(members, wanted), f"step {self.tally.steps}: {name} has other members"
            self.tally.memberships += len(members)
        status = await self.driven.service.status()
        assert status.users == np.count_nonzero(self._knowledge.known)
        assert status.events == self._knowledge.events

    def _profiles_to_come(self) -> list[tuple[int, int]]:
        """When each profile is written, and whose it is: some come days after the first event of their user."""
        late = np.where(self._random.random(self._size.users) < 0.3, self._random.exponential(DAY, self._size.users), 0)
        joined = self._supply.joined[: self._size.users]
        at = np.where(joined < BEGIN, joined, joined + late.astype(np.int64))
        return sorted(zip(at.tolist(), range(self._size.users), strict=True))
