"""Streams of the moves that are stored packed, each in log order; they can be taken up inside a block."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmentd.records import LoggedTransition, Position, TransitionRecord, UserKeys
from segmentd.storage.keypacking import BLOCK, ranks_of, unpack
from segmentd.storage.part import Part
from segmentd.storage.session import Row
from segmentd.storage.single_streams import STREAMS
from segmentd.storage.wanted import Wanted, json_keys
from segmentd.times import Micros

LARGEST = 65_536
"""No release wrote a longer block; one that began so far before a position cannot reach beyond it."""
# CROSS JOIN keeps the log outside, so that its order is the order of the result and the limit ends the search.
_SELECT = """
SELECT s.revision, s.offset, s.size, r.recorded_time, s.segment_key, s.from_version, s.to_version, s.entered,
       s.effective_time, s.cause, s.user_keys, s.gaps
FROM switches s INDEXED BY {index} CROSS JOIN revisions r ON r.revision = s.revision
WHERE {terms} ORDER BY s.revision, s.offset LIMIT ?
"""
_MOST_BLOCKS = 64


class BlockStreams(Part):
    """Reads of table `switches`."""

    def _block_streams(self, after: Position, limit: int, wanted: Wanted) -> list[Iterator[LoggedTransition]]:
        """Streams to be merged by position; together they have every wanted packed move after the position."""
        if wanted.segments is not None and len(set(wanted.segments)) <= STREAMS:
            segments: list[int | None] = [int(each) for each in sorted(set(wanted.segments))]
        else:
            segments = [None]
        return [self._moves_of_blocks(segment, after, limit, wanted) for segment in segments]

    def _moves_of_blocks(
        self, segment: int | None, after: Position, limit: int, wanted: Wanted
    ) -> Iterator[LoggedTransition]:
        users = wanted.user_array()
        for row in self._block_rows(segment, after, limit, wanted, users):
            yield from _moves_of(row, after, limit, users)

    def _block_rows(
        self, segment: int | None, after: Position, limit: int, wanted: Wanted, users: NDArray[np.int64] | None
    ) -> Iterator[Row]:
        """Blocks are read a few at a time, as far as they are needed; more at a time where few moves are wanted."""
        sql, key, rest = _query(segment, wanted, users)
        page, place = 2 + min(limit // BLOCK, _MOST_BLOCKS), tuple(after)
        while rows := self._session.rows(sql, (*key, place[0], place[1] - LARGEST, *place, *rest, page)):
            yield from rows
            if len(rows) < page:
                return
            place = rows[-1][0], rows[-1][1] + rows[-1][2] - 1
            page = min(2 * page, _MOST_BLOCKS)


def _query(segment: int | None, wanted: Wanted, users: NDArray[np.int64] | None) -> tuple[str, Row, Row]:
    """The statement, and the parameters before and behind the position."""
    terms = [
        "(s.revision, s.offset) > (?, ?)",
        "NOT (s.revision = ? AND s.offset + s.size - 1 <= ?)",
        "s.revision <= ?",
    ]
    rest: list[Any] = [wanted.last_revision]
    if segment is not None:
        terms.insert(0, "s.segment_key = ?")
    elif wanted.segments is not None:
        terms.append("s.segment_key IN (SELECT value FROM json_each(?))")
        rest.append(json_keys(wanted.segments))
    if users is not None:
        terms += ["s.first_key <= ?", "s.last_key >= ?"]
        rest += [int(users[-1]), int(users[0])]
    if wanted.timed:
        terms += ["s.effective_time >= ?", "s.effective_time < ?"]
        rest += [wanted.start, wanted.end]
    index = "switches_by_place" if segment is None else "switches_by_segment"
    sql = _SELECT.format(index=index, terms=" AND ".join(terms))
    return sql, () if segment is None else (segment,), tuple(rest)


def _moves_of(row: Row, after: Position, limit: int, users: NDArray[np.int64] | None) -> Iterator[LoggedTransition]:
    revision, offset, size, recorded, segment, old, new, entered, effective, cause, packed, gaps = row
    keys, ranks = _after(unpack(packed), ranks_of(size, gaps), after[1] + 1 - offset if after[0] == revision else 0)
    if users is not None:
        found = np.isin(keys, users, assume_unique=True)
        keys, ranks = keys[found], ranks[found]
    for rank, user in zip(ranks[:limit].tolist(), keys[:limit].tolist(), strict=True):
        # Who leaves because a segment ends (to version 0) leaves the version that was served.
        transition = TransitionRecord(segment, new or old, user, bool(entered), Micros(effective), cause)
        yield LoggedTransition(revision, offset + rank, Micros(recorded), transition)


def _after(keys: UserKeys, ranks: UserKeys, first: int) -> tuple[UserKeys, UserKeys]:
    """What of a block begins at this rank."""
    start = int(np.searchsorted(ranks, first))
    return keys[start:], ranks[start:]
