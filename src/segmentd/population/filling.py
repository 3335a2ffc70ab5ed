"""Attributes of many users at once: by attribute rather than by user."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from typing import Final

import numpy as np
from numpy.typing import NDArray

from segmentd.population.dataset import Dataset
from segmentd.population.elements import elements
from segmentd.population.kinds import Json, Kind

_SPARSE: Final = 4
"""Where each user has less than one in so many of the attributes, they are gone through user by user."""
_Lookup = Callable[[str], Kind | None]


def put_attributes(
    users: Dataset, rows: NDArray[np.int64], profiles: Sequence[Mapping[str, Json]], kind_of: _Lookup
) -> None:
    """Set the attributes of these rows, int64 (n,), each from its profile; rows without an attribute keep theirs.

    What is of another kind than `kind_of` says, or of none, is missing.
    """
    users.profiles_written += len(rows)
    names = set().union(*profiles)
    if len(names) * len(profiles) <= _SPARSE * sum(map(len, profiles)):
        for name in names:
            _put(users, name, kind_of(name), rows, list(map(dict.get, profiles, repeat(name))))  # type: ignore[arg-type]
        return
    found: dict[str, tuple[list[int], list[Json]]] = {name: ([], []) for name in names}
    for place, profile in enumerate(profiles):
        for name, value in profile.items():
            places, values = found[name]
            places.append(place)
            values.append(value)
    for name, (places, values) in found.items():
        _put(users, name, kind_of(name), rows[places], values)


def _put(users: Dataset, name: str, kind: Kind | None, rows: NDArray[np.int64], values: list[Json]) -> None:
    if kind is None:
        return
    fresh = name not in users.columns or users.columns[name].kind is not kind
    column = users.column(name, kind)
    column.make_room()
    data = elements(column, values)
    column.put(rows, data)
    if fresh and not (~np.isnan(data) if kind is Kind.NUMBER else data != column.missing).any():
        del users.columns[name]  # nobody has one
