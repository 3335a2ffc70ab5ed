"""A population that refuses every read that was not declared: a forgotten one is a deadline that comes too late."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import TYPE_CHECKING, Protocol

from segmentd.errors import PluginBroken
from segmentd.population.kinds import Kind
from segmentd.population.typed import Category, Columns, Events, Mask, Place, Population, Tags, Values

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Declared(Protocol):
    """What a condition said that it reads."""

    @property
    def attributes(self) -> Set[str]: ...
    @property
    def events(self) -> Mapping[str, Set[str]]: ...
    @property
    def lists(self) -> Set[str]: ...


class GuardedColumns:
    """Typed columns of which only declared names can be read."""

    def __init__(self, columns: Columns, allowed: Set[str], whose: str) -> None:
        self._columns = columns
        self._allowed = allowed
        self._whose = whose

    def __len__(self) -> int:
        return len(self._columns)

    def _check(self, name: str) -> str:
        if name not in self._allowed:
            raise PluginBroken(f"{self._whose} read {name}, which its reads() did not declare")
        return name

    def kind(self, name: str) -> Kind | None:
        return self._columns.kind(self._check(name))

    def number(self, name: str) -> Values[np.float64]:
        return self._columns.number(self._check(name))

    def money(self, name: str) -> Values[np.int64]:
        return self._columns.money(self._check(name))

    def flag(self, name: str) -> Values[np.bool_]:
        return self._columns.flag(self._check(name))

    def category(self, name: str) -> Category:
        return self._columns.category(self._check(name))

    def date(self, name: str) -> Values[np.int64]:
        return self._columns.date(self._check(name))

    def instant(self, name: str) -> Values[np.int64]:
        return self._columns.instant(self._check(name))

    def tags(self, name: str) -> Tags:
        return self._columns.tags(self._check(name))

    def place(self, name: str) -> Place:
        self._check(f"{name}.latitude")
        self._check(f"{name}.longitude")
        return self._columns.place(name)

    def only(self, places: NDArray[np.int64]) -> Columns:
        return GuardedColumns(self._columns.only(places), self._allowed, self._whose)


class GuardedEvents(GuardedColumns):
    """Events of which only declared properties can be read."""

    def __init__(self, events: Events, allowed: Set[str], whose: str) -> None:
        super().__init__(events, allowed, whose)
        self._events = events

    @property
    def offsets(self) -> NDArray[np.int64]:
        return self._events.offsets

    @property
    def times(self) -> NDArray[np.int64]:
        return self._events.times

    @property
    def rows(self) -> NDArray[np.int64]:
        return self._events.rows


class GuardedPopulation(GuardedColumns):
    """A population of which only declared attributes, events and user lists can be read."""

    def __init__(self, users: Population, reads: Declared, whose: str) -> None:
        super().__init__(users, reads.attributes, whose)
        self._users = users
        self._event_properties = reads.events
        self._lists = reads.lists

    def user_ids(self) -> list[str]:
        return self._users.user_ids()

    def named(self, ids: frozenset[str]) -> Mask:
        return self._users.named(ids)

    def listed(self, name: str) -> Mask:
        if name not in self._lists:
            raise PluginBroken(f"{self._whose} read the user list {name}, which its reads() did not declare")
        return self._users.listed(name)

    def events(self, name: str) -> Events:
        if name not in self._event_properties:
            raise PluginBroken(f"{self._whose} read the event {name}, which its reads() did not declare")
        return GuardedEvents(self._users.events(name), self._event_properties[name], self._whose)
