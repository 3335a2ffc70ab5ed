"""What the log has to say about a history, in which order, and why: the oracle of transitions."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.engine.oracle import Bits, Definition, Person, World

SKEW = 300_000_000


@dataclass(frozen=True)
class Expected:
    """One transition."""

    at: int
    segment: str
    user: str
    entered: bool
    cause: str


@dataclass(frozen=True)
class Event:
    """An event as sent; `at` None is now."""

    user: str
    name: str
    at: int | None
    message: str = ""


@dataclass(frozen=True)
class Attributes:
    """Attributes as sent; None removes one."""

    user: str
    values: Mapping[str, Any]


@dataclass
class Touched:
    """What one commit wrote about one user."""

    events: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)
    new: bool = False
    defined: bool = False


@dataclass
class Revision:
    """The moves one by one, and those of a switch; neither is in order."""

    moves: list[Expected]
    switched: list[Expected] = field(default_factory=list)


@dataclass
class Edit:
    """A definition that is judged aside, with what was learned for it when it began."""

    name: str
    definition: Definition
    means: dict[str, tuple[int, int]]


class Chronicle:
    """A world, its clock and its revisions; `log` has what each step should log.

    `walked` is the instant up to which deadlines were met, `last` that of the last revision; `bits` are the members
    as the log leaves them.
    """

    def __init__(self, start: int) -> None:
        self.world = World()
        self.clock = self.walked = start
        self.last = -(2**62)
        self.revision = 0
        self.bits: dict[str, Bits] = {}
        self.messages: dict[str, tuple[str, str, int | None]] = {}
        self.log: list[Revision] = []

    @property
    def now(self) -> int:
        """The present as readers see it."""
        return max(self.clock, self.last)

    def tick(self) -> None:
        """Meet all deadlines up to the present."""
        now = self.now
        moves = self._walk(now)
        if moves:
            self._record(now, Revision(moves))

    def write(self, items: Sequence[Event | Attributes]) -> list[str]:
        """One commit group; for each item `stored`, `duplicate` or `refused`."""
        instant = max(self.clock, self.last + 1)
        ahead = self.world.copy()
        touched: dict[str, Touched] = {}
        changed = False
        fates = []
        for item in items:
            fate, counts = self._apply(ahead, item, instant, touched)
            fates.append(fate)
            changed |= counts
        for user, touch in touched.items():
            before = self.world.people[user].attributes if user in self.world.people else {}
            after = ahead.people[user].attributes
            touch.attributes = {name for name in before | after if before.get(name) != after.get(name)}
        if changed:
            self._commit(ahead, instant, touched)
        return fates

    def begin(self, name: str, definition: Definition) -> Edit:
        """A new segment or version; it is switched to by `finish`."""
        ahead = self.world.copy()
        ahead.segments[name] = definition
        return Edit(name, definition, self._learned(ahead, {name}))

    def finish(self, edit: Edit) -> None:
        """Switch to what was judged aside. What asks the same as before is not judged, and nobody moves for it."""
        if self._repeats(edit):
            self._commit(self.world.copy(), self._next(), {})
            return
        ahead = self.world.copy()
        ahead.segments[edit.name] = edit.definition
        ahead.means |= edit.means
        touched = {}
        for user in sorted(edit.definition.include - ahead.people.keys()):
            ahead.people[user] = Person()
            touched[user] = Touched(new=True, defined=True)
        self._commit(ahead, self._next(), touched, ahead.dependants({edit.name}), "DEFINITION")

    def define(self, name: str, definition: Definition) -> None:
        """Both at once."""
        edit = self.begin(name, definition)
        if not self._repeats(edit):
            self.step()
        self.finish(edit)

    def _repeats(self, edit: Edit) -> bool:
        """Whether it asks what its segment asks already: then nothing is judged aside."""
        return self.world.segments.get(edit.name) == edit.definition and self.world.active(edit.name)

    def step(self) -> None:
        """A part of what is judged aside: deadlines are met before it."""
        if self.world.people:
            self.tick()

    def archive(self, name: str) -> None:
        """A segment that nobody refers to goes."""
        self.step()
        ahead = self.world.copy()
        del ahead.segments[name]
        self._commit(ahead, self._next(), {}, {name}, "DEFINITION")

    def refit(self) -> None:
        """Learn anew where the number of people has doubled; one switch each."""
        for attribute in sorted({each for name in self.world.segments for each in self.world.learned_from(name)}):
            known = sum(attribute in person.attributes for person in self.world.people.values())
            size = self.world.means[attribute][1] if attribute in self.world.means else 0
            if known and known >= 2 * size:
                using = {name for name in self.world.segments if attribute in self.world.learned_from(name)}
                self._again(using, self._means([attribute]), "MODEL")

    def restart(self) -> None:
        """Deadlines that came due meanwhile; then whatever still waits to be judged is tried again."""
        self.tick()
        waiting = {name for name in self.world.segments if not self.world.active(name)}
        if waiting:
            self._again(self.world.dependants(waiting), self._learned(self.world, waiting), "TYPE")

    def _apply(
        self, world: World, item: Event | Attributes, instant: int, touched: dict[str, Touched]
    ) -> tuple[str, bool]:
        if isinstance(item, Event) and item.message:
            content = (item.user, item.name, item.at)
            if item.message in self.messages:
                return ("duplicate" if self.messages[item.message] == content else "refused"), False
            self.messages[item.message] = content
        new = item.user not in world.people
        person = world.people.setdefault(item.user, Person())
        touch = touched.setdefault(item.user, Touched())
        touch.new |= new
        if isinstance(item, Event):
            at = instant if item.at is None or instant < item.at <= instant + SKEW else item.at
            person.events.append((at, item.name))
            touch.events.add(item.name)
            return "stored", True
        before = dict(person.attributes)
        person.attributes = {k: v for k, v in {**before, **item.values}.items() if v is not None}
        return "stored", new or before != person.attributes

    def _learned(self, ahead: World, names: set[str]) -> dict[str, tuple[int, int]]:
        """What has to be learned before these and their dependants can be judged, where that is possible.

        What was learned for segments that are gone is learned anew.
        """
        wanted = {each for name in ahead.dependants(names) for each in ahead.learned_from(name)}
        learning = {each for name in self.world.segments for each in self.world.learned_from(name)}
        return self._means(wanted - (ahead.means.keys() & learning))

    def _means(self, attributes: Collection[str]) -> dict[str, tuple[int, int]]:
        return means_of([person.attributes for person in self.world.people.values()], attributes)

    def _again(self, names: set[str], means: dict[str, tuple[int, int]], cause: str) -> None:
        self.step()
        ahead = self.world.copy()
        ahead.means |= means
        self._commit(ahead, self._next(), {}, ahead.dependants(names), cause)

    def _next(self) -> int:
        return max(self.clock, self.last + 1)

    def _walk(self, until: int) -> list[Expected]:
        """Every change in (walked, until] although nothing is written."""
        moves = []
        for user in self.world.people:
            for instant in self.world.instants(user, self.walked, until):
                for name, entered in self._change(self.world, user, instant):
                    moves.append(Expected(instant, name, user, entered, "TIME"))
        self.walked = max(self.walked, until)
        return moves

    def _change(self, world: World, user: str, instant: int) -> list[tuple[str, bool]]:
        """What the user enters and leaves, and whether it is entered."""
        before = self.bits.get(user, frozenset())
        after = self.bits[user] = world.logged(user, instant, before)
        return [(name, name in after) for name in before ^ after]

    def _commit(
        self,
        ahead: World,
        instant: int,
        touched: Mapping[str, Touched],
        replaced: Collection[str] = (),
        cause: str = "",
    ) -> None:
        revision = Revision(self._walk(instant - 1))
        self.world, self.walked = ahead, max(self.walked, instant)
        for user in ahead.people:
            for name, entered in self._change(ahead, user, instant):
                if name in replaced:
                    revision.switched.append(Expected(instant, name, user, entered, cause))
                else:
                    why = self._cause(name, touched.get(user, Touched()))
                    revision.moves.append(Expected(instant, name, user, entered, why))
        self._record(instant, revision)

    def _record(self, instant: int, revision: Revision) -> None:
        self.last, self.revision = instant, self.revision + 1
        self.log.append(revision)

    def _cause(self, name: str, touched: Touched) -> str:
        if touched.events & self.world.event_names(name):
            return "EVENT"
        if touched.attributes & self.world.attribute_names(name):
            return "ATTRIBUTE"
        if touched.defined:
            return "DEFINITION"
        if touched.new:
            return "EVENT" if touched.events else "ATTRIBUTE"
        return "TIME"


def means_of(people: Sequence[Mapping[str, Any]], attributes: Collection[str]) -> dict[str, tuple[int, int]]:
    """The mean of each attribute that anybody has, cut to a whole number, and how many have it."""
    means = {}
    for attribute in attributes:
        values = [each[attribute] for each in people if attribute in each]
        if values:
            means[attribute] = (int(sum(values) // len(values)), len(values))
    return means
