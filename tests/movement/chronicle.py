"""What the log has to say about everything that moves people: the oracle of the stream.

Told after the engine has done a thing; of the engine it takes the instants and revisions of commits, within bounds.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tests.engine.chronicle import SKEW, Attributes, Event
from tests.engine.oracle import Bits
from tests.movement.edits import Edits
from tests.movement.ledger import Entry
from tests.movement.noted import Touched
from tests.movement.world import World, named_ids, scrubbed


class Chronicle(Edits):
    """All that can be done to people and lists."""

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

    def _seats(self, users: Collection[int]) -> dict[tuple[int, int], int]:
        """Wherever the log still has these users, with the version that it says last."""
        logged = [each.entry for each in self.ledger.entries] + [each for part in self.parts for each in part.walk]
        seats = {each.seat: each.version for each in logged if each.user in users}
        versions = {each.key: each.version for each in self.seen.values() if not each.archived}
        for seat in self.ledger.baseline:
            if seat[1] in users and seat not in seats and seat[0] in versions:
                seats[seat] = versions[seat[0]]
        return seats
