"""Positions in an array: a slice, an index, or pieces, which are read many times as fast as an index of each."""

from __future__ import annotations

from typing import Final, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

_LONG: Final = 32
"""Pieces of fewer stretches on average are not worth it."""
G = TypeVar("G", bound=np.generic)
Index = NDArray[np.int64]


class Pieces:
    """Slices, in the order in which they are read."""

    __slots__ = ("_slices",)

    def __init__(self, starts: Index, stops: Index) -> None:
        self._slices = list(map(slice, starts.tolist(), stops.tolist()))

    def read(self, data: NDArray[G]) -> NDArray[G]:
        """The elements at these positions."""
        return np.concatenate([data[each] for each in self._slices])

    def index(self) -> Index:
        """The positions one by one, int64."""
        return np.concatenate([np.arange(each.start, each.stop) for each in self._slices])


Positions: TypeAlias = "Index | slice | Pieces"


def read(data: NDArray[G], positions: Positions) -> NDArray[G]:
    """The elements at these positions; those of a slice are not copied."""
    if isinstance(positions, slice):
        return data[positions]
    return positions.read(data) if isinstance(positions, Pieces) else data.take(positions)


def chosen(positions: Positions, places: Index) -> Index:
    """Those of the positions that stand at `places` (k,)."""
    if isinstance(positions, slice):
        return places + positions.start if positions.start else places
    return (positions.index() if isinstance(positions, Pieces) else positions).take(places)


def pieces_of(starts: Index, lengths: NDArray[np.integer]) -> Pieces | slice | None:
    """Where (n,) stretches lie, those side by side joined: as one slice, or as pieces; None where these are many."""
    some = np.flatnonzero(lengths)
    if not len(some):
        return slice(0, 0)
    starts, stops = starts.take(some), starts.take(some) + lengths.take(some)
    gaps = np.flatnonzero(starts[1:] != stops[:-1])
    if not len(gaps):
        return slice(int(starts[0]), int(stops[-1]))
    if len(gaps) > len(lengths) // _LONG:
        return None
    return Pieces(starts[np.concatenate(([0], gaps + 1))], stops[np.concatenate((gaps, [len(some) - 1]))])
