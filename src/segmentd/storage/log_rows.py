"""Rows of the log as they are read, and the moves that they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from segmentd.records import LoggedTransition, TransitionRecord, UserKeys
from segmentd.storage.keypacking import ranks_of, unpack
from segmentd.storage.session import Row
from segmentd.times import Micros

# CROSS JOIN keeps the log outside, so that its order is the order of the result and the limit ends the search.
SELECT_SINGLES: Final = """
SELECT t.revision, t.offset, r.recorded_time, t.segment_key, t.segment_version, t.user_key, t.entered,
       t.effective_time, t.cause, t.message_id
FROM transitions t {index} CROSS JOIN revisions r ON r.revision = t.revision
WHERE {terms}
"""
SELECT_BLOCKS: Final = """
SELECT t.revision, t.offset, t.size, r.recorded_time, t.segment_key, t.from_version, t.to_version, t.entered,
       t.effective_time, t.cause, t.user_keys, t.gaps
FROM switches t INDEXED BY {index} CROSS JOIN revisions r ON r.revision = t.revision
WHERE {terms}
"""


def single_move(row: Row) -> LoggedTransition:
    """The move of a row of SELECT_SINGLES."""
    revision, offset, recorded, segment, version, user, entered, effective, cause, message_id = row
    transition = TransitionRecord(segment, version, user, bool(entered), Micros(effective), cause, message_id)
    return LoggedTransition(revision, offset, Micros(recorded), transition)


def block_moves(row: Row, keys: UserKeys, ranks: UserKeys) -> Iterator[LoggedTransition]:
    """Moves of a row of SELECT_BLOCKS: those of these of its users, whose ranks stand beside them."""
    revision, offset, _, recorded, segment, old, new, entered, effective, cause, _, _ = row
    for user, rank in zip(keys.tolist(), ranks.tolist(), strict=True):
        # Who leaves because a segment ends (to version 0) leaves the version that was served.
        transition = TransitionRecord(segment, new or old, user, bool(entered), Micros(effective), cause)
        yield LoggedTransition(revision, offset + rank, Micros(recorded), transition)


def block_users(row: Row) -> tuple[UserKeys, UserKeys]:
    """The users of a row of SELECT_BLOCKS, and their ranks: int64[n] each, ascending."""
    size, packed, gaps = row[2], row[-2], row[-1]
    return unpack(packed), ranks_of(size, gaps)
