"""The clock, the deadlines and the commits of the oracle of the stream."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterable, Mapping

from tests.engine.oracle import Bits
from tests.movement.ledger import Entry, Ledger, Part
from tests.movement.noted import Seen, Touched, Version
from tests.movement.world import World

REFUSAL = 12
"""For how many microseconds an erased id is refused."""


class Timeline:
    """A world, its clock and its log; `parts` are what the log has to have beyond the ledger.

    `walked` is the instant up to which deadlines were met, `last` that of the last revision; `bits` are the members
    when all of `parts` is logged.
    """

    def __init__(self, start: int, commits: deque[tuple[int, int]]) -> None:
        self.world = World()
        self.clock = self.walked = start
        self.last = -(2**62)
        self.commits = commits
        self.bits: dict[str, Bits] = {}
        self.messages: dict[str, tuple[str, str, int | None]] = {}
        self.seen: dict[str, Seen] = {}
        self.versions: list[Version] = []
        self.groups: dict[str, tuple[str, ...]] = {}
        self.erased: dict[str, int] = {}
        self.erased_keys: dict[str, set[int]] = {}
        self.ledger = Ledger()
        self.parts: list[Part] = [Part()]
        self.next_user = self.next_segment = 1
        self.fits: dict[str, int] = {}
        self.tried: dict[str, int] = {}
        self._keys: dict[int, str] = {}
        self._logged: Counter[Entry] = Counter()

    @property
    def now(self) -> int:
        """The present as readers see it."""
        return max(self.clock, self.last)

    def settle(self, last: int) -> None:
        """All of the parts is logged; `last` is the instant of the last revision."""
        assert not self.commits, "the engine made a commit that nobody asked for"
        self.parts = [Part()]
        assert self.last <= last <= self.now
        self.last = last

    def due(self) -> list[Entry]:
        """What deadlines up to the present bring, of which the engine may have met any part; it is not met here."""
        bits, walked, part = dict(self.bits), self.walked, self.parts[-1]
        self.parts[-1] = Part()
        self.tick()
        found = self.parts[-1].walk
        self.bits, self.walked, self.parts[-1] = bits, walked, part
        return found

    def logged(self, moves: Iterable[Entry]) -> None:
        """These deadlines are logged already, although not all up to the present were met."""
        self._logged += Counter(moves)

    def refused(self, user_id: str, now: int) -> bool:
        """Whether an id is that of somebody who was erased not long ago."""
        return user_id in self.erased and self.erased[user_id] + REFUSAL > now

    def tick(self) -> None:
        """Meet all deadlines up to the present."""
        self._walk(self.now)

    def own_key(self, user_id: str) -> int | None:
        """The key that an id was given."""
        return max((key for key, name in self._keys.items() if name == user_id), default=None)

    def _add(self, world: World, user_id: str) -> str:
        number = str(self.next_user)
        world.add(user_id, number)
        self._keys = {**self._keys, self.next_user: user_id}
        self.next_user += 1
        return number

    def _walk_to_commit(self) -> None:
        """Meet the deadlines before the commit that comes next."""
        assert self.commits, "the engine made no commit"
        self._walk(self.commits[0][1] - 1)

    def _next_bounds(self) -> tuple[int, int]:
        """Between which instants the next commit may lie: a wave that is cut may take the first."""
        return max(self.clock, self.last + 1), self.now + 1

    def _walk(self, until: int) -> None:
        """Every change in (walked, until] although nothing is written."""
        for user in self.world.people:
            for instant in self.world.instants(user, self.walked, until):
                for name, entered in self._change(self.world, user, instant):
                    seen = self.seen[name]
                    entry = Entry(instant, seen.key, int(user), entered, "TIME", seen.version)
                    if not self._logged[entry]:
                        self.parts[-1].walk.append(entry)
        self.walked = max(self.walked, until)

    def _change(self, world: World, user: str, instant: int) -> list[tuple[str, bool]]:
        """What the user enters and leaves, and whether it is entered."""
        before = self.bits.get(user, frozenset())
        after = self.bits[user] = world.logged(user, instant, before)
        return [(name, name in after) for name in before ^ after]

    def _commit(
        self,
        ahead: World,
        touched: Mapping[str, Touched],
        replaced: Collection[str] = (),
        cause: str = "",
        gone: str = "",
    ) -> int:
        assert self.commits, "the engine made no commit"
        revision, instant = self.commits.popleft()
        least, most = self._next_bounds()
        assert least <= instant <= most, (least, instant, most)
        self._walk(instant - 1)
        part = self.parts[-1]
        part.revision = revision
        before, self.world, self.walked = self.world, ahead, max(self.walked, instant)
        for user in [each for each in before.people if each not in ahead.people and each in self.bits]:
            for name in self.bits.pop(user):
                seen = self.seen[name]
                entry = Entry(instant, seen.key, int(user), False, gone, seen.version)
                (part.moves if ahead.active(name) else part.added).append(entry)
        for user in ahead.people:
            for name, entered in self._change(ahead, user, instant):
                seen = self.seen[name]
                if name in replaced:
                    part.switched.append(Entry(instant, seen.key, int(user), entered, cause, seen.version))
                else:
                    why, message = self._cause(name, touched.get(user, Touched()))
                    part.moves.append(Entry(instant, seen.key, int(user), entered, why, seen.version, message))
        self.last = instant
        self.parts.append(Part())
        return instant

    def _cause(self, name: str, touched: Touched) -> tuple[str, str | None]:
        if touched.merged:
            return "MERGE", None
        for event, message in touched.events.items():
            if event in self.world.event_names(name):
                return "EVENT", message
        if touched.attributes & self.world.attribute_names(name):
            return "ATTRIBUTE", None
        if touched.lists & self.world.list_names(name):
            return "LIST", None
        return _cause_of_new(touched) if touched.new else ("TIME", None)


def _cause_of_new(touched: Touched) -> tuple[str, str | None]:
    if touched.lists:
        return "LIST", None
    if touched.defined:
        return "DEFINITION", None
    return ("EVENT", next(iter(touched.events.values()))) if touched.events else ("ATTRIBUTE", None)
