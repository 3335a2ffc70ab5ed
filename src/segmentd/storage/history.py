"""What the log says about the past: who was a member at an instant, from the baseline and the moves up to it."""

from __future__ import annotations

import numpy as np

from segmentd.errors import OutOfRange, Reason
from segmentd.records import Position, UserKeys
from segmentd.storage.baselines import Baselines
from segmentd.storage.keypacking import unpack
from segmentd.storage.log_places import LogPlaces
from segmentd.storage.replay import Columns, Replay
from segmentd.times import Micros, format_instant

_LAST_SINGLE = """
SELECT revision, offset, entered FROM transitions INDEXED BY transitions_by_user
WHERE user_key = ?1 AND segment_key = ?2 AND revision <= ?3 AND (revision < ?3 OR effective_time < ?4)
ORDER BY revision DESC, offset DESC LIMIT 1
"""
_BLOCKS_AROUND = """
SELECT revision, offset, entered, user_keys FROM switches INDEXED BY switches_by_segment
WHERE segment_key = ?1 AND (revision, offset) < (?2, ?3) AND revision <= ?4 AND (revision < ?4 OR effective_time < ?5)
  AND first_key <= ?6 AND last_key >= ?6
ORDER BY revision DESC, offset DESC LIMIT ?7
"""
_BLOCKS_AT_ONCE = 8
_END = (2**62, 2**62)


class History(LogPlaces, Replay, Baselines):
    """Memberships of the past; "at" an instant means after every move that became true at it or before."""

    def members(self, segment_key: int) -> UserKeys:
        """The members that the whole log leaves in a segment: ascending int64[n]."""
        return self._after(segment_key, self._columns(segment_key))

    def members_at(self, segment_key: int, instant: Micros) -> UserKeys:
        """The members of a segment at an instant: ascending int64[n].

        Raises OutOfRange (HISTORY_COMPACTED) where the log no longer tells.
        """
        found = self._after(segment_key, self._columns(segment_key, self._last_at(instant), Micros(instant + 1)))
        self.refuse_unknown_at(instant)
        return found

    def member_at(self, segment_key: int, user_key: int, instant: Micros) -> bool:
        """Whether a user was a member at an instant. Raises OutOfRange (HISTORY_COMPACTED)."""
        until = (self._last_at(instant), instant + 1)
        single = self._session.row(_LAST_SINGLE, (user_key, segment_key, *until))
        packed = self._last_packed(segment_key, user_key, until)
        words = [(row[0], row[1], bool(row[2])) for row in (single, packed) if row is not None]
        found = max(words)[2] if words else self._in_baseline(segment_key, user_key)
        self.refuse_unknown_at(instant)
        return found

    def refuse_unknown_at(self, instant: Micros) -> None:
        """Raises OutOfRange (HISTORY_COMPACTED) where who was a member at this instant can no longer be told."""
        start = self.log_start()
        if start.revision and instant < start.instant:
            raise _compacted(instant, start.instant)

    def refuse_unknown_since(self, instant: Micros) -> None:
        """Raises OutOfRange (HISTORY_COMPACTED) where moves at or after this instant may be gone."""
        start = self.log_start()
        if start.revision and instant <= start.instant:
            raise _compacted(instant, Micros(start.instant + 1))

    def refuse_unknown_after(self, place: Position) -> None:
        """Raises OutOfRange (HISTORY_COMPACTED) where moves after this place of the log may be gone."""
        start = self.log_start()
        if place < start.position:
            oldest = format_instant(Micros(start.instant + 1))
            raise OutOfRange(
                Reason.HISTORY_COMPACTED,
                f"the log was compacted since the page before: begin anew; it tells of {oldest} and later",
                {"oldest_time": oldest},
            )

    def _last_at(self, instant: Micros) -> int:
        return self.revisions_of(instant, Micros(instant + 1))[1]

    def _after(self, segment_key: int, moves: Columns) -> UserKeys:
        entered, left = moves.last_words()
        before = self._baseline(segment_key)
        return np.union1d(np.setdiff1d(before, left, assume_unique=True), entered)

    def _last_packed(self, segment_key: int, user_key: int, until: tuple[int, int]) -> tuple[int, int, int] | None:
        """The last packed move of a user as (revision, offset of its block, entered)."""
        place = _END
        while rows := self._session.rows(_BLOCKS_AROUND, (segment_key, *place, *until, user_key, _BLOCKS_AT_ONCE)):
            for revision, offset, entered, packed in rows:
                if np.any(unpack(packed) == user_key):
                    return revision, offset, entered
            place = rows[-1][0], rows[-1][1]
        return None


def _compacted(instant: Micros, oldest: Micros) -> OutOfRange:
    return OutOfRange(
        Reason.HISTORY_COMPACTED,
        f"the log was compacted: it tells nothing of {format_instant(instant)}, only of {format_instant(oldest)} and "
        "later",
        {"oldest_time": format_instant(oldest)},
    )
