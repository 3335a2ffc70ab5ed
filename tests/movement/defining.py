"""Segments, exclusive groups and models in a history."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from hypothesis.stateful import precondition, rule
from tests.engine.dialect import Tape
from tests.engine.oracle import Definition, Rule, referred
from tests.movement.drawing import GROUPS, SEGMENTS, longer, tapes
from tests.movement.running import Running
from tests.movement.site import spec_of
from tests.movement.world import named_ids

from segmentd.errors import FailedPrecondition
from segmentd.service.group_info import GroupSpec


class Defining(Running):
    """What happens to definitions; an edit may be under way while other things happen."""

    @rule(tape=longer)
    def define(self, tape: Tape) -> None:
        """A new segment or version, at once."""
        self._finish()
        self._define(tape)

    @rule(tape=longer)
    def begin_edit(self, tape: Tape) -> None:
        """Begin an edit, or go on with the one that is under way."""
        if self.edit is None:
            name, definition = self._definition(tape)
            if self._hindered(name, definition) or self._refused(definition):
                return
            made = self.oracle.begin({name: definition})
            steps = self.site.edit(spec_of(name, definition, self._said(definition)), lambda: self.oracle.learn(made))
            self.edit = name, made, steps
        self._step()

    @precondition(lambda self: self.edit is not None)
    @rule()
    def go_on(self) -> None:
        """A step of the edit that is under way."""
        self._step()

    @rule(tape=tapes)
    def archive_or_delete(self, tape: Tape) -> None:
        """A segment that nothing refers to goes."""
        self._finish()
        world = self.oracle.world
        names = sorted(each for each in self.oracle.seen if each in SEGMENTS)
        if not names:
            return
        name, archive = tape.one(names), bool(tape.below(2))
        if world.dependants({name}) != {name} or self._grouped(name):
            return
        if archive and name in world.segments:
            definition = world.segments[name]
            spec = spec_of(name, definition, self._said(definition))

            def archived() -> None:
                for _ in self.site.edit(spec, lambda: None, archive=True):
                    pass
                self.oracle.archive(name)

            self._try(archived)
        elif not archive:

            def deleted() -> None:
                self.site.do_queued(self.site.segments.delete(name))
                self.oracle.define({}, [name])

            self._try(deleted)

    @rule(tape=tapes)
    def group(self, tape: Tape) -> None:
        """An exclusive group comes, changes or goes."""
        self._finish()
        name, world = tape.one(GROUPS), self.oracle.world
        chosen = [each for each in SEGMENTS if each in world.segments and tape.below(2)]
        if tape.below(2):
            chosen.reverse()
        before = self.oracle.groups.get(name, ())
        gone = {f"{name}/{each}" for each in before if each not in chosen}
        if any(world.dependants({each}) - gone - {f"{name}/{one}" for one in chosen} for each in gone):
            return
        definitions = _managed(name, chosen)
        if any(set(_references(world, each)) & set(definitions) for each in chosen):
            return
        changed = {k: v for k, v in definitions.items() if k not in world.segments or world.segments[k] != v}

        def told() -> None:
            groups, spec = self.site.groups, GroupSpec(name, tuple(chosen))
            if not chosen and not before:
                return
            if not chosen:
                self.site.do_queued(groups.delete(name, ""))
            elif before:
                self.site.do_queued(groups.update(spec, {"segment_ids"}, "", "", ""))
            else:
                self.site.do_queued(groups.create(spec, "", ""))
            if tuple(chosen) != before:
                self.oracle.define(changed, gone)
            self.oracle.groups[name] = tuple(chosen)

        self._try(told)

    @precondition(lambda self: self.edit is None)
    @rule()
    def refit(self) -> None:
        """All that was learned is learned anew."""

        def told() -> None:
            self.site.engine.refit(list(self.site.engine.refits._conditions))
            self._run()
            self.oracle.refit(self.site.models())

        if self.site.models():
            self._try(told)

    def _define(self, tape: Tape) -> None:
        self._clock(tape.one((0, 0, 1, 4)))
        name, definition = self._definition(tape)
        if not self._hindered(name, definition) and not self._refused(definition):
            self._define_as(name, definition)

    def _define_as(self, name: str, definition: Definition) -> None:
        def told() -> None:
            for _ in self.site.edit(spec_of(name, definition, self._said(definition)), lambda: None):
                pass
            self.oracle.define({name: definition})

        self._try(told)

    def _step(self) -> None:
        if self.edit is None:
            return
        _, made, steps = self.edit

        def told() -> None:
            try:
                next(steps)
            except StopIteration:
                self.edit = None
                self.oracle.finish(made)
            except FailedPrecondition:
                assert self._refused(next(iter(made.definitions.values())))
                self.edit = None
                self.oracle.step()
            else:
                self.oracle.step()

        self._try(told)

    def _finish(self) -> None:
        while self.edit is not None:
            self._step()

    def _said(self, definition: Definition) -> Any:
        """The rule as the engine is told; a list of users that erasures have emptied names nobody."""
        return _said(definition.rule)

    def _hindered(self, name: str, definition: Definition) -> bool:
        world = self.oracle.world
        return bool(referred(definition.rule) & world.dependants({name}))

    def _refused(self, definition: Definition) -> bool:
        return any(self.oracle.refused(each, self.oracle.now) for each in named_ids(definition))

    def _grouped(self, name: str) -> bool:
        return any(name in each for each in self.oracle.groups.values())


def _managed(group: str, segments: Collection[str]) -> dict[str, Definition]:
    """The segments of an exclusive group."""
    found = {}
    earlier: list[str] = []
    for each in segments:
        rule: Rule = {"segment": each}
        if earlier:
            rule = {"all": [rule, {"not": {"any": [{"segment": one} for one in earlier]}}]}
        found[f"{group}/{each}"] = Definition(rule)
        earlier.append(each)
    return found


def _references(world: Any, name: str) -> set[str]:
    """All that a segment refers to, directly or not."""
    found: set[str] = set()
    for each in world.references(name):
        found |= {each, *_references(world, each)}
    return found


def _said(rule: Rule) -> Any:
    [(key, below)] = rule.items()
    if key in ("all", "any"):
        return {key: [_said(each) for each in below]}
    if key == "not":
        return {key: _said(below)}
    if key == "list" and below.get("users") == []:
        return {key: {"users": ["nobody-at-all"]}}
    return {key: below} if key == "segment" else {key: dict(below)}
