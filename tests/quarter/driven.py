"""The service on a real file at a frozen clock, as the quarter drives it and looks at it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import orjson
from numpy.typing import NDArray
from tests.quarter.ledger import CAUSES, Ledger

from segmentd.engine.plan import Fitted
from segmentd.errors import Reason
from segmentd.plugins.host import Plugins
from segmentd.plugins.segment_type import Model
from segmentd.records import START, LoggedTransition, Position
from segmentd.service.items import EventWrite, ProfileWrite
from segmentd.service.segment_info import SegmentSpec
from segmentd.service.service import Service
from segmentd.service.upload import Mode, UploadSpec
from segmentd.service.value_types import Currencies
from segmentd.times import FrozenClock, Micros

_PAGE: Final = 100_000


class Driven:
    """Users and segments are numbers here: places in `user_ids` and `names`."""

    def __init__(self, path: Path, plugins: Plugins, at: Micros, user_ids: Sequence[str], names: Sequence[str]) -> None:
        self._path = path
        self._plugins = plugins
        self._users = {user: number for number, user in enumerate(user_ids)}
        self._names = list(names)
        self._segments: dict[int, int] = {}
        self._read = START
        self._fits: dict[str, int] = {}
        self.service = self._open(at)

    @property
    def instant(self) -> int:
        """The instant of the last revision."""
        return int(self.service._engine.live.instant)

    @property
    def present(self) -> int:
        """The instant as of which questions are answered."""
        engine = self.service._engine
        return int(engine.live.present(engine.clock.now()))

    def restart(self, at: Micros) -> None:
        """Close the database, and open it when the clock has gone on."""
        self.service.close()
        self.service = self._open(at)

    async def advance(self, to: Micros) -> None:
        """Move the clock."""
        await self.service.advance_clock(to=to)

    async def upsert(self, writes: Sequence[ProfileWrite]) -> None:
        """Write profiles in one commit."""
        outcome = await self.service.profiles.upsert(writes)
        assert all(each.error is None for each in outcome.results)

    async def ingest(self, writes: Sequence[EventWrite]) -> tuple[int, int]:
        """Write events in one commit; how many were duplicates, and how many used a message id again."""
        results = (await self.service.profiles.ingest(writes)).results
        reused = [each.error for each in results if each.error is not None]
        assert all(each.reason is Reason.MESSAGE_ID_REUSED for each in reused), reused[0]
        return sum(each.duplicate for each in results), len(reused)

    async def update_list(self, list_id: str, add: Sequence[str], remove: Sequence[str]) -> None:
        """Change a user list in one commit."""
        await self.service.user_lists.update(UploadSpec(list_id, Mode.ADD, create=True), add, remove)

    async def define(self, spec: SegmentSpec) -> int:
        """Create a segment; the instant from which it answers."""
        view = await self.service.segments.create(spec, "", "")
        assert view.state == "active", view.reason
        self._segments[view.info.segment_key] = self._names.index(spec.segment_id)
        return self.instant

    async def refit(self, segment_id: str) -> int:
        """Learn a segment's models anew; the instant of the switch."""
        await self.service.segments.refit(segment_id)
        return self.instant

    async def new_models(self) -> list[Fitted]:
        """The models fitted since the last time, as they are stored, in the order of their fits."""
        found = {}
        for name in self._names:
            if name in self.service._engine.live.segments:
                for record in (await self.service.segments.models(name))[0]:
                    model = Model(orjson.loads(record.data), record.size, orjson.loads(record.summary))
                    key = record.model_key
                    found[key, record.version] = Fitted(key, record.version, model, record.fit_time)
        fresh = [each for each in found.values() if each.version > self._fits.get(each.key, 0)]
        for each in fresh:
            self._fits[each.key] = max(each.version, self._fits.get(each.key, 0))
        return sorted(fresh, key=lambda each: (each.fit_time, each.version))

    async def members(self, name: str) -> NDArray[np.int64]:
        """The members of a segment, in order."""
        page = await self.service.memberships.members(name, -1, len(self._users))
        assert page.after is None
        return np.sort(np.array([self._users[user] for user in page.user_ids], dtype=np.int64))

    async def moves(self, ledger: Ledger) -> None:
        """Read on in the log, and note all moves."""
        engine = self.service._engine
        while True:
            question = engine.log_reader.run(lambda reads: reads.transitions(self._read, _PAGE))
            page = await asyncio.wrap_future(question)
            if not page:
                return
            self._read = Position(page[-1].revision, page[-1].offset)
            self._note(page, ledger)

    async def settle(self) -> None:
        """Wait for the fits that a write or a start may have caused: background work is done in order."""
        await asyncio.wrap_future(self.service._engine.refit([]))

    def close(self) -> None:
        """Close the database."""
        self.service.close()

    def _note(self, page: list[LoggedTransition], ledger: Ledger) -> None:
        live = self.service._engine.live
        keys = np.array([each.transition.user_key for each in page], dtype=np.int64)
        places = np.searchsorted(live.user_keys(slice(None)), keys).tolist()
        rows = []
        for row, logged in zip(places, page, strict=True):
            move = logged.transition
            user = self._users[live.users.user_ids[row]]
            segment = self._segments[move.segment_key]
            rows.append((segment, user, move.entered, CAUSES[move.cause], move.effective_time))
        ledger.add_rows(rows)

    def _open(self, at: Micros) -> Service:
        return Service.open(self._path, self._plugins, FrozenClock(at), Currencies())
