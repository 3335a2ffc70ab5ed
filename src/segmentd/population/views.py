"""The views that segment types judge: chosen rows of a dataset, each at an instant of its own."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from segmentd.errors import PluginBroken
from segmentd.population.column import Column
from segmentd.population.event_table import EventTable
from segmentd.population.kinds import Kind
from segmentd.population.listed import list_attribute
from segmentd.population.one_user import Layout, OneUser
from segmentd.population.pieces import Positions, chosen, read
from segmentd.population.stored_values import StoredValues
from segmentd.population.typed import Category, Mask, Place, Tags, Values
from segmentd.population.vocabulary import Vocabulary
from segmentd.population.widths import absent_of, narrowest
from segmentd.times import FOREVER, Instants, Micros

G = TypeVar("G", bound=np.generic)
Rows = NDArray[np.int64] | slice
_NOBODY = Vocabulary()


class Users(Protocol):
    """What a view is taken of: users by row, their attribute columns and event tables."""

    index: dict[str, int]
    user_ids: list[str]
    columns: dict[str, Column]
    tables: dict[str, EventTable]

    ids_repeat: bool
    merged: dict[str, int]

    def __len__(self) -> int: ...
    def row_of(self, user_id: str) -> int | None: ...
    def ids_of(self, row: int) -> tuple[str, ...]: ...
    def gone(self, rows: Rows) -> Mask | None: ...
    @property
    def layout(self) -> Layout: ...
    def event_table(self, name: str) -> EventTable: ...


class ColumnsView:
    """Typed, read-only reading of columns at some positions."""

    def __init__(self, columns: dict[str, Column], positions: Positions, length: int) -> None:
        self._columns = columns
        self._places = positions
        self._length = length

    def __len__(self) -> int:
        return self._length

    def kind(self, name: str) -> Kind | None:
        """The kind of this name's values; None where nobody has one."""
        column = self._columns.get(name)
        return column.kind if column is not None else None

    def number(self, name: str) -> Values[np.float64]:
        """Numbers, float64."""
        return StoredValues(Kind.NUMBER, self.stored(name, Kind.NUMBER))

    def money(self, name: str) -> Values[np.int64]:
        """Money in millionths of the base currency's unit, int64."""
        return StoredValues(Kind.MONEY, self.stored(name, Kind.MONEY))

    def date(self, name: str) -> Values[np.int64]:
        """Days since 1970-01-01, int64."""
        return StoredValues(Kind.DATE, self.stored(name, Kind.DATE))

    def instant(self, name: str) -> Values[np.int64]:
        """Instants in microseconds UTC, int64."""
        return StoredValues(Kind.INSTANT, self.stored(name, Kind.INSTANT))

    def flag(self, name: str) -> Values[np.bool_]:
        """True or false."""
        return StoredValues(Kind.FLAG, self.stored(name, Kind.FLAG))

    def category(self, name: str) -> Category:
        """Text."""
        data = self.stored(name, Kind.TEXT)
        return Category(data, self._columns[name].vocabulary if name in self._columns else _NOBODY)

    def tags(self, name: str) -> Tags:
        """Sets of text."""
        numbers = self.stored(name, Kind.TAGS).astype(np.int32, copy=False)
        column = self._columns.get(name)
        if column is None:
            nothing = np.zeros(0, dtype=np.int32)
            offsets = np.zeros(len(self) + 1, dtype=np.int64)
            return Tags(frozen(offsets), frozen(nothing), frozen(numbers >= 0), _NOBODY)
        offsets, codes = column.tag_sets.gather(numbers)
        return Tags(frozen(offsets), frozen(codes), frozen(numbers >= 0), column.vocabulary)

    def place(self, name: str) -> Place:
        """Coordinates from the numbers `name.latitude` and `name.longitude`, in degrees."""
        latitude, longitude = self.number(f"{name}.latitude"), self.number(f"{name}.longitude")
        return Place(latitude.values, longitude.values, frozen(latitude.present & longitude.present))

    def only(self, places: NDArray[np.int64]) -> ColumnsView:
        """The same columns at these places alone, (k,)."""
        return ColumnsView(self._columns, chosen(self._places, places), len(places))

    def stored(self, name: str, kind: Kind) -> NDArray[Any]:
        """What the column stores, as narrow as it is; nothing but missing where there is none."""
        column = self._columns.get(name)
        if column is None:
            dtype = narrowest(kind)
            return frozen(np.full(len(self), absent_of(kind, dtype), dtype=dtype))
        if column.kind is not kind:
            raise PluginBroken(f"{name} is {column.kind} and was read as {kind}")
        return frozen(read(column.data, self._places))


