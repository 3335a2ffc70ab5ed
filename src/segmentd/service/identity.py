"""Who is who: merging users, and erasing them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from segmentd.errors import NotFound, Reason
from segmentd.service.engine import Engine
from segmentd.service.erasing import Erasure
from segmentd.service.items import check_id, forget_contexts
from segmentd.service.merging import Merge, MergeResult, UserMerge
from segmentd.times import Micros

_TOGETHER: Final = 1_000
"""The most erasures that wait which one commit makes."""


@dataclass(frozen=True, slots=True)
class Merged:
    """What became of each merge, in order, and the revision that has them."""

    results: list[MergeResult]
    revision: int


@dataclass(slots=True)
class Erased:
    """A user to be erased; then the revision, and whether the file has forgotten everything by then."""

    user_id: str
    known: bool = False
    revision: int = 0
    purged: bool = False
    error: BaseException | None = None


class Identity:
    """The use cases of ProfileService that are about who users are."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._live = engine.live
        self._asked: deque[Erased] = deque()

    async def merge(self, merges: Sequence[UserMerge]) -> Merged:
        """Let users be absorbed by others, one after the other, in one revision."""
        return await asyncio.wrap_future(self._engine.thread.change(lambda: self._merge(merges)))

    async def erase(self, user_id: str) -> Erased:
        """Forget a user. Those who wait at one time are one revision. Raises NotFound where nothing is held."""
        check_id("user_id", user_id)
        asked = Erased(user_id)
        self._asked.append(asked)
        try:
            await asyncio.wrap_future(self._engine.thread.change(self._erase_asked))
        except BaseException:
            with suppress(ValueError):  # its turn had come
                self._asked.remove(asked)
            raise
        if asked.error is not None:
            raise asked.error
        if not asked.known:
            raise NotFound(Reason.USER_NOT_FOUND, f"there is no user {user_id!r}", {"user_id": user_id})
        return asked

    def _merge(self, merges: Sequence[UserMerge]) -> Merged:
        engine = self._engine
        instant = engine.committer.next_instant()
        merge = Merge(self._live, engine.plugins.derivations, merges, instant)
        if not merge.empty:
            engine.committer.commit(merge, instant)
            engine.revisions.publish(self._live.revision)
        return Merged(merge.results, self._live.revision)

    def _erase_asked(self) -> None:
        asked = [self._asked.popleft() for _ in range(min(len(self._asked), _TOGETHER))]
        try:
            self._erase(asked)
        except BaseException as error:
            for each in asked:
                each.error = error
            raise

    def _erase(self, asked: Sequence[Erased]) -> None:
        engine, live = self._engine, self._live
        instant = engine.committer.next_instant()
        # Moves that are due before would be logged with the commit itself, behind what it forgets.
        engine.committer.catch_up(Micros(instant - 1))
        erasure = Erasure.of(live, engine.store, engine.plugins.segment_types, [each.user_id for each in asked])
        purged = False
        if not erasure.empty:
            engine.tail.clear()  # before readers are woken: what it holds of the users is not to be told any more
            engine.committer.commit(erasure, instant)
            engine.revisions.publish(live.revision)
            forget_contexts()
            purged = engine.purging.run()
        for each, known in zip(asked, erasure.known, strict=True):
            each.known, each.revision, each.purged = known, live.revision, purged
