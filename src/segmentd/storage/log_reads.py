"""Reading the log in order: single transitions and the users of switches as one stream."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge
from itertools import islice

from segmentd.records import LoggedTransition, TransitionRecord
from segmentd.storage.keypacking import BLOCK, unpack
from segmentd.storage.part import Part
from segmentd.storage.session import Row
from segmentd.times import Micros

_SINGLES = """
SELECT revision, offset, instant, segment_key, segment_version, user_key, entered, effective_time, cause, message_id
FROM transitions JOIN revisions USING (revision)
WHERE (revision, offset) > (?, ?) ORDER BY revision, offset LIMIT ?
"""
# A block that began before the position may reach beyond it, but is never longer than BLOCK.
_BLOCKS = """
SELECT revision, offset, size, instant, segment_key, from_version, to_version, entered, effective_time, cause,
       user_keys
FROM switches JOIN revisions USING (revision)
WHERE (revision, offset) > (?1, ?2 - ?3) AND NOT (revision = ?1 AND offset + size - 1 <= ?2)
ORDER BY revision, offset LIMIT ?4
"""
_START = (-1, -1)


class LogReads(Part):
    """Reads of `transitions` and `switches`."""

    def transitions(self, after: tuple[int, int] | None, limit: int) -> list[LoggedTransition]:
        """Up to `limit` transitions strictly after a position (revision, offset), in order; None is the beginning."""
        position = after or _START
        singles = (_single(row) for row in self._session.rows(_SINGLES, (*position, limit)))
        both = merge(singles, self._switched_users(position, limit), key=lambda t: (t.revision, t.offset))
        return list(islice(both, limit))

    def _switched_users(self, after: tuple[int, int], limit: int) -> Iterator[LoggedTransition]:
        """The users of the blocks after a position; blocks are read a few at a time, as far as they are needed."""
        while True:
            rows = self._session.rows(_BLOCKS, (*after, BLOCK, min(limit, _blocks_for(limit))))
            for row in rows:
                yield from _users_of(row, after, limit)
            if not rows:
                return
            after = (rows[-1][0], rows[-1][1] + rows[-1][2] - 1)


def _blocks_for(limit: int) -> int:
    return 2 + limit // BLOCK


def _single(row: Row) -> LoggedTransition:
    revision, offset, instant, segment, version, user, entered, effective, cause, message_id = row
    transition = TransitionRecord(segment, version, user, bool(entered), Micros(effective), cause, message_id)
    return LoggedTransition(revision, offset, Micros(instant), transition)


def _users_of(row: Row, after: tuple[int, int], limit: int) -> Iterator[LoggedTransition]:
    revision, offset, _, instant, segment, old, new, entered, effective, cause, packed = row
    start = max(0, after[1] + 1 - offset) if after[0] == revision else 0
    for place, user in enumerate(unpack(packed)[start : start + limit].tolist(), start):
        # Who leaves because a segment ends (to version 0) leaves the version that was served.
        transition = TransitionRecord(segment, new or old, user, bool(entered), Micros(effective), cause)
        yield LoggedTransition(revision, offset + place, Micros(instant), transition)
