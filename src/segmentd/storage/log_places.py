"""Where the log begins, and at which revision an instant or a number of moves lies."""

from __future__ import annotations

from typing import Final

import orjson

from segmentd.records import BEGINNING, LogStart, Position
from segmentd.storage.part import Part
from segmentd.storage.wanted import LAST_REVISION
from segmentd.times import Micros

_START_KEY: Final = "log_start"
# Both columns grow with the revision, so the revision is found by halving: each look is one seek.
_AT_INSTANT: Final = "SELECT revision, instant FROM revisions WHERE revision >= ? ORDER BY revision LIMIT 1"
_TOTAL: Final = "SELECT total FROM log_sizes WHERE revision <= ? ORDER BY revision DESC LIMIT 1"
_LAST_BEFORE: Final = "SELECT revision FROM revisions WHERE revision < ? ORDER BY revision DESC LIMIT 1"
_AT_SIZE: Final = "SELECT revision, total FROM log_sizes WHERE revision >= ? ORDER BY revision LIMIT 1"


class LogPlaces(Part):
    """Reads of `revisions`, `log_sizes` and the noted start of the log."""

    def log_start(self) -> LogStart:
        """Up to which commit the log was compacted; BEGINNING where it never was."""
        found = self._session.row("SELECT value FROM meta WHERE key = ?", (_START_KEY,))
        if found is None:
            return BEGINNING
        revision, instant, *last = orjson.loads(found[0])
        return LogStart(revision, Micros(instant), Position(*last))

    def log_size(self) -> int:
        """How many moves were logged after the start of the log; erased ones count."""
        return self._total(LAST_REVISION) - self._total(self.log_start().revision)

    def moves_after(self, position: Position) -> int:
        """How many moves the log has after a position; erased ones count."""
        seen = self._total(position.revision - 1) + position.offset + 1
        gone = self._total(self.log_start().revision)
        return self._total(LAST_REVISION) - max(min(self._total(position.revision), seen), gone)

    def revision_before(self, instant: Micros) -> int:
        """The last revision whose instant lies before this one; 0 for none."""
        first = self._first(_AT_INSTANT, instant)
        found = self._session.row(_LAST_BEFORE, (self._beyond() if first is None else first,))
        return int(found[0]) if found else 0

    def revision_keeping(self, moves: int) -> int:
        """The least revision after which at most so many moves were logged; 0 where there are no more in all."""
        if self.log_size() <= moves:
            return 0
        return self._first(_AT_SIZE, self._total(LAST_REVISION) - moves) or 0

    def revision_beyond(self, revision: int, moves: int) -> int:
        """The first revision by whose end so many moves were logged after another; LAST_REVISION where none is."""
        found = self._first(_AT_SIZE, self._total(revision) + moves)
        return LAST_REVISION if found is None else found

    def revisions_of(self, start: Micros, end: Micros) -> tuple[int, int]:
        """The first and the last revision that can have a move effective in [start, end).

        Effective times never fall along the log and never lie after the instant of their commit.
        """
        first = self._first(_AT_INSTANT, start)
        last = self._first(_AT_INSTANT, end)
        return self._beyond() if first is None else first, self._beyond() if last is None else last

    def _total(self, revision: int) -> int:
        """How many moves were logged up to the end of a revision, since the log was first written."""
        found = self._session.row(_TOTAL, (revision,))
        return int(found[0]) if found else 0

    def _beyond(self) -> int:
        found = self._session.row("SELECT max(revision) + 1 FROM revisions")
        return int(found[0] or 0) if found else 0

    def _first(self, look: str, least: int) -> int | None:
        """The first revision of a growing column whose value is at least this; None where all are less."""
        low, high = 0, self._beyond()
        while low < high:
            middle = (low + high) // 2
            found = self._session.row(look, (middle,))
            if found is None or int(found[1]) >= least:
                high = middle
            else:
                low = int(found[0]) + 1
        found = self._session.row(look, (low,))
        return int(found[0]) if found else None


def start_value(start: LogStart) -> tuple[str, bytes]:
    """The key and the value under which the start of the log is noted."""
    return _START_KEY, orjson.dumps([start.revision, start.instant, *start.position])
