"""New, changed, archived and deleted segments, as the oracle has them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from tests.engine.oracle import Definition
from tests.movement.learning import Learning
from tests.movement.noted import Edit, Seen, Touched, Version
from tests.movement.world import unscheduled


class Edits(Learning):
    """Edits are judged aside and switched in one commit."""

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

    def archive(self, name: str) -> None:
        """A segment that nobody refers to is kept without members."""
        self.step()
        self._walk_to_commit()
        ahead = self.world.copy()
        definition = ahead.segments.pop(name)
        seen = self.seen[name] = Seen(self.seen[name].key, self.seen[name].version + 1, archived=True)
        self.versions.append(Version(name, seen.key, definition))
        self._commit(ahead, {}, {name}, "DEFINITION")

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
