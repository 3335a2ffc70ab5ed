"""One user with some attributes of a request over the stored ones: judged once, never stored."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmentd.population.column import Column
from segmentd.population.kinds import Kind
from segmentd.population.one_user import Layout, OneUser
from segmentd.population.views import ColumnsView, UsersView


class OverlaidUsers(UsersView):
    """The one user of `stored`, whose attributes `names` are those of the one user of `over`, or missing there."""

    def __init__(self, stored: UsersView, over: UsersView, names: Collection[str]) -> None:
        super().__init__(stored.dataset, stored.positions, stored.at)
        self._over = over
        self._names = names
        self._columns = {**stored.dataset.columns, **over.dataset.columns}

    @property
    def layout(self) -> Layout:
        """The kinds of the attributes."""
        return self._over.layout

    def one(self, place: int) -> OneUser:
        """The user, by its place: 0."""
        user, over = super().one(place), self._over.one(place)
        user.columns = _Columns(user.columns, over, self._names)
        return user

    def only(self, places: NDArray[np.int64]) -> ColumnsView:
        """The same attributes of the user, or of nobody where `places` is empty."""
        return self if len(places) else super().only(places)

    def stored(self, name: str, kind: Kind) -> NDArray[Any]:
        return self._over.stored(name, kind) if name in self._names else super().stored(name, kind)


class _Columns(dict[str, Any]):
    """Columns of which some have the same value in every row."""

    def __init__(self, stored: Mapping[str, Column], over: OneUser, names: Collection[str]) -> None:
        super().__init__(stored)
        for name in names:
            column = over.columns.get(name)
            self[name] = _Same(column.value(over.row) if column is not None else None)


class _Same:
    """A column as far as one user needs it."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def value(self, _position: int) -> Any:
        return self._value
