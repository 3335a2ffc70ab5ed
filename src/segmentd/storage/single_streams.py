"""Streams of the moves that are stored as rows, each in log order, by the index that leads to them soonest."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from segmentd.records import LoggedTransition, Position, TransitionRecord
from segmentd.storage.part import Part
from segmentd.storage.session import Row
from segmentd.storage.wanted import Wanted, json_keys
from segmentd.times import Micros

STREAMS = 64
"""For more segments or users than this the whole log is gone through instead."""
_SELECT = """
SELECT t.revision, t.offset, r.recorded_time, t.segment_key, t.segment_version, t.user_key, t.entered,
       t.effective_time, t.cause, t.message_id
FROM transitions t {index} CROSS JOIN revisions r ON r.revision = t.revision
WHERE {terms} ORDER BY t.revision, t.offset LIMIT ?
"""
# The plus keeps the search from an index by which the order would have to be sorted.
_OF_SEGMENTS = "+t.segment_key IN (SELECT value FROM json_each(?))"
_OF_USERS = "+t.user_key IN (SELECT value FROM json_each(?))"
_LEAST_PAGE = 16


class SingleStreams(Part):
    """Reads of table `transitions`."""

    def _single_streams(self, after: Position, limit: int, wanted: Wanted) -> list[Iterator[LoggedTransition]]:
        """Streams to be merged by position; together they have every wanted row after the position."""
        if wanted.users is not None and led_by_index(wanted.users):
            column, keys, index = "user_key", wanted.users, "INDEXED BY transitions_by_user"
        elif wanted.segments is not None and led_by_index(wanted.segments):
            column, keys, index = "segment_key", wanted.segments, "INDEXED BY transitions_by_segment"
        else:
            return [self._single_pages(*_query("", "", wanted), (), after, limit)]
        page = max(_LEAST_PAGE, limit // max(len(keys), 1) + 1)
        sql, rest = _query(index, column, wanted)
        return [self._single_pages(sql, rest, (int(key),), after, page) for key in sorted(set(keys))]

    def _single_pages(self, sql: str, rest: Row, key: Row, after: Position, page: int) -> Iterator[LoggedTransition]:
        place: tuple[int, int] = after
        while rows := self._session.rows(sql, (*key, *place, *rest, page)):
            yield from map(_single, rows)
            if len(rows) < page:
                return
            place = rows[-1][0], rows[-1][1]


def led_by_index(keys: Collection[int] | None) -> bool:
    """Whether a filter is so small that an index leads to each of its keys."""
    return keys is not None and len(set(keys)) <= STREAMS


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


def _single(row: Row) -> LoggedTransition:
    revision, offset, recorded, segment, version, user, entered, effective, cause, message_id = row
    transition = TransitionRecord(segment, version, user, bool(entered), Micros(effective), cause, message_id)
    return LoggedTransition(revision, offset, Micros(recorded), transition)
