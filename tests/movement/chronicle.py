"""What the log has to say about everything that moves people: the oracle of the stream.

Told after the engine has done a thing; of the engine it takes the instants and revisions of commits, within bounds.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.engine.chronicle import SKEW, Attributes, Event
from tests.engine.oracle import Bits, Definition
from tests.movement.ledger import Entry, Ledger, Part
from tests.movement.world import World, named_ids, scrubbed, unscheduled

REFUSAL = 12
"""For how many microseconds an erased id is refused."""
EVERY = 1_000_000
"""After how many microseconds a model with a schedule is learned anew."""


@dataclass
class Touched:
    """What one commit wrote about one person."""

    events: dict[str, str | None] = field(default_factory=dict)
    attributes: set[str] = field(default_factory=set)
    lists: set[str] = field(default_factory=set)
    new: bool = False
    defined: bool = False
    merged: bool = False


@dataclass
class Version:
    """What a segment says in one version, also where it is archived or deleted by now."""

    name: str
    segment: int
    definition: Definition


@dataclass
class Seen:
    """The segment as the log knows it: key and version. Archived ones are in no world."""

    key: int
    version: int
    archived: bool = False


@dataclass
class Edit:
    """Definitions that are judged aside, with what was learned for them, and what goes with them."""

    definitions: dict[str, Definition]
    means: dict[str, tuple[int, int]]
    deleted: frozenset[str] = frozenset()
    learned_at: int = 0


class Chronicle:
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

    def write(self, items: Sequence[Event | Attributes], instant: int) -> list[str]:
        """One commit group; for each item `stored`, `duplicate` or `refused`."""
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
            assert self._commit(ahead, touched) == instant
        return fates

    def merge(self, pairs: Sequence[tuple[str, str, bool]], instant: int) -> list[str]:
        """Let users absorb others; for each (absorbed, survivor, whether the latest wins) what came of it."""
        ahead = self.world.copy()
        touched: dict[str, Touched] = {}
        fates = []
        for absorbed, survivor, latest in pairs:
            if self.refused(absorbed, instant) or self.refused(survivor, instant):
                fates.append("refused")
            elif absorbed == survivor:
                fates.append("same_id")
            elif absorbed in ahead.ids and ahead.ids[absorbed] == ahead.ids.get(survivor):
                fates.append("already_merged")
            else:
                fates.append("merged" if absorbed in ahead.ids else "aliased")
                into = ahead.ids[survivor] if survivor in ahead.ids else self._add(ahead, survivor)
                gone = ahead.ids[absorbed] if absorbed in ahead.ids else self._add(ahead, absorbed)
                ahead.person(into).absorb(ahead.person(gone), latest=latest)
                del ahead.people[gone]
                ahead.ids |= dict.fromkeys(ahead.ids_of(gone), into)
                touched[into] = Touched(merged=True)
                touched.pop(gone, None)
        if set(fates) & {"merged", "aliased"}:
            assert self._commit(ahead, touched, gone="MERGE") == instant
        return fates

    def erase(self, user_id: str) -> bool:
        """Forget somebody: whether there was anything to forget."""
        number = self.world.ids.get(user_id)
        ids = self.world.ids_of(number) if number is not None else {user_id}
        named = [each for each in self.versions if named_ids(each.definition) & ids]
        if number is None and not named:
            return False
        self._walk_to_commit()
        keys = {key for key, known in self._keys.items() if known in ids}
        seats = self._seats(keys)
        self.ledger.forget(keys)
        for part in self.parts:
            part.forget(keys)
        ahead = self.world.copy()
        for each in named:
            each.definition = scrubbed(each.definition, ids)
        ahead.segments = {name: scrubbed(each, ids) for name, each in ahead.segments.items()}
        inside: Bits = frozenset()
        if number is not None:
            del ahead.people[number]
            inside = self.bits.pop(number, frozenset())
        ahead.ids = {name: each for name, each in ahead.ids.items() if name not in ids}
        self.messages = {key: each for key, each in self.messages.items() if each[0] not in ids}
        instant = self._commit(ahead, {})
        self.erased |= dict.fromkeys(ids, instant)
        for name in ids:
            self.erased_keys.setdefault(name, set()).update(keys)
        self._keys = {key: name for key, name in self._keys.items() if name not in ids}
        part = self.parts[-2]
        for name in inside:
            if self.world.active(name):
                seen = self.seen[name]
                part.moves.append(Entry(instant, seen.key, int(str(number)), False, "ERASURE", seen.version))
                seats.pop((seen.key, int(str(number))), None)
        part.added += [
            Entry(instant, segment, user, False, "ERASURE", version) for (segment, user), version in seats.items()
        ]
        return True

    def change_list(self, name: str, add: Sequence[str], remove: Collection[str]) -> None:
        """Put users into a list, which is made where it is not there, and take others out."""
        ahead = self.world.copy()
        touched: dict[str, Touched] = {}
        removed = {self.world.ids[each] for each in remove if each in self.world.ids}
        for user_id in add:
            new = user_id not in ahead.ids
            number = self._add(ahead, user_id) if new else ahead.ids[user_id]
            if name not in ahead.person(number).lists:
                ahead.person(number).lists.add(name)
                touched[number] = Touched(lists={name}, new=new)
        for number in removed:
            if name in ahead.person(number).lists:
                ahead.person(number).lists.discard(name)
                touched[number] = Touched(lists={name})
        if touched or name not in ahead.lists:
            ahead.lists.add(name)
            self._commit(ahead, touched)

    def delete_list(self, name: str) -> None:
        """A list to which nothing refers goes."""
        ahead = self.world.copy()
        ahead.lists.discard(name)
        for number in ahead.people:
            ahead.person(number).lists.discard(name)
        self._commit(ahead, {})

    def begin(self, definitions: Mapping[str, Definition], deleted: Collection[str] = ()) -> Edit:
        """New segments or versions; they are switched to by `finish`."""
        edit = Edit(dict(definitions), {}, frozenset(deleted))
        self.learn(edit)
        return edit

    def learn(self, edit: Edit) -> None:
        """An edit begins, or has to begin again: what is missing for it is learned now."""
        ahead = self.world.copy()
        ahead.segments = {**{k: v for k, v in ahead.segments.items() if k not in edit.deleted}, **edit.definitions}
        edit.means, edit.learned_at = self._learned(ahead, set(edit.definitions)), self.now

    def finish(self, edit: Edit) -> None:
        """Switch to what was judged aside."""
        ahead = self.world.copy()
        ahead.segments = {**{k: v for k, v in ahead.segments.items() if k not in edit.deleted}, **edit.definitions}
        ahead.means |= edit.means
        touched = {}
        included = {user for each in edit.definitions.values() for user in each.include}
        for user in sorted(included - ahead.ids.keys()):
            touched[self._add(ahead, user)] = Touched(new=True, defined=True)
        self._walk_to_commit()
        same = self._same(edit)
        if same:  # moves that are due at its instant are of the version before
            self._commit(ahead, touched)
        for name, definition in edit.definitions.items():
            if name not in self.seen:
                self.seen[name] = Seen(self.next_segment, 0)
                self.next_segment += 1
            seen = self.seen[name] = Seen(self.seen[name].key, self.seen[name].version + 1)
            self.versions.append(Version(name, seen.key, definition))
        replaced = {*ahead.dependants(set(edit.definitions)), *edit.deleted}
        if not same:
            self._commit(ahead, touched, replaced, "DEFINITION")
        self.fits |= dict.fromkeys(edit.means, edit.learned_at)
        for name in edit.deleted:
            del self.seen[name]

    def define(self, definitions: Mapping[str, Definition], deleted: Collection[str] = ()) -> None:
        """Both at once."""
        edit = self.begin(definitions, deleted)
        if not self._same(edit):
            self.step()
        self.finish(edit)

    def step(self) -> None:
        """A part of what is judged aside: deadlines are met before it."""
        if self.next_user > 1:
            self.tick()

    def archive(self, name: str) -> None:
        """A segment that nobody refers to is kept without members."""
        self.step()
        self._walk_to_commit()
        ahead = self.world.copy()
        definition = ahead.segments.pop(name)
        seen = self.seen[name] = Seen(self.seen[name].key, self.seen[name].version + 1, archived=True)
        self.versions.append(Version(name, seen.key, definition))
        self._commit(ahead, {}, {name}, "DEFINITION")

    def refit_doubled(self, attributes: Sequence[str]) -> None:
        """Learn anew where the number of people has doubled; one switch each, in the order in which is looked."""
        for attribute in attributes:
            known = self._known(attribute)
            size = self.world.means[attribute][1] if attribute in self.world.means else 0
            if known and known >= 2 * size and attribute in self._learning():
                self.refit([attribute])

    def refit_scheduled(self) -> None:
        """Learn anew what has a schedule and is due; where there is nobody to learn from, at the next time."""
        due = []
        for attribute in self._learning(every=True) & self.world.means.keys():
            if max(self.fits[attribute], self.tried.get(attribute, self.fits[attribute])) + EVERY <= self.clock:
                self.tried[attribute] = self.clock
                due.append(attribute)
        self.refit(due)

    def refit(self, attributes: Collection[str]) -> None:
        """Learn these anew, where there is somebody to learn from."""
        means = self._means(attributes)
        if means:
            using = {name for name in self.world.segments if set(means) & self.world.learned_from(name)}
            self._again(using, means, "MODEL")

    def restart(self) -> None:
        """Deadlines that came due meanwhile; then whatever still waits to be judged is tried again."""
        self.tick()
        waiting = {name for name in self.world.segments if not self.world.active(name)}
        if waiting:
            self._again(self.world.dependants(waiting), self._learned(self.world, waiting), "TYPE")

    def _same(self, edit: Edit) -> bool:
        """Whether the edit asks of users what was asked before: then nobody is judged."""
        world = self.world
        return not edit.deleted and all(
            name in world.segments and world.active(name) and unscheduled(world.segments[name]) == unscheduled(each)
            for name, each in edit.definitions.items()
        )

    def _add(self, world: World, user_id: str) -> str:
        number = str(self.next_user)
        world.add(user_id, number)
        self._keys = {**self._keys, self.next_user: user_id}
        self.next_user += 1
        return number

    def own_key(self, user_id: str) -> int | None:
        """The key that an id was given."""
        return max((key for key, name in self._keys.items() if name == user_id), default=None)

    def _apply(
        self, world: World, item: Event | Attributes, instant: int, touched: dict[str, Touched]
    ) -> tuple[str, bool]:
        if isinstance(item, Event) and item.message in self.messages:
            sent, *content = self.messages[item.message]
            same = sent == item.user or (sent in world.ids and world.ids[sent] == world.ids.get(item.user))
            return ("duplicate" if same and content == [item.name, item.at] else "refused"), False
        new = item.user not in world.ids
        if new and self.refused(item.user, instant):
            return "refused", False
        if isinstance(item, Event) and item.message:
            self.messages[item.message] = (item.user, item.name, item.at)
        number = self._add(world, item.user) if new else world.ids[item.user]
        person = world.person(number)
        touch = touched.setdefault(number, Touched())
        touch.new |= new
        if isinstance(item, Event):
            at = instant if item.at is None or instant < item.at <= instant + SKEW else item.at
            person.events.append((at, item.name))
            touch.events[item.name] = item.message or None
            return "stored", True
        return "stored", bool(person.set(item.values, instant)) or new

    def _walk_to_commit(self) -> None:
        """Meet the deadlines before the commit that comes next."""
        assert self.commits, "the engine made no commit"
        self._walk(self.commits[0][1] - 1)

    def _seats(self, users: Collection[int]) -> dict[tuple[int, int], int]:
        """Wherever the log still has these users, with the version that it says last."""
        logged = [each.entry for each in self.ledger.entries] + [each for part in self.parts for each in part.walk]
        seats = {each.seat: each.version for each in logged if each.user in users}
        versions = {each.key: each.version for each in self.seen.values() if not each.archived}
        for seat in self.ledger.baseline:
            if seat[1] in users and seat not in seats and seat[0] in versions:
                seats[seat] = versions[seat[0]]
        return seats

    def _learning(self, *, every: bool = False) -> set[str]:
        """The attributes that some segment learns from; with `every` those that are learned by a schedule."""
        leaves = [below for name in self.world.segments for key, below in self.world.leaves(name) if key == "richer"]
        return {below["attribute"] for below in leaves if "refit" in below or not every}

    def _known(self, attribute: str) -> int:
        return sum(attribute in person.attributes for person in self.world.people.values())

    def _learned(self, ahead: World, names: set[str]) -> dict[str, tuple[int, int]]:
        """What has to be learned before these and their dependants can be judged, where that is possible.

        What was learned for segments that are gone is learned anew.
        """
        wanted = {each for name in ahead.dependants(names) for each in ahead.learned_from(name)}
        return self._means(wanted - (ahead.means.keys() & self._learning()))

    def _means(self, attributes: Collection[str]) -> dict[str, tuple[int, int]]:
        means = {}
        for attribute in attributes:
            values = [p.attributes[attribute] for p in self.world.people.values() if attribute in p.attributes]
            if values:
                means[attribute] = (int(sum(values) // len(values)), len(values))
        return means

    def _again(self, names: set[str], means: dict[str, tuple[int, int]], cause: str) -> None:
        self.fits |= dict.fromkeys(means, self.now)
        self.step()
        ahead = self.world.copy()
        ahead.means |= means
        self._commit(ahead, {}, ahead.dependants(names), cause)

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
        """Who enters and leaves; a segment that cannot be judged keeps its members in the log."""
        before = self.bits.get(user, frozenset())
        kept = {name for name in before if name in world.segments and not world.active(name)}
        after = world.bits(user, instant) | kept
        self.bits[user] = after
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
