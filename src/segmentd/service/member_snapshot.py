"""Who is a member of what as of one revision: bits copied on the engine's thread, told in pieces afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from segmentd.engine.catalogue import Entry, State
from segmentd.engine.memberships import Rows, Words
from segmentd.records import UserKeys
from segmentd.service.engine import Engine
from segmentd.service.live import Live
from segmentd.service.watch_filter import WatchFilter
from segmentd.times import Micros

PIECE: Final = 2_000
"""Members of one piece at most."""
_ROWS: Final = 65_536
"""Rows looked through at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class MembersPiece:
    """Some members of one segment: ids, and int64[n] keys beside them. None of them: a place to pause."""

    segment_id: str
    user_ids: Sequence[str]
    user_keys: UserKeys


@dataclass(frozen=True, slots=True, eq=False)
class MemberSnapshot:
    """Packed bits of some or all users: `words` uint64 (n, columns) for the rows `rows`, which ascend.

    `slots` says where each segment's bit is: (column of `words`, bit). `logged` are segments that cannot be judged at
    present: the rows of the members that the log leaves in them.
    """

    revision: int
    at: Micros
    rows: Rows | None
    words: Words
    slots: Mapping[str, tuple[int, int]]
    logged: Mapping[str, Rows]
    user_ids: Sequence[str]
    user_keys: NDArray[np.int64]

    def pieces(self) -> Iterator[MembersPiece]:
        """All members, segment by segment."""
        for segment_id, (column, bit) in self.slots.items():
            for start in range(0, len(self.words), _ROWS):
                found = np.flatnonzero(self.words[start : start + _ROWS, column] & np.uint64(1 << bit)) + start
                yield from self._cut(segment_id, found if self.rows is None else self.rows[found])
        for segment_id, rows in self.logged.items():
            yield from self._cut(segment_id, rows)

    def _cut(self, segment_id: str, rows: Rows) -> Iterator[MembersPiece]:
        """At least one piece, so that whoever takes them can pause."""
        for start in range(0, max(len(rows), 1), PIECE):
            part = rows[start : start + PIECE]
            yield MembersPiece(segment_id, [self.user_ids[row] for row in part.tolist()], self.user_keys[part])


def take_snapshot(engine: Engine, wanted: WatchFilter) -> MemberSnapshot:
    """The members of now that are wanted. On the engine's thread only, while nobody else uses `wanted`.

    It costs a copy of 8 bytes for each user and each 64 segments.
    """
    at = engine.tick()
    # Here and not before: who became known since is in no move that follows the snapshot.
    wanted.widen()
    live, segments, users = engine.live, wanted.segments, wanted.users
    entries = {
        name: entry
        for name, entry in sorted(live.catalogue.entries.items())
        if segments is None or entry.definition.segment_key in segments
    }
    rows = None if users is None else live.rows_of(np.array(sorted(users), dtype=np.int64))
    places = {name: entry.plan.slot for name, entry in entries.items() if entry.plan is not None}
    columns = sorted({slot >> 6 for slot in places.values()})
    words = live.memberships.words[: len(live.users)] if rows is None else live.memberships.words[rows]
    return MemberSnapshot(
        live.revision,
        at,
        rows,
        words[:, columns],  # a copy, because the columns are a list
        {name: (columns.index(slot >> 6), slot & 63) for name, slot in places.items()},
        {name: _logged(engine, entry, rows) for name, entry in entries.items() if entry.plan is None},
        live.users.user_ids,
        live.user_keys(slice(0, len(live.users))),
    )


def snapshot_bytes(live: Live, wanted: WatchFilter) -> int:
    """What `take_snapshot` copies at most."""
    users = len(live.users) if wanted.users is None else len(wanted.users)
    return 8 * users * int(live.memberships.words.shape[1])


def _logged(engine: Engine, entry: Entry, rows: Rows | None) -> Rows:
    """A segment that failed keeps its members in the log until it can be judged again."""
    if entry.state is State.ARCHIVED:
        return np.zeros(0, dtype=np.int64)
    members = engine.live.rows_of(engine.store.members(entry.definition.segment_key))
    return members if rows is None else np.intersect1d(members, rows)
