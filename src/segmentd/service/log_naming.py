"""Ids for the keys of the log: from memory where they are there, from the database for what is gone from it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from segmentd.engine.catalogue import Catalogue
from segmentd.records import LoggedTransition
from segmentd.service.live import Live
from segmentd.service.log_reader import LogReader


class NamedMove(NamedTuple):
    """A move with the ids of its segment and its user, which is empty where the user was erased."""

    logged: LoggedTransition
    segment_id: str
    user_id: str


class LogNaming:
    """Names the moves of the log; used on one event loop."""

    def __init__(self, live: Live, reader: LogReader) -> None:
        self._live = live
        self._reader = reader
        self._catalogue: Catalogue | None = None
        self._segments: dict[int, str] = {}

    def at_once(self, moves: Sequence[LoggedTransition]) -> list[NamedMove] | None:
        """The moves named from memory; None where that does not suffice."""
        if not moves:
            return []
        segments = self._segments_of(moves)
        users = self._users_of([move.transition.user_key for move in moves])
        if segments is None or None in users:
            return None
        return _named(moves, segments, users)

    async def thoroughly(self, moves: Sequence[LoggedTransition]) -> list[NamedMove]:
        """The moves named, with a look into the database for what memory does not have."""
        segments = self._segments_of(moves)
        if segments is None:
            await self.learn_segments()
            segments = self._segments_of(moves) or []
        keys = [move.transition.user_key for move in moves]
        users = self._users_of(keys)
        missing = {key for key, name in zip(keys, users, strict=True) if name is None}
        if missing:
            found = await asyncio.wrap_future(self._reader.run(lambda reads: reads.user_ids(missing)))
            users = [found.get(key, "") if name is None else name for key, name in zip(keys, users, strict=True)]
        return _named(moves, segments, users)

    async def learn_segments(self) -> dict[int, str]:
        """Key → id of all segments that ever were, as far as they are known now."""
        self._segments |= dict(await asyncio.wrap_future(self._reader.run(lambda reads: reads.segment_ids())))
        return self._segments

    def _segments_of(self, moves: Sequence[LoggedTransition]) -> list[str] | None:
        self._look_at_catalogue()
        known = self._segments
        names = [known.get(move.transition.segment_key) for move in moves]
        return None if None in names else [name or "" for name in names]

    def _look_at_catalogue(self) -> None:
        """A key stands for one id for ever, so what was learnt stays right."""
        catalogue = self._live.catalogue
        if catalogue is not self._catalogue:
            self._catalogue = catalogue
            self._segments |= {entry.definition.segment_key: name for name, entry in catalogue.entries.items()}

    def _users_of(self, keys: Sequence[int]) -> list[str | None]:
        """The id of each key, empty where the user was erased; None where memory does not know."""
        live = self._live
        wanted = np.array(keys, dtype=np.int64)
        with live.lock:
            users, known = live.users, live.user_keys(slice(0, live.published_rows))
        if not len(known):
            return [None] * len(keys)
        rows = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
        rows[known[rows] != wanted] = -1
        return [users.user_ids[row] if row >= 0 else None for row in rows.tolist()]


def _named(moves: Sequence[LoggedTransition], segments: Sequence[str], users: Sequence[str | None]) -> list[NamedMove]:
    named = zip(moves, segments, users, strict=True)
    return [NamedMove(move, segment, user or "") for move, segment, user in named]
