"""Streams of the moves that are stored packed, each in log order; they can be taken up inside a block."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmentd.records import LoggedTransition, Position, UserKeys
from segmentd.storage.keypacking import BLOCK
from segmentd.storage.log_rows import SELECT_BLOCKS, block_moves, block_users
from segmentd.storage.part import Part
from segmentd.storage.session import Row
from segmentd.storage.wanted import Wanted, json_keys, led_by_index

LARGEST = 65_536
"""No release wrote a longer block; one that began so far before a position cannot reach beyond it."""
_SELECT = f"{SELECT_BLOCKS} ORDER BY t.revision, t.offset LIMIT ?"
_MOST_BLOCKS = 64


class BlockStreams(Part):
    """Reads of table `switches`."""

    def _block_streams(self, after: Position, limit: int, wanted: Wanted) -> list[Iterator[LoggedTransition]]:
        """Streams to be merged by position; together they have every wanted packed move after the position."""
        segments = sorted(set(wanted.segments)) if led_by_index(wanted.segments) else [None]
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
        "(t.revision, t.offset) > (?, ?)",
        "NOT (t.revision = ? AND t.offset + t.size - 1 <= ?)",
        "t.revision <= ?",
    ]
    rest: list[Any] = [wanted.last_revision]
    if segment is not None:
        terms.insert(0, "t.segment_key = ?")
    elif wanted.segments is not None:
        terms.append("t.segment_key IN (SELECT value FROM json_each(?))")
        rest.append(json_keys(wanted.segments))
    if users is not None:
        terms += ["t.first_key <= ?", "t.last_key >= ?"]
        rest += [int(users[-1]), int(users[0])]
    if wanted.timed:
        terms += ["t.effective_time >= ?", "t.effective_time < ?"]
        rest += [wanted.start, wanted.end]
    index = "switches_by_place" if segment is None else "switches_by_segment"
    sql = _SELECT.format(index=index, terms=" AND ".join(terms))
    return sql, () if segment is None else (int(segment),), tuple(rest)


def _moves_of(row: Row, after: Position, limit: int, users: NDArray[np.int64] | None) -> Iterator[LoggedTransition]:
    first = after.offset + 1 - row[1] if after.revision == row[0] else 0
    keys, ranks = _after(*block_users(row), first)
    if users is not None:
        found = np.isin(keys, users, assume_unique=True)
        keys, ranks = keys[found], ranks[found]
    yield from block_moves(row, keys[:limit], ranks[:limit])


def _after(keys: UserKeys, ranks: UserKeys, first: int) -> tuple[UserKeys, UserKeys]:
    """What of a block begins at this rank."""
    start = int(np.searchsorted(ranks, first))
    return keys[start:], ranks[start:]
