"""How single moves come into the log: runs that differ in user and message alone by one statement each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import orjson

from segmentd.records import MoveBatch
from segmentd.storage.runs import like_moves
from segmentd.storage.session import Row, Session

_INSERT: Final = """
INSERT INTO transitions (revision, offset, segment_key, segment_version, user_key, entered, effective_time, cause,
                         message_id)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
# As with events, other threads run while the statement does.
_INSERT_RUN: Final = """
INSERT INTO transitions (revision, offset, segment_key, segment_version, user_key, entered, effective_time, cause,
                         message_id)
SELECT ?2, ?3 + key, ?4, ?5, value ->> 0, ?6, ?7, ?8, value ->> 1 FROM json_each(?1)
"""
_SHORT: Final = 8
"""A run of fewer moves is as quick row by row."""


def insert_moves(session: Session, revision: int, offset: int, batch: MoveBatch, start: int, stop: int) -> None:
    """Add the moves of a batch from `start` to before `stop`, a row each; its first move would have this offset."""
    waiting = start
    edges = like_moves(batch, start, stop) if stop - start >= _SHORT else np.zeros(0, np.int64)
    for place in np.flatnonzero(np.diff(edges) >= _SHORT).tolist():
        first, last = int(edges[place]), int(edges[place + 1])
        if waiting < first:
            session.write_many(_INSERT, _rows(revision, offset, batch, waiting, first))
        _insert_run(session, revision, offset, batch, first, last)
        waiting = last
    if waiting < stop:
        session.write_many(_INSERT, _rows(revision, offset, batch, waiting, stop))


def _insert_run(session: Session, revision: int, offset: int, batch: MoveBatch, start: int, stop: int) -> None:
    members = list(zip(batch.user_keys[start:stop].tolist(), batch.message_ids[start:stop], strict=True))
    about = (
        int(batch.segment_keys[start]),
        int(batch.versions[start]),
        int(batch.entered[start]),
        int(batch.effective_times[start]),
        batch.causes[start],
    )
    session.write(_INSERT_RUN, (orjson.dumps(members).decode(), revision, offset + start, *about))


def _rows(revision: int, offset: int, batch: MoveBatch, start: int, stop: int) -> Iterator[Row]:
    return zip(
        [revision] * (stop - start),
        range(offset + start, offset + stop),
        batch.segment_keys[start:stop].tolist(),
        batch.versions[start:stop].tolist(),
        batch.user_keys[start:stop].tolist(),
        batch.entered[start:stop].astype(int).tolist(),
        batch.effective_times[start:stop].tolist(),
        batch.causes[start:stop],
        batch.message_ids[start:stop],
        strict=True,
    )
