"""Shortening the log: what lies before its new start is folded into baselines, in steps that may end anywhere."""

from __future__ import annotations

from collections.abc import Generator
from typing import ClassVar

from segmentd.records import END_OFFSET, START, LogStart, Position
from segmentd.storage.history import History
from segmentd.storage.keypacking import ranks_of
from segmentd.storage.log_places import start_value
from segmentd.storage.replay import Columns, block_columns, single_columns, united
from segmentd.times import Micros

_LAST_BEFORE = "SELECT revision, instant FROM revisions WHERE revision <= ? ORDER BY revision DESC LIMIT 1"
_LAST_SINGLE = """
SELECT revision, offset FROM transitions WHERE revision <= ? ORDER BY revision DESC, offset DESC LIMIT 1
"""
_LAST_BLOCK = """
SELECT revision, offset, size, gaps FROM switches WHERE revision <= ? ORDER BY revision DESC, offset DESC LIMIT 1
"""
_NOTE = "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
_NEXT_SEGMENT = """
SELECT min(segment_key) FROM (
  SELECT min(segment_key) AS segment_key FROM transitions INDEXED BY transitions_by_segment WHERE segment_key > ?1
  UNION ALL
  SELECT min(segment_key) FROM switches INDEXED BY switches_by_segment WHERE segment_key > ?1)
"""
_SINGLES = """
SELECT revision, offset, user_key, entered FROM transitions INDEXED BY transitions_by_segment
WHERE segment_key = ? AND revision <= ? ORDER BY revision, offset LIMIT ?
"""
_BLOCKS = """
SELECT revision, offset, user_keys, entered FROM switches INDEXED BY switches_by_segment
WHERE segment_key = ? AND revision <= ? ORDER BY revision, offset LIMIT ?
"""
_DELETE_SINGLES = """
DELETE FROM transitions INDEXED BY transitions_by_segment WHERE segment_key = ? AND (revision, offset) <= (?, ?)
"""
_DELETE_BLOCKS = """
DELETE FROM switches INDEXED BY switches_by_segment WHERE segment_key = ? AND (revision, offset) <= (?, ?)
"""
# A deleted segment of which the log tells nothing more needs no members.
_DELETE_BASELINE = """
DELETE FROM baselines WHERE segment_key = ?1 AND EXISTS (SELECT 1 FROM segments WHERE segment_key = ?1 AND deleted = 1)
AND NOT EXISTS (SELECT 1 FROM transitions INDEXED BY transitions_by_segment WHERE segment_key = ?1)
AND NOT EXISTS (SELECT 1 FROM switches INDEXED BY switches_by_segment WHERE segment_key = ?1)
"""
_DELETE_REVISIONS = """
DELETE FROM revisions WHERE revision IN (
  SELECT revision FROM revisions WHERE revision <= ? AND revision < (SELECT max(revision) FROM revisions)
  ORDER BY revision LIMIT ?)
RETURNING revision
"""
_DELETE_SIZES = """
DELETE FROM log_sizes WHERE revision IN (
  SELECT revision FROM log_sizes WHERE revision < (SELECT max(revision) FROM log_sizes WHERE revision <= ?)
  ORDER BY revision LIMIT ?)
RETURNING revision
"""


class Compaction(History):
    """Baseline and log together always give the members, whichever step was the last."""

    fold_size: ClassVar[int] = 20_000
    """Rows of one step."""
    fold_blocks: ClassVar[int] = 16
    """Packed blocks of one step."""

    def compact(self, revision: int | None = None) -> Generator[None, None, None]:
        """Shorten the log to what came after a revision; None goes on with what a stop has interrupted.

        Each step is a transaction of its own: first the new start of the log is noted, so that readers know; then
        segment by segment moves go into the baseline; then revisions that nothing refers to go. The last one stays.
        """
        if revision is not None:
            with self._session.transaction():
                self._move_start(revision)
            yield
        until = self.log_start().revision
        segment_key = self._segment_after(-1)
        while segment_key is not None:
            while self._fold(segment_key, until):
                yield
            segment_key = self._segment_after(segment_key)
        for sql in (_DELETE_REVISIONS, _DELETE_SIZES):
            while self._delete(sql, until):
                yield

    def _move_start(self, revision: int) -> None:
        """Note the last commit up to this revision as the start; a start is never moved back."""
        before = self.log_start()
        found = self._session.row(_LAST_BEFORE, (revision,))
        if found is None or found[0] <= before.revision:
            return
        position = max(before.position, self._last_move(revision))
        self._session.write(_NOTE, start_value(LogStart(int(found[0]), Micros(found[1]), position)))

    def _last_move(self, revision: int) -> Position:
        """Where the last move up to a revision stands that was not erased."""
        single, block = (self._session.row(sql, (revision,)) for sql in (_LAST_SINGLE, _LAST_BLOCK))
        last = START if single is None else Position(*single)
        return last if block is None else max(last, Position(block[0], block[1] + int(ranks_of(*block[2:])[-1])))

    def _segment_after(self, segment_key: int) -> int | None:
        found = self._session.row(_NEXT_SEGMENT, (segment_key,))
        return None if found is None or found[0] is None else int(found[0])

    def _fold(self, segment_key: int, until: int) -> bool:
        """Take the first moves of a segment out of the log and into its baseline; False where there are none left."""
        singles = self._session.rows(_SINGLES, (segment_key, until, self.fold_size))
        blocks = self._session.rows(_BLOCKS, (segment_key, until, self.fold_blocks))
        ends = [
            rows[-1][:2] for rows, size in ((singles, self.fold_size), (blocks, self.fold_blocks)) if len(rows) == size
        ]
        end = min(ends, default=(until, END_OFFSET))
        parts = [block_columns(row) for row in blocks if row[:2] <= end]
        if singles := [row for row in singles if row[:2] <= end]:
            parts.append(single_columns(singles))
        if not parts:
            return False
        self._replace(segment_key, end, united(parts))
        return True

    def _replace(self, segment_key: int, end: tuple[int, int], moves: Columns) -> None:
        with self._session.transaction():
            self._change_baseline(segment_key, *moves.last_words())
            for sql in (_DELETE_SINGLES, _DELETE_BLOCKS):
                self._session.write(sql, (segment_key, *end))
            self._session.write(_DELETE_BASELINE, (segment_key,))

    def _delete(self, sql: str, until: int) -> bool:
        with self._session.transaction():
            return len(self._session.write(sql, (until, self.fold_size))) == self.fold_size
