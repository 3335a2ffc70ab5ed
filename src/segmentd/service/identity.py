"""Who is who: merging users, erasing them, and all that is held about one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from segmentd.service.engine import Engine
from segmentd.service.merging import Merge, MergeResult, UserMerge


@dataclass(frozen=True, slots=True)
class Merged:
    """What became of each merge, in order, and the revision that has them."""

    results: list[MergeResult]
    revision: int


class Identity:
    """The use cases of ProfileService that are about who users are."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._live = engine.live

    async def merge(self, merges: Sequence[UserMerge]) -> Merged:
        """Let users be absorbed by others, one after the other, in one revision."""
        return await asyncio.wrap_future(self._engine.thread.change(lambda: self._merge(merges)))

    def _merge(self, merges: Sequence[UserMerge]) -> Merged:
        engine = self._engine
        instant = engine.committer.next_instant()
        merge = Merge(self._live, engine.plugins.derivations, merges, instant)
        if not merge.empty:
            engine.committer.commit(merge, instant)
            engine.revisions.publish(self._live.revision)
        return Merged(merge.results, self._live.revision)
