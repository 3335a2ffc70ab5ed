"""What a condition may read of one user: each reader is asked for once, and refused where it was not declared."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any, TypeAlias, TypeVar

from segmentd.errors import PluginBroken
from segmentd.population.guard import Declared
from segmentd.population.kinds import Kind
from segmentd.population.listed import list_attribute
from segmentd.population.one_user import Key, Layout, OneEvents, OneProperty, OneUser

T = TypeVar("T")
Reader: TypeAlias = Callable[[OneUser], T]


class Readers:
    """Gives readers of what `reads` declared; a reader takes a user and gives a plain value.

    Raises PluginBroken for anything else.
    """

    def __init__(self, layout: Layout, reads: Declared, whose: str) -> None:
        self._layout = layout
        self._reads = reads
        self._whose = whose

    def kind(self, name: str) -> Kind | None:
        """The kind of an attribute's values; None where nobody has one."""
        return self._layout.kinds.get(self._declared(name, name in self._reads.attributes))

    def attribute(self, name: str) -> Reader[Any]:
        """A value, None where missing: float, int (money in millionths, days, microseconds), bool, str, frozenset."""
        return self._reader(_Attribute, self._declared(name, name in self._reads.attributes))

    def user_id(self) -> Reader[str]:
        """The user's own id."""
        return self._reader(_OwnId, "")

    def ids(self) -> Reader[tuple[str, ...]]:
        """Every id that leads to the user, its own first."""
        return self._reader(_Ids, "")

    def listed(self, name: str) -> Reader[bool | None]:
        """Whether the user is in this user list; False or None where not."""
        return self._reader(_Attribute, list_attribute(self._declared(name, name in self._reads.lists)))

    def events(self, name: str) -> Reader[OneEvents]:
        """The visible events of this name."""
        return self._reader(_Events, self._declared(name, name in self._reads.events))

    def event_property(self, event: str, name: str) -> Reader[OneProperty | None]:
        """A property of the visible events; None where nobody has a value for it."""
        declared = name in self._reads.events.get(event, ())
        events = self.events(event)
        self._declared(f"{event}.{name}", declared)
        return lambda user: events(user).properties.get(name)

    def _declared(self, name: str, declared: bool) -> str:
        if not declared:
            raise PluginBroken(f"{self._whose} read {name}, which its reads() did not declare")
        return name

    def _reader(self, key: Callable[[str], Key], name: str) -> Reader[Any]:
        keys = self._layout.keys
        return itemgetter(keys.setdefault((key, name), key(name)))


class _Attribute:
    def __init__(self, name: str) -> None:
        self._name = name

    def find(self, user: OneUser) -> Any:
        column = user.columns.get(self._name)
        return column.value(user.row) if column is not None else None


class _OwnId:
    def __init__(self, _name: str) -> None: ...

    def find(self, user: OneUser) -> str:
        return user.owner.ids_of(user.owner_row)[0]


class _Ids:
    def __init__(self, _name: str) -> None: ...

    def find(self, user: OneUser) -> tuple[str, ...]:
        return user.owner.ids_of(user.owner_row)


class _Events:
    def __init__(self, name: str) -> None:
        self._name = name

    def find(self, user: OneUser) -> OneEvents:
        return OneEvents(user.owner.tables.get(self._name), user.owner_row, user.at)
