"""Who is in which segment, from scratch: one user, one instant, one rule at a time, in plain Python.

Shares no code with the engine and imports nothing of it. Slow on purpose, and obvious.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

Rule = Mapping[str, Any]
Bits = frozenset[str]


@dataclass
class Person:
    """One user: attributes, and (time, event name) of all events, also of those that are still ahead."""

    attributes: dict[str, Any] = field(default_factory=dict)
    events: list[tuple[int, str]] = field(default_factory=list)

    def seen(self, name: str, at: int) -> list[int]:
        """The times of the events that have happened."""
        return sorted(time for time, each in self.events if each == name and time <= at)


@dataclass
class Definition:
    """What a segment says."""

    rule: Rule
    include: frozenset[str] = frozenset()
    exclude: frozenset[str] = frozenset()

    @cached_property
    def conditions(self) -> list[tuple[str, Mapping[str, Any]]]:
        """Its own conditions, without those of the segments that it refers to."""
        pairs = [next(iter(node.items())) for node in nodes(self.rule)]
        return [(key, below) for key, below in pairs if key not in ("all", "any", "not", "segment")]

    @cached_property
    def references(self) -> set[str]:
        """The segments that it names."""
        return referred(self.rule)


@dataclass
class World:
    """Everything that is known: users in the order in which they came, segments, and what was learned."""

    people: dict[str, Person] = field(default_factory=dict)
    segments: dict[str, Definition] = field(default_factory=dict)
    means: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Attribute → (mean, how many people it was learned from)."""

    def copy(self) -> World:
        """The same, to be changed apart."""
        people = {user: Person(dict(each.attributes), list(each.events)) for user, each in self.people.items()}
        return World(people, dict(self.segments), dict(self.means))

    def holds(self, rule: Rule, user: str, at: int) -> bool:
        """Whether a rule is true of a user at an instant."""
        [(key, below)] = rule.items()
        if key == "all":
            return all(self.holds(each, user, at) for each in below)
        if key == "any":
            return any(self.holds(each, user, at) for each in below)
        if key == "not":
            return not self.holds(below, user, at)
        if key == "segment":
            return self.member(below, user, at)
        return CONDITIONS[key](self, below, self.people[user], at)

    def member(self, name: str, user: str, at: int) -> bool:
        """Whether a user is in a segment at an instant."""
        segment = self.segments[name]
        if user in segment.exclude:
            return False
        return user in segment.include or self.holds(segment.rule, user, at)

    def active(self, name: str) -> bool:
        """Whether all that the segment needs was learned."""
        return all(attribute in self.means for attribute in self.learned_from(name))

    def bits(self, user: str, at: int) -> Bits:
        """The active segments that a user is in."""
        return frozenset(name for name in self.segments if self.active(name) and self.member(name, user, at))

    def logged(self, user: str, at: int, before: Bits) -> Bits:
        """The same as the log has it: a segment that cannot be judged keeps its members."""
        kept = {name for name in before if name in self.segments and not self.active(name)}
        return self.bits(user, at) | kept

    def leaves(self, name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """All conditions of a segment and of those that it refers to."""
        yield from self.segments[name].conditions
        for each in self.segments[name].references:
            yield from self.leaves(each)

    def learned_from(self, name: str) -> set[str]:
        """The attributes of which the segment needs the mean."""
        return {below["attribute"] for key, below in self.leaves(name) if key == "richer"}

    def event_names(self, name: str) -> set[str]:
        """The events that a segment looks at."""
        return {below["event"] for _, below in self.leaves(name) if "event" in below}

    def attribute_names(self, name: str) -> set[str]:
        """The attributes that a segment looks at."""
        return {below["attribute"] for _, below in self.leaves(name) if "attribute" in below}

    def references(self, name: str) -> set[str]:
        """The segments to which one refers directly."""
        return self.segments[name].references

    def dependants(self, names: set[str]) -> set[str]:
        """These and all that refer to them, directly or not."""
        found = set(names)
        while more := {name for name in self.segments if self.references(name) & found} - found:
            found |= more
        return found

    def instants(self, user: str, after: int, until: int) -> list[int]:
        """Every instant in (after, until] at which an answer about this user could change."""
        person = self.people[user]
        lengths = {0}
        ahead: set[int] = set()
        for segment in self.segments.values():
            for key, below in segment.conditions:
                lengths |= {below[each] for each in ("within", "age") if below.get(each) is not None}
                if key == "after" and below["attribute"] in person.attributes:
                    ahead.add(int(person.attributes[below["attribute"]]))
        ahead |= {time + length for time, _ in person.events for length in lengths}
        return sorted(instant for instant in ahead if after < instant <= until)


def nodes(rule: Rule) -> Iterator[Rule]:
    """A rule and all below it."""
    yield rule
    [(key, below)] = rule.items()
    if key in ("all", "any"):
        for each in below:
            yield from nodes(each)
    elif key == "not":
        yield from nodes(below)


def referred(rule: Rule) -> set[str]:
    """The segments that a rule names."""
    return {node["segment"] for node in nodes(rule) if "segment" in node}


def _tally(world: World, below: Mapping[str, Any], person: Person, at: int) -> bool:
    within = below.get("within")
    counted = [time for time in person.seen(below["event"], at) if within is None or at < time + within]
    return len(counted) >= int(below["at_least"])


def _since(world: World, below: Mapping[str, Any], person: Person, at: int) -> bool:
    times = person.seen(below["event"], at)
    return bool(times) and at - times[-1] >= int(below["age"])


def _has(world: World, below: Mapping[str, Any], person: Person, at: int) -> bool:
    return bool(person.attributes.get(below["attribute"]) == below["equals"])


def _after(world: World, below: Mapping[str, Any], person: Person, at: int) -> bool:
    value = person.attributes.get(below["attribute"])
    return value is not None and int(value) <= at


def _richer(world: World, below: Mapping[str, Any], person: Person, at: int) -> bool:
    value = person.attributes.get(below["attribute"])
    return value is not None and float(value) > world.means[below["attribute"]][0]


def _named(world: World, below: Mapping[str, Any], person: Person, at: int) -> bool:
    return person is world.people.get(below["user"])


CONDITIONS = {"named": _named, "tally": _tally, "since": _since, "has": _has, "after": _after, "richer": _richer}
