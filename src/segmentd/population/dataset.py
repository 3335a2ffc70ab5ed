"""Users in memory: an index of ids, attribute columns, and the event tables that some definition reads."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from segmentd.population.column import Column
from segmentd.population.event_table import EventTable
from segmentd.population.kinds import Kind, Stored
from segmentd.population.one_user import Layout
from segmentd.population.typed import Mask
from segmentd.population.views import Rows, UsersView
from segmentd.times import Instants

_FIRST_CAPACITY = 1024
_LITTLE = 32
"""After a load there is room for one more in so many."""
_FEW_USERS = 4
"""The attributes of so many users are set one by one: less work than an array for each attribute."""


class Dataset:
    """Rows are dense and never reused; one thread writes.

    A row that was removed stays as a gap: without attributes and events, and no member of anything. `merged` leads
    from the ids of merged users to the rows that survive them; `index` follows when the merge is published.
    """

    def __init__(self, layout: Layout | None = None) -> None:
        """`layout` is that of another dataset, whose compiled plans serve this one too, as far as kinds agree."""
        self.index: dict[str, int] = {}
        self.user_ids: list[str] = []
        self.merged: dict[str, int] = {}
        self._other_rows: dict[int, tuple[int, ...]] = {}
        self.ids_repeat = False
        self.removed = 0
        self._gone: Mask = np.zeros(_FIRST_CAPACITY, dtype=np.bool_)
        self.columns: dict[str, Column] = {}
        self._layout: Layout | None = None
        self._others_layout = layout
        self.tables: dict[str, EventTable] = {}
        self.profiles_written = 0
        self._capacity = _FIRST_CAPACITY

    def __len__(self) -> int:
        return len(self.user_ids)

    def add_user(self, user_id: str) -> int:
        """The row of a new user."""
        row = len(self.user_ids)
        if row == self._capacity:
            self._grow()
        self.user_ids.append(user_id)
        self.ids_repeat |= user_id in self.index
        self.index[user_id] = row
        return row

    def add_users(self, user_ids: list[str]) -> None:
        """Rows for new users; each id is given once."""
        first = len(self.user_ids)
        while first + len(user_ids) > self._capacity:
            self._grow()
        self.ids_repeat |= not self.index.keys().isdisjoint(user_ids)
        self.user_ids += user_ids
        self.index.update(zip(user_ids, range(first, len(self.user_ids)), strict=True))

    @property
    def present(self) -> int:
        """How many users there are: rows that were not removed."""
        return len(self) - self.removed

    def row_of(self, user_id: str) -> int | None:
        """The row of an id as it is while a commit is made: that of the survivor for a merged one."""
        row = self.merged.get(user_id)
        return self.index.get(user_id) if row is None else row

    def remove(self, row: int) -> None:
        """Clear a row's attributes and events; from now on it is nobody. Its id stays known."""
        if self._gone[row]:
            return
        self._gone[row] = True
        self.removed += 1
        for column in self.columns.values():
            column.clear(row)
        for table in self.tables.values():
            table.clear(row)

    def gone(self, rows: Rows) -> Mask | None:
        """Which of these rows were removed, bool (n,); None where none ever was."""
        return self._gone[: len(self)][rows] if self.removed else None

    def is_gone(self, row: int) -> bool:
        """Whether one row was removed."""
        return bool(self._gone[row])

    def merge_row(self, row: int, into: int) -> None:
        """Remove a row; its id, and those that led to it, lead to the row `into`."""
        self.remove(row)
        rows = (*self._other_rows.pop(row, ()), row)
        self._other_rows[into] = (*self._other_rows.get(into, ()), *rows)
        for each in rows:
            self.merged[self.user_ids[each]] = into

    def forget(self, row: int) -> None:
        """Remove a row and forget all ids that led to it."""
        self.remove(row)
        for each in (row, *self._other_rows.pop(row, ())):
            self.merged.pop(self.user_ids[each], None)
            self.user_ids[each] = ""

    def rows_of_user(self, row: int) -> tuple[int, ...]:
        """The row and those that were merged into it, the latest last."""
        return (row, *self._other_rows.get(row, ()))

    def ids_of(self, row: int) -> tuple[str, ...]:
        """Every id that leads to a row, its own first."""
        return tuple(self.user_ids[each] for each in self.rows_of_user(row))

    @property
    def layout(self) -> Layout:
        """The kinds of the columns as they are now."""
        if self._others_layout is not None:
            return self._others_layout.including({name: column.kind for name, column in self.columns.items()})
        if self._layout is None or len(self._layout.kinds) != len(self.columns):
            self._layout = Layout({name: column.kind for name, column in self.columns.items()})
        return self._layout

    def column(self, name: str, kind: Kind) -> Column:
        """The column of an attribute, made on first use; a column of another kind is replaced by an empty one."""
        column = self.columns.get(name)
        if column is None or column.kind is not kind:
            column = self.columns[name] = Column(kind, self._capacity)
            self._layout = None
        return column

    def set_attributes(self, row: int, values: Mapping[str, tuple[Kind, Stored] | None]) -> None:
        """Set attributes of one user; None makes one missing."""
        self.profiles_written += 1
        for name, value in values.items():
            if value is not None:
                column = self.column(name, value[0])
                column.put_one(row, column.code(value[1]))
            elif name in self.columns:
                self.columns[name].clear(row)

    def set_attributes_of(self, users: Mapping[int, Mapping[str, tuple[Kind, Stored] | None]]) -> None:
        """The same of many users, by row; an attribute has the same kind in all of them."""
        if len(users) <= _FEW_USERS:
            for row, values in users.items():
                self.set_attributes(row, values)
            return
        self.profiles_written += len(users)
        found: dict[str, tuple[list[int], list[Stored | None], set[Kind]]] = {}
        for row, values in users.items():
            for name, value in values.items():
                rows, stored, kinds = found.setdefault(name, ([], [], set()))
                rows.append(row)
                stored.append(None if value is None else value[1])
                if value is not None:
                    kinds.add(value[0])
        for name, (rows, stored, kinds) in found.items():
            column = self.column(name, kinds.pop()) if kinds else self.columns.get(name)
            if column is not None:
                column.put(np.array(rows, dtype=np.int64), column.fresh_codes(stored))

    def set_flags(self, rows: NDArray[np.int64], name: str, value: bool | None) -> None:
        """Set the flag `name` of many users at once; None makes it missing."""
        self.profiles_written += len(rows)
        column = self.column(name, Kind.FLAG)
        column.data[rows] = column.absent if value is None else value

    def event_table(self, name: str) -> EventTable:
        """The table of an event name; an empty one where nothing of that name is kept."""
        table = self.tables.get(name)
        return table if table is not None else EventTable({}, self._capacity)

    def new_table(self, kinds: Mapping[str, Kind | None]) -> EventTable:
        """An empty table with room for all rows; put it into `tables` when it is filled."""
        return EventTable(kinds, self._capacity)

    def view(self, rows: Rows, at: Instants) -> UsersView:
        """These rows, each at its own instant; `at` is int64 with one entry a row."""
        return UsersView(self, rows, at)

    def everyone(self, at: int) -> UsersView:
        """All users at one instant."""
        if not self.removed:
            return self.span(0, len(self), at)
        rows = np.flatnonzero(~self._gone[: len(self)])
        instants: NDArray[np.int64] = np.broadcast_to(np.int64(at), rows.shape)
        return self.view(rows, instants)

    def span(self, start: int, stop: int, at: int) -> UsersView:
        """The rows from `start` to before `stop` at one instant, without copying columns."""
        instants: NDArray[np.int64] = np.broadcast_to(np.int64(at), (stop - start,))
        return self.view(slice(start, stop), instants)

    def fit(self) -> None:
        """Have room for little more than the users that are there. They have no columns and tables yet."""
        self._resize(max(_FIRST_CAPACITY, len(self) + len(self) // _LITTLE))

    def _grow(self) -> None:
        self._resize(self._capacity + max(_FIRST_CAPACITY, self._capacity // 4))

    def _resize(self, capacity: int) -> None:
        self._capacity = capacity
        gone = np.zeros(capacity, dtype=np.bool_)
        gone[: len(self)] = self._gone[: len(self)]
        self._gone = gone
        for column in self.columns.values():
            column.grow(self._capacity)
        for table in self.tables.values():
            table.grow(self._capacity)
