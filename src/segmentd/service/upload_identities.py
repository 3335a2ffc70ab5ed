"""Who the users of an upload are while it is applied: between two of its revisions some are merged, others erased."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from segmentd.records import UserKeys
from segmentd.service.list_change import ListWrites, survivors
from segmentd.service.live import Live
from segmentd.service.upload import Upload
from segmentd.times import Micros


class Identities:
    """Adapts the writes of each revision, so that merges and erasures in between count as if they came before.

    Who is to be removed is followed to the survivor of a merge. Whoever is to be in the list, `kept` by ascending keys
    or by one of `kept_ids`, stays in it. On the engine's thread only.
    """

    def __init__(self, live: Live, kept: UserKeys, kept_ids: Sequence[str]) -> None:
        self._live = live
        self._kept = kept
        self._kept_ids = kept_ids
        self._first = self._last = live.users.removed

    def followed(self, writes: ListWrites, upload: Upload, now: Micros) -> ListWrites:
        """The writes as they are to be made now. No id that waits here creates an erased user again."""
        writes = replace(writes, add_ids=upload.without_erased(writes.add_ids, now))
        gone = self._live.users.removed
        if gone == self._first or not len(writes.remove):
            return writes
        if gone != self._last:
            self._last, self._kept = gone, self._kept_now()
        remove = np.setdiff1d(survivors(self._live, writes.remove), self._kept, assume_unique=True)
        return replace(writes, remove=remove)

    def _kept_now(self) -> UserKeys:
        live, index = self._live, self._live.users.index
        rows = sorted({index[each] for each in self._kept_ids if each in index})
        return np.union1d(survivors(live, self._kept), live.user_keys(np.array(rows, dtype=np.int64)))
