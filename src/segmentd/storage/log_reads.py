"""Reading the log in order: single moves and the users of packed blocks as one stream."""

from __future__ import annotations

from collections.abc import Collection
from heapq import merge
from itertools import islice
from typing import Final

from segmentd.errors import OutOfRange, Reason
from segmentd.records import START, LoggedTransition, LogStart, Position
from segmentd.storage.backwards import Backwards
from segmentd.storage.block_streams import BlockStreams
from segmentd.storage.history import History
from segmentd.storage.log_names import LogNames
from segmentd.storage.past_reads import PastReads
from segmentd.storage.single_streams import SingleStreams
from segmentd.storage.wanted import LAST_REVISION, Wanted, led_by_index
from segmentd.times import Micros

LOOK: Final = 200_000
"""About so many moves are gone through by one question, so that others have their turn."""


class LogReads(SingleStreams, BlockStreams, History, Backwards, PastReads, LogNames):
    """Questions to the log. Where others write meanwhile, all must be asked within one read transaction."""

    def transitions(
        self,
        after: Position | tuple[int, int] | None,
        limit: int,
        *,
        segments: Collection[int] | None = None,
        users: Collection[int] | None = None,
        last_revision: int = LAST_REVISION,
    ) -> list[LoggedTransition]:
        """Up to `limit` moves strictly after a position, in order; None is the beginning.

        Of these segments and of these users only, where they are given; fewer than `limit` mean that there are no
        more up to the end of `last_revision`. Raises OutOfRange (POSITION_COMPACTED) where moves after the position may
        be gone.
        """
        place = Position(*(after or START))
        found = self._merged(place, limit, Wanted(segments, users, last_revision=last_revision))
        # Looked at last: the start is moved before anything goes, so nothing went missing under this reader.
        refuse_compacted(place, self.log_start())
        return found

    def last_to_look_at(
        self, after: Position, *, segments: Collection[int] | None = None, users: Collection[int] | None = None
    ) -> int:
        """The revision up to which one question should look: filters by which no index leads go through the log."""
        if led_by_index(segments) or led_by_index(users) or (segments is None and users is None):
            return LAST_REVISION
        return self.revision_beyond(after.revision, LOOK)

    def history(
        self,
        after: Position | tuple[int, int] | None,
        limit: int,
        *,
        users: Collection[int] | None = None,
        segments: Collection[int] | None = None,
        start: Micros,
        end: Micros,
    ) -> list[LoggedTransition]:
        """Up to `limit` moves after a position that became true in [start, end), in order, filtered alike.

        Raises OutOfRange (HISTORY_COMPACTED) where some of them may be gone; its `oldest_time` is a start that will do.
        """
        if start >= end:
            return []
        first, last = self.revisions_of(start, end)
        place = max(Position(*(after or START)), Position(first, -1))
        found = self._merged(place, limit, Wanted(segments, users, start, end, last))
        self.refuse_unknown_since(start)
        return found

    def _merged(self, after: Position, limit: int, wanted: Wanted) -> list[LoggedTransition]:
        if wanted.nothing or limit <= 0:
            return []
        streams = (*self._single_streams(after, limit, wanted), *self._block_streams(after, limit, wanted))
        return list(islice(merge(*streams, key=_place), limit))


def _place(logged: LoggedTransition) -> tuple[int, int]:
    return logged.revision, logged.offset


def refuse_compacted(after: Position, start: LogStart) -> None:
    """Raises OutOfRange (POSITION_COMPACTED) where the log no longer tells what came after the position."""
    if after < start.position:
        raise OutOfRange(
            Reason.POSITION_COMPACTED,
            f"the log was compacted up to revision {start.revision}; what came after revision {after.revision} "
            "can no longer be told: take a new snapshot and go on from its position",
            {"revision": str(after.revision), "oldest_revision": str(start.revision)},
        )
