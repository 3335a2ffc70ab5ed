"""Streams of the moves that are stored as rows, each in log order, by the index that leads to them soonest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from segmentd.records import LoggedTransition, Position
from segmentd.storage.log_rows import SELECT_SINGLES, single_move
from segmentd.storage.part import Part
from segmentd.storage.session import Row
from segmentd.storage.wanted import Wanted, json_keys, led_by_index

_SELECT = f"{SELECT_SINGLES} ORDER BY t.revision, t.offset LIMIT ?"
# The plus keeps the search from an index by which the order would have to be sorted.
_OF_SEGMENTS = "+t.segment_key IN (SELECT value FROM json_each(?))"
_OF_USERS = "+t.user_key IN (SELECT value FROM json_each(?))"
_LEAST_PAGE = 16


class SingleStreams(Part):
    """Reads of table `transitions`."""

    def _single_streams(self, after: Position, limit: int, wanted: Wanted) -> list[Iterator[LoggedTransition]]:
        """Streams to be merged by position; together they have every wanted row after the position."""
        if led_by_index(wanted.users):
            column, keys, index = "user_key", wanted.users, "INDEXED BY transitions_by_user"
        elif led_by_index(wanted.segments):
            column, keys, index = "segment_key", wanted.segments, "INDEXED BY transitions_by_segment"
        else:
            return [self._single_pages(*_query("", "", wanted), (), after, limit)]
        page = max(_LEAST_PAGE, limit // max(len(keys), 1) + 1)
        sql, rest = _query(index, column, wanted)
        return [self._single_pages(sql, rest, (int(key),), after, page) for key in sorted(set(keys))]

    def _single_pages(self, sql: str, rest: Row, key: Row, after: Position, page: int) -> Iterator[LoggedTransition]:
        place: tuple[int, int] = after
        while rows := self._session.rows(sql, (*key, *place, *rest, page)):
            yield from map(single_move, rows)
            if len(rows) < page:
                return
            place = rows[-1][0], rows[-1][1]


def _query(index: str, column: str, wanted: Wanted) -> tuple[str, Row]:
    """The statement and the parameters behind key and position."""
    terms = ["(t.revision, t.offset) > (?, ?)", "t.revision <= ?"]
    rest: list[Any] = [wanted.last_revision]
    if column:
        terms.insert(0, f"t.{column} = ?")
    for name, term, keys in (("segment_key", _OF_SEGMENTS, wanted.segments), ("user_key", _OF_USERS, wanted.users)):
        if keys is not None and name != column:
            terms.append(term)
            rest.append(json_keys(keys))
    if wanted.timed:
        terms += ["t.effective_time >= ?", "t.effective_time < ?"]
        rest += [wanted.start, wanted.end]
    return _SELECT.format(index=index, terms=" AND ".join(terms)), tuple(rest)
