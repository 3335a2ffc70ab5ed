"""Who is where from scratch, where people have several ids, are merged and are forgotten.

People are known by the number that the log has for them; ids lead to people.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.engine.oracle import Definition, Person, Rule
from tests.engine.oracle import World as Plain


@dataclass
class Someone(Person):
    """A person; `times` says when each attribute last changed, also those that are gone."""

    times: dict[str, int] = field(default_factory=dict)
    lists: set[str] = field(default_factory=set)

    def copy(self) -> Someone:
        """The same, to be changed apart."""
        return Someone(dict(self.attributes), list(self.events), dict(self.times), set(self.lists))

    def set(self, values: Mapping[str, Any], at: int) -> set[str]:
        """Write attributes, None removing one; the names that changed."""
        changed = {name for name, value in values.items() if self.attributes.get(name) != value}
        for name in changed:
            self.times[name] = at
            if values[name] is None:
                del self.attributes[name]
            else:
                self.attributes[name] = values[name]
        return changed

    def absorb(self, other: Someone, *, latest: bool) -> None:
        """Take everything over; of attributes those that are missing here, or those that changed later."""
        for name, time in other.times.items():
            if latest:
                wins = name not in self.times or time > self.times[name]
            else:
                wins = name not in self.attributes and name in other.attributes
            if wins:
                self.times[name] = time
                self.attributes.pop(name, None)
                if name in other.attributes:
                    self.attributes[name] = other.attributes[name]
        self.events += other.events
        self.lists |= other.lists


@dataclass
class World(Plain):
    """`people` by number as text, in ascending order; `ids` of those who exist, and the lists that there are."""

    ids: dict[str, str] = field(default_factory=dict)
    lists: set[str] = field(default_factory=set)

    def copy(self) -> World:
        """The same, to be changed apart."""
        people: dict[str, Person] = {each: self.person(each).copy() for each in self.people}
        return World(people, dict(self.segments), dict(self.means), dict(self.ids), set(self.lists))

    def person(self, number: str) -> Someone:
        """One of the people."""
        found = self.people[number]
        assert isinstance(found, Someone)
        return found

    def ids_of(self, number: str) -> set[str]:
        """Every id that leads to somebody."""
        return {name for name, each in self.ids.items() if each == number}

    def add(self, user_id: str, number: str) -> None:
        """Somebody new."""
        self.people[number] = Someone()
        self.ids[user_id] = number

    def holds(self, rule: Rule, user: str, at: int) -> bool:
        """Whether a rule is true of somebody."""
        [(key, below)] = rule.items()
        if key == "list":
            named = self._among(below["users"], user) if "users" in below else True
            return named and ("uploaded" not in below or below["uploaded"] in self.person(user).lists)
        return super().holds(rule, user, at)

    def member(self, name: str, user: str, at: int) -> bool:
        """Whether somebody is in a segment; any of their ids may be included or excluded."""
        segment = self.segments[name]
        if self._among(segment.exclude, user):
            return False
        return self._among(segment.include, user) or self.holds(segment.rule, user, at)

    def list_names(self, name: str) -> set[str]:
        """The lists that a segment looks at."""
        return {below["uploaded"] for key, below in self.leaves(name) if key == "list" and "uploaded" in below}

    def _among(self, ids: Collection[str], user: str) -> bool:
        return any(self.ids.get(each) == user for each in ids)


def named_ids(definition: Definition) -> set[str]:
    """The ids in a definition."""
    return {*definition.include, *definition.exclude, *(each for users in _named(definition.rule) for each in users)}


def scrubbed(definition: Definition, ids: Collection[str]) -> Definition:
    """The definition without these ids."""
    return Definition(_without(definition.rule, ids), definition.include - {*ids}, definition.exclude - {*ids})


def unscheduled(definition: Definition) -> Definition:
    """The definition without a word of when models are learned anew."""
    return Definition(_unscheduled(definition.rule), definition.include, definition.exclude)


def _unscheduled(rule: Rule) -> Rule:
    [(key, below)] = rule.items()
    if key in ("all", "any"):
        return {key: [_unscheduled(each) for each in below]}
    if key == "not":
        return {key: _unscheduled(below)}
    return {key: {k: v for k, v in below.items() if k != "refit"}} if key == "richer" else rule


def _named(rule: Rule) -> Iterator[Collection[str]]:
    [(key, below)] = rule.items()
    if key in ("all", "any"):
        for each in below:
            yield from _named(each)
    elif key == "not":
        yield from _named(below)
    elif key == "list":
        yield below.get("users", ())


def _without(rule: Rule, ids: Collection[str]) -> Rule:
    [(key, below)] = rule.items()
    if key in ("all", "any"):
        return {key: [_without(each, ids) for each in below]}
    if key == "not":
        return {key: _without(below, ids)}
    if key == "list" and "users" in below:
        return {key: {**below, "users": [each for each in below["users"] if each not in ids]}}
    return rule