class EventsView(ColumnsView):
    """The events of one name that each row can see at its instant."""

    def __init__(self, table: EventTable, rows: Rows, at: Instants) -> None:
        offsets, positions = table.lie(rows)
        times = table.times(positions)
        self.first_hidden: Instants = np.broadcast_to(np.int64(FOREVER), at.shape)
        if len(at) and table.latest > at.min():
            hidden = times > (at[0] if at.strides == (0,) else np.repeat(at, np.diff(offsets)))
            if hidden.any():
                offsets, positions, times = self._hide(table, offsets, positions, times, hidden)
        self.offsets, self.times = frozen(offsets), frozen(times)
        super().__init__(table.columns, positions, len(times))

    def _hide(
        self,
        table: EventTable,
        offsets: NDArray[np.int64],
        positions: Positions,
        times: NDArray[np.int64],
        hidden: Mask,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Leave the future out, and note per row the instant at which its next event appears."""
        rows = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
        self.first_hidden = np.full(len(offsets) - 1, FOREVER, dtype=np.int64)
        np.minimum.at(self.first_hidden, rows[hidden], times[hidden])
        visible = np.bincount(rows[~hidden], minlength=len(offsets) - 1)
        kept = chosen(positions, np.flatnonzero(~hidden))
        return np.concatenate(([0], np.cumsum(visible))), kept, table.times(kept)

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """The row of each event, as a position in the population, int64 (m,)."""
        return frozen(np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets)))


class UsersView(ColumnsView):
    """Chosen users of a dataset, each at its own instant; what is read once is kept for the next reader."""

    def __init__(self, dataset: Users, rows: Rows, at: Instants) -> None:
        super().__init__(dataset.columns, rows, len(at))
        self.positions = rows
        self.dataset = dataset
        self.at = at
        self._events: dict[str, EventsView] = {}

    def user_ids(self) -> list[str]:
        """The id of each user."""
        ids = self.dataset.user_ids
        if isinstance(self.positions, slice):
            return ids[self.positions]
        return [ids[row] for row in self.positions.tolist()]

    def named(self, ids: frozenset[str]) -> Mask:
        """Which of the users are among `ids`, by any of their own; the shorter side is walked."""
        if len(self) <= len(ids) or self.dataset.ids_repeat:
            return frozen(self._among(ids))
        rows = (self.dataset.row_of(user) for user in ids)
        table = np.zeros(len(self.dataset), dtype=np.bool_)
        table[[row for row in rows if row is not None]] = True
        return frozen(table[self.positions])

    def gone(self) -> Mask | None:
        """Which of the rows were removed, bool (n,); None where none ever was."""
        return self.dataset.gone(self.positions)

    def listed(self, name: str) -> Mask:
        """Which of the users are in this user list."""
        return self.flag(list_attribute(name)).values

    def events(self, name: str) -> EventsView:
        """The events of this name."""
        if name not in self._events:
            self._events[name] = EventsView(self.dataset.event_table(name), self.positions, self.at)
        return self._events[name]

    def first_hidden(self, event: str) -> Instants:
        """When the next event of this name appears to each user, int64 (n,); FOREVER where none is ahead."""
        return self.events(event).first_hidden

    @property
    def layout(self) -> Layout:
        """The kinds of the attributes."""
        return self.dataset.layout

    def one(self, place: int) -> OneUser:
        """One of the users, by its place among them."""
        row = self._row(place)
        return OneUser(self.dataset.columns, row, self.dataset, row, Micros(self.at.item(place)))

    def _row(self, place: int) -> int:
        positions = self.positions
        return (positions.start or 0) + place if isinstance(positions, slice) else positions.item(place)

    def _among(self, ids: frozenset[str]) -> Mask:
        if not self.dataset.merged:
            return np.array([user in ids for user in self.user_ids()], dtype=np.bool_)
        positions = self.positions
        rows = range(*positions.indices(len(self.dataset))) if isinstance(positions, slice) else positions.tolist()
        return np.array([not ids.isdisjoint(self.dataset.ids_of(row)) for row in rows], dtype=np.bool_)


def frozen(array: NDArray[G]) -> NDArray[G]:
    """The array, made read-only; a view of it where it belongs to somebody else."""
    view = array.view()
    view.flags.writeable = False
    return view
