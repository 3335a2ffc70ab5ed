"""All segments at one revision: their definitions, states and plans, and who reads what. Never changed in place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from graphlib import CycleError, TopologicalSorter

from segmentd.engine.compile import Definition, references
from segmentd.engine.plan import Plan
from segmentd.errors import FieldViolation, InvalidInput, Reason


class State(StrEnum):
    """Whether a segment answers: only an active one does."""

    PENDING = "pending"
    ACTIVE = "active"
    FAILED = "failed"
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One segment. `plan` is there exactly when it is active; `reason` where it is pending or failed."""

    definition: Definition
    state: State
    reason: str = ""
    plan: Plan | None = None


class Catalogue:
    """Entries by segment id, and the plans in force in dependency order."""

    def __init__(self, entries: Mapping[str, Entry]) -> None:
        self.entries = dict(entries)
        active = {name: entry.plan for name, entry in self.entries.items() if entry.plan is not None}
        self.plans: list[Plan] = [active[name] for name in self.dependency_order if name in active]

    @cached_property
    def dependency_order(self) -> list[str]:
        """Segment ids, each after those that it refers to; otherwise in the order of their keys."""
        return list(_graph(self.entries).static_order())

    def dependants(self, names: Iterable[str]) -> list[str]:
        """These segments and all that refer to them, directly or not, in dependency order."""
        wanted = set(names)
        for name in self.dependency_order:
            if wanted & {each.segment_id for each in references(self.entries[name].definition.rule)}:
                wanted.add(name)
        return [name for name in self.dependency_order if name in wanted]

    def with_entries(self, changed: Mapping[str, Entry | None]) -> Catalogue:
        """A new catalogue with these entries replaced, or removed where None."""
        entries = {**self.entries, **{name: entry for name, entry in changed.items() if entry is not None}}
        return Catalogue({name: entry for name, entry in entries.items() if changed.get(name, entry) is not None})


def check_references(definition: Definition, entries: Mapping[str, Entry]) -> None:
    """Raises InvalidInput where the rule names an unknown segment or closes a circle, each with its path."""
    own = references(definition.rule)
    faults = [
        FieldViolation(each.path, f"there is no segment {each.segment_id!r}")
        for each in own
        if each.segment_id not in entries and each.segment_id != definition.segment_id
    ]
    # The new definition would be on the circle, for without it there is none.
    circle = _circle({**entries, definition.segment_id: Entry(definition, State.PENDING)}) if own else []
    if circle:
        place = circle.index(definition.segment_id)
        ring = [*circle[place:-1], *circle[: place + 1]]
        faults += [
            FieldViolation(each.path, f"closes a circle: {' → '.join(ring)}")
            for each in own
            if each.segment_id == ring[1]
        ]
    if faults:
        raise InvalidInput(faults, Reason.INVALID_RULE)


def _graph(entries: Mapping[str, Entry]) -> TopologicalSorter[str]:
    graph: TopologicalSorter[str] = TopologicalSorter()
    for name in sorted(entries, key=lambda each: entries[each].definition.segment_key):
        targets = [each.segment_id for each in references(entries[name].definition.rule)]
        graph.add(name, *(target for target in targets if target in entries))
    return graph


def _circle(entries: Mapping[str, Entry]) -> list[str]:
    """A circle of references as they point, first id repeated at the end; empty where there is none."""
    try:
        _graph(entries).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []
