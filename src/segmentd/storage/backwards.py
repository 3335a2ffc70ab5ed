"""Reading the log from its end: the last moves of a user or of a segment before a place, newest first."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge
from itertools import islice
from typing import Any

import numpy as np

from segmentd.records import END_OFFSET, LoggedTransition, Position, TransitionRecord
from segmentd.storage.keypacking import ranks_of, unpack
from segmentd.storage.log_places import LogPlaces
from segmentd.storage.session import Row
from segmentd.times import Micros

# CROSS JOIN keeps the log outside, so that its order is the order of the result and the limit ends the search.
_SINGLES = """
SELECT t.revision, t.offset, r.recorded_time, t.segment_key, t.segment_version, t.user_key, t.entered,
       t.effective_time, t.cause, t.message_id
FROM transitions t INDEXED BY {index} CROSS JOIN revisions r ON r.revision = t.revision
WHERE {terms} ORDER BY t.revision DESC, t.offset DESC LIMIT ?
"""
_BLOCKS = """
SELECT t.revision, t.offset, t.size, r.recorded_time, t.segment_key, t.from_version, t.to_version, t.entered,
       t.effective_time, t.cause, t.user_keys, t.gaps
FROM switches t INDEXED BY {index} CROSS JOIN revisions r ON r.revision = t.revision
WHERE {terms} ORDER BY t.revision DESC, t.offset DESC LIMIT ?
"""
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
        index = "transitions_by_segment" if user is None else "transitions_by_user"
        filters = {name: key for name, key in (("user_key", user), ("segment_key", segment)) if key is not None}
        terms = [*(f"t.{name} = ?" for name in filters), *_TIMES]
        sql = _SINGLES.format(index=index, terms=" AND ".join(terms))
        while rows := self._session.rows(sql, (*filters.values(), *before, *times, page)):
            yield from map(_single, rows)
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


def _single(row: Row) -> LoggedTransition:
    revision, offset, recorded, segment, version, user, entered, effective, cause, message_id = row
    transition = TransitionRecord(segment, version, user, bool(entered), Micros(effective), cause, message_id)
    return LoggedTransition(revision, offset, Micros(recorded), transition)


def _moves_of(row: Row, before: Position, limit: int, user: int | None) -> Iterator[LoggedTransition]:
    """The last moves of a block before a position, backwards."""
    revision, offset, size, recorded, segment, old, new, entered, effective, cause, packed, gaps = row
    keys, ranks = unpack(packed), ranks_of(size, gaps)
    if before.revision == revision:
        stop = int(np.searchsorted(ranks, before.offset - offset))
        keys, ranks = keys[:stop], ranks[:stop]
    if user is not None:
        found = keys == user
        keys, ranks = keys[found], ranks[found]
    for rank, each in zip(ranks[: -limit - 1 : -1].tolist(), keys[: -limit - 1 : -1].tolist(), strict=True):
        # Who leaves because a segment ends (to version 0) leaves the version that was served.
        transition = TransitionRecord(segment, new or old, each, bool(entered), Micros(effective), cause)
        yield LoggedTransition(revision, offset + rank, Micros(recorded), transition)
