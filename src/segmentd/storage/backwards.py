"""Reading the log from its end: the last moves of a user or of a segment before a place, newest first."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge
from itertools import islice
from typing import Any

import numpy as np

from segmentd.records import END_OFFSET, LoggedTransition, Position
from segmentd.storage.log_places import LogPlaces
from segmentd.storage.log_rows import SELECT_BLOCKS, SELECT_SINGLES, block_moves, block_users, single_move
from segmentd.storage.session import Row
from segmentd.times import Micros

_LAST_FIRST = "ORDER BY t.revision DESC, t.offset DESC LIMIT ?"
_SINGLES = f"{SELECT_SINGLES} {_LAST_FIRST}"
_BLOCKS = f"{SELECT_BLOCKS} {_LAST_FIRST}"
_TIMES = ["(t.revision, t.offset) < (?, ?)", "t.revision >= ?", "t.effective_time >= ?", "t.effective_time < ?"]
_MOST_BLOCKS = 16
LAST = Position(2**62, 2**62)
"""Behind every move."""


class Backwards(LogPlaces):
    """Reads of `transitions` and `switches` against the order of the log."""

    def history_backwards(
        self,
        before: Position,
        limit: int,
        *,
        user: int | None = None,
        segment: int | None = None,
        start: Micros,
        end: Micros,
    ) -> list[LoggedTransition]:
        """Up to `limit` moves before a position that became true in [start, end), the last one first.

        Of one user, one segment or both; `user` and `segment` are surrogate keys. What was compacted is not there.
        """
        if start >= end or limit <= 0:
            return []
        first, last = self.revisions_of(start, end)
        times, before = (first, start, end), min(before, Position(last, END_OFFSET))
        streams = (
            self._singles_before(before, limit, user, segment, times),
            self._packed_before(before, limit, user, segment, times),
        )
        return list(islice(merge(*streams, key=lambda each: each.position, reverse=True), limit))

    def _singles_before(
        self, before: Position, page: int, user: int | None, segment: int | None, times: Row
    ) -> Iterator[LoggedTransition]:
        index = "INDEXED BY transitions_by_segment" if user is None else "INDEXED BY transitions_by_user"
        filters = {name: key for name, key in (("user_key", user), ("segment_key", segment)) if key is not None}
        terms = [*(f"t.{name} = ?" for name in filters), *_TIMES]
        sql = _SINGLES.format(index=index, terms=" AND ".join(terms))
        while rows := self._session.rows(sql, (*filters.values(), *before, *times, page)):
            yield from map(single_move, rows)
            if len(rows) < page:
                return
            before = Position(rows[-1][0], rows[-1][1])

    def _packed_before(
        self, before: Position, limit: int, user: int | None, segment: int | None, times: Row
    ) -> Iterator[LoggedTransition]:
        """Blocks are read a few at a time, as far as they are needed."""
        terms, rest = list(_TIMES), list[Any]()
        if user is not None:
            terms += ["t.first_key <= ?", "t.last_key >= ?"]
            rest += [user, user]
        if segment is not None:
            terms.insert(0, "t.segment_key = ?")
        index = "switches_by_place" if segment is None else "switches_by_segment"
        sql = _BLOCKS.format(index=index, terms=" AND ".join(terms))
        key = () if segment is None else (segment,)
        page, place = 2, before
        while rows := self._session.rows(sql, (*key, *place, *times, *rest, page)):
            for row in rows:
                yield from _moves_of(row, before, limit, user)
            place, page = Position(rows[-1][0], rows[-1][1]), _MOST_BLOCKS


def _moves_of(row: Row, before: Position, limit: int, user: int | None) -> Iterator[LoggedTransition]:
    """The last moves of a block before a position, backwards."""
    keys, ranks = block_users(row)
    if before.revision == row[0]:
        stop = int(np.searchsorted(ranks, before.offset - row[1]))
        keys, ranks = keys[:stop], ranks[:stop]
    if user is not None:
        found = keys == user
        keys, ranks = keys[found], ranks[found]
    yield from block_moves(row, keys[: -limit - 1 : -1], ranks[: -limit - 1 : -1])
