"""All events of one name: each row's events lie together, oldest first, with room to grow.

A row that has outgrown its room moves to the end of the pool with half as much room again, so that a write costs the
row and never the table. Rooms that were left are reclaimed when they are a third of the pool. So the pool is about
twice what the events take, and no more than that after a start, until new ones come.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from segmentd.population.column import Column
from segmentd.population.kinds import Kind, Stored
from segmentd.population.pieces import Index, Pieces, Positions, pieces_of, read
from segmentd.population.placing import Arrivals, shift
from segmentd.times import MIN_INSTANT

_SMALLEST_SPARE: Final = 1
"""Room for so many more events at least."""
_SMALLEST_POOL: Final = 1024
"""A pool up to this size is not worth a clean-up."""


class EventTable:
    """Times and property columns of one event name, by position in a pool shared by all rows."""

    def __init__(self, kinds: Mapping[str, Kind | None], rows: int) -> None:
        """`kinds` names the properties that are kept; None where nobody has given one a value yet."""
        self._starts = np.zeros(rows, dtype=np.int64)
        self._lengths = np.zeros(rows, dtype=np.int32)
        self._rooms = np.zeros(rows, dtype=np.int32)
        self._times = np.zeros(64, dtype=np.int64)
        self._end = 0
        self._taken = 0
        self._compact = True
        self.latest = int(MIN_INSTANT)
        """No event is later; some are gone."""
        self.properties = set(kinds)
        self.columns: dict[str, Column] = {}
        self.appended = 0
        for name, kind in kinds.items():
            if kind is not None:
                self.add_column(name, kind)

    def __len__(self) -> int:
        return int(self._lengths.sum())

    def count(self, row: int) -> int:
        """How many events a row has."""
        return int(self._lengths[row])

    def place(self, row: int) -> tuple[int, int]:
        """Where the events of one row lie in the pool, oldest first: from the first to before the second."""
        start = int(self._starts[row])
        return start, start + int(self._lengths[row])

    def add_column(self, name: str, kind: Kind) -> None:
        """Give a kept property its column, once its kind is known; earlier events miss it."""
        self.properties.add(name)
        self.columns[name] = Column(kind, len(self._times))

    def grow(self, rows: int) -> None:
        """Make room for `rows` rows; the new ones have no events."""
        for name in ("_starts", "_lengths", "_rooms"):
            old = getattr(self, name)
            grown = np.full(rows, self._end if name == "_starts" else 0, dtype=old.dtype)
            grown[: len(old)] = old
            setattr(self, name, grown)

    def load(self, rows: Index, times: Index) -> None:
        """Fill an empty table: (m,) rows and times sorted by row, time and arrival. `put` sets values beside them."""
        self._lengths = np.bincount(rows, minlength=len(self._lengths)).astype(np.int32)
        self._rooms = self._lengths.copy()
        self._starts = np.cumsum(self._lengths, dtype=np.int64) - self._lengths
        self._end = self._taken = len(times)
        self._reserve(0)
        self._times[: self._end] = times
        self.latest = int(times.max(initial=self.latest))
        self.appended = self._end
        self.compact()

    def put(self, name: str, data: NDArray[np.generic]) -> None:
        """Set a whole column to elements that are made already, for all events by row, time and arrival."""
        self.compact()
        self.columns[name].put(slice(0, self._end), data)

    def add(self, row: int, time: int, properties: Mapping[str, Stored]) -> None:
        """Insert one event behind those of its row that are not later."""
        if self._lengths[row] == self._rooms[row]:
            self._move(row)
        start, length = int(self._starts[row]), int(self._lengths[row])
        place = start + int(np.searchsorted(self._times[start : start + length], time, side="right"))
        end = start + length
        if place < end:
            for data in self._pool():
                data[place + 1 : end + 1] = data[place:end].copy()
        self._times[place] = time
        self.latest = max(self.latest, time)
        for name, column in self.columns.items():
            column.put_one(place, column.code(properties.get(name)))
        self._lengths[row] += 1
        self.appended += 1

    def add_many(self, rows: Index, times: Index, properties: Mapping[str, list[Stored | None]]) -> None:
        """Insert (m,) events in their order of arrival, as `add` does one by one; with the values of each column."""
        if not len(rows):
            return
        arrivals = Arrivals.of(rows, times)
        self._make_room(arrivals)
        owners = arrivals.rows
        sources, targets, places = shift(
            arrivals, self._starts[owners], self._lengths[owners].astype(np.int64), self._times
        )
        for data in self._pool() if len(sources) else ():
            data[targets] = data[sources]
        self._times[places] = arrivals.times
        self.latest = int(times.max(initial=self.latest))
        for name, column in self.columns.items():
            column.put(places, column.fresh_codes(properties[name])[arrivals.order])
        self._lengths[owners] += arrivals.counts
        self.appended += len(rows)

    def clear(self, row: int) -> None:
        """Forget the events of a row."""
        self._taken -= int(self._rooms[row])
        self._lengths[row] = self._rooms[row] = 0
        self._compact = False

    def replace(self, row: int, times: Index, properties: Mapping[str, list[Stored | None]]) -> None:
        """Give a row these events, in order of time and arrival, and no others."""
        self.clear(row)
        size = len(times)
        self._reserve(size)
        start = self._end
        self._times[start : start + size] = times
        self.latest = int(times.max(initial=self.latest))
        for name, column in self.columns.items():
            for place, value in enumerate(properties[name], start):
                column.put_one(place, column.code(value))
        self._starts[row], self._lengths[row], self._rooms[row] = start, size, size
        self._end += size
        self._taken += size
        self.appended += size

    def drop_first(self, rows: Index, counts: Index) -> None:
        """Forget the first so many events of each of these rows; unique."""
        for array, sign in ((self._starts, 1), (self._lengths, -1), (self._rooms, -1)):
            array[rows] += sign * counts
        self._taken -= int(counts.sum())
        self._compact = False
        self._reclaim()

    def gather(self, rows: Index | slice) -> tuple[Index, Index | slice]:
        """Offsets int64 (n+1,) and the positions in the pool of all events of these rows, oldest first."""
        offsets, positions = self.lie(rows)
        return offsets, positions.index() if isinstance(positions, Pieces) else positions

    def lie(self, rows: Index | slice) -> tuple[Index, Positions]:
        """The same; the positions of rows most of which lie side by side as pieces."""
        lengths, starts = self._lengths[rows], self._starts[rows]
        if self._compact and isinstance(rows, slice) and len(starts):
            end = starts[-1:] + lengths[-1:]
            return np.concatenate((starts, end)) - starts[0], slice(int(starts[0]), int(end[0]))
        offsets = np.concatenate(([0], np.cumsum(lengths, dtype=np.int64)))
        pieces = pieces_of(starts, lengths) if isinstance(rows, slice) else None
        if pieces is not None:
            return offsets, pieces
        positions = np.repeat(starts - offsets[:-1], lengths)
        positions += np.arange(len(positions))
        return offsets, positions

    def times(self, positions: Positions) -> Index:
        """The times at positions of the pool."""
        return read(self._times, positions)

    def compact(self) -> None:
        """Lay the rows side by side in order, without room between them."""
        if self._compact:
            return
        offsets, positions = self.gather(slice(None))
        for data in self._pool():
            data[: offsets[-1]] = read(data, positions)
        self._starts, self._rooms = offsets[:-1].copy(), self._lengths.copy()
        self._end = self._taken = int(offsets[-1])
        self._compact = True

    def _pool(self) -> Iterable[NDArray[np.generic]]:
        yield self._times
        for column in self.columns.values():
            yield column.data

    def _reserve(self, more: int) -> None:
        needed = self._end + more
        if needed <= len(self._times):
            return
        capacity = max(needed, len(self._times) + len(self._times) // 8)
        times = np.zeros(capacity, dtype=np.int64)
        times[: len(self._times)] = self._times
        self._times = times
        for column in self.columns.values():
            column.grow(capacity)

    def _make_room(self, arrivals: Arrivals) -> None:
        """Move the rows whose room is too small to the end, each with half as much room again as it needs."""
        if not self._full(arrivals).any():
            return
        self._reclaim()
        full = self._full(arrivals)  # a clean-up takes away rooms
        rows, counts = arrivals.rows[full], arrivals.counts[full]
        lengths = self._lengths[rows].astype(np.int64)
        rooms = lengths + counts
        rooms += np.maximum(rooms // 2, _SMALLEST_SPARE)
        total = int(rooms.sum())
        self._reserve(total)
        fresh = self._end + np.cumsum(rooms) - rooms
        inside = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        old, new = (inside + np.repeat(starts, lengths) for starts in (self._starts[rows], fresh))
        for data in self._pool():
            data[new] = data[old]
        self._taken += total - int(self._rooms[rows].sum())
        self._starts[rows], self._rooms[rows] = fresh, rooms
        self._end += total
        self._compact = False

    def _full(self, arrivals: Arrivals) -> NDArray[np.bool_]:
        return np.asarray(self._lengths[arrivals.rows] + arrivals.counts > self._rooms[arrivals.rows])

    def _reclaim(self) -> None:
        if self._end > _SMALLEST_POOL and 2 * self._end > 3 * self._taken:
            self.compact()

    def _move(self, row: int) -> None:
        """Give a full row room for one more event and some to spare, at the end."""
        self._reclaim()
        length = int(self._lengths[row])
        room = length + 1 + max(_SMALLEST_SPARE, (length + 1) // 2)
        self._reserve(room)
        old, new = int(self._starts[row]), self._end
        for data in self._pool():
            data[new : new + length] = data[old : old + length]
        self._taken += room - int(self._rooms[row])
        self._starts[row], self._rooms[row] = new, room
        self._end += room
        self._compact = False
