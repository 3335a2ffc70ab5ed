"""One user at one instant, read as plain values; what was read or judged once is kept for the next who asks."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias
from weakref import WeakValueDictionary

from segmentd.population.column import Column
from segmentd.population.kinds import Kind
from segmentd.population.one_verdict import JudgeOf
from segmentd.times import FOREVER, Micros

if TYPE_CHECKING:
    from segmentd.population.event_table import EventTable

_MOST_WIDER: Final = 4
"""So many layouts of requests that bring other names are remembered."""
_NO_TIMES: Final = memoryview(b"").cast("q")


class Owner(Protocol):
    """Whose ids and events a user has."""

    tables: dict[str, EventTable]

    def ids_of(self, row: int) -> tuple[str, ...]: ...


class Layout:
    """The kinds that attributes had when it was made: what is compiled for one user holds for that layout.

    `nodes` has what was compiled, by what it answers, so that users of one layout share it. Nothing in it depends on
    a user.
    """

    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        self.kinds = kinds
        self.keys: dict[object, Key] = {}
        self.nodes: WeakValueDictionary[Any, Any] = WeakValueDictionary()
        self._wider: dict[frozenset[tuple[str, Kind]], Layout] = {}

    def including(self, kinds: Mapping[str, Kind]) -> Layout:
        """The layout in which these names have these kinds too; this one where they do."""
        more = {name: kind for name, kind in kinds.items() if self.kinds.get(name) is not kind}
        if not more:
            return self
        key = frozenset(more.items())
        found = self._wider.get(key)  # looked up once: another thread may clear it
        if found is None:
            if len(self._wider) >= _MOST_WIDER:
                self._wider.clear()
            found = self._wider[key] = Layout({**self.kinds, **more})
        return found


class Key(Protocol):
    """Something about a user that can be found out."""

    def find(self, user: OneUser) -> Any: ...


class OneUser(dict[Any, Any]):
    """One user at the instant `at`, microseconds UTC: what is known by the key that finds it.

    Segment types see `at` and hand the user to the readers that they were given (see `Readers`).
    """

    __slots__ = ("at", "columns", "gone", "judging", "owner", "owner_row", "row")

    def __init__(self, columns: dict[str, Column], row: int, owner: Owner, owner_row: int, at: Micros) -> None:
        """The attributes of `row` in `columns`, the ids and events of `owner_row` of `owner`."""
        super().__init__()
        self.columns = columns
        self.row = row
        self.owner = owner
        self.owner_row = owner_row
        self.at = at
        self.gone = False
        self.judging: Any = None
        """What the engine judges the user with."""

    def __missing__(self, key: Key) -> Any:
        found = self[key] = key.find(self)
        return found


JudgeOne: TypeAlias = JudgeOf[OneUser]
"""Judges one user at its instant."""


class LeftToEvaluate(Exception):
    """Raised by what judges one user where arrays are faster, for example over very many events."""


class OneEvents:
    """The events of one name that the user can see. `times` int64, oldest first; equal times in order of arrival.

    `first_hidden` is when the next one appears, FOREVER where none is ahead.
    """

    __slots__ = ("__dict__", "_start", "_table", "first_hidden", "times")

    def __init__(self, table: EventTable | None, row: int, at: Micros) -> None:
        self._table = table
        self._start, stop = table.place(row) if table is not None else (0, 0)
        self.first_hidden: int = FOREVER
        self.times = _NO_TIMES
        if table is not None and stop > self._start:
            self.times = table.times(slice(self._start, stop)).data.toreadonly()
            if self.times[-1] > at:
                visible = bisect_right(self.times, at)
                self.first_hidden = self.times[visible]
                self.times = self.times[:visible]

    @cached_property
    def properties(self) -> dict[str, OneProperty]:
        """Those that somebody has a value for."""
        columns = self._table.columns if self._table is not None else {}
        return {name: OneProperty(column, self._start) for name, column in columns.items()}


class OneProperty:
    """A property of the events of one name, for one user."""

    __slots__ = ("_column", "_start", "kind")

    def __init__(self, column: Column, start: int) -> None:
        self.kind = column.kind
        self._column = column
        self._start = start

    def value(self, place: int) -> Any:
        """Of the event at that place of `times`; None where missing. As attributes are read, see `Readers`."""
        return self._column.value(self._start + place)
