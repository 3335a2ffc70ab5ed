"""Everything in memory as of one revision, and the lock under which it is published."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from segmentd.engine.catalogue import Catalogue
from segmentd.engine.judging import EvaluationFailed
from segmentd.engine.memberships import Memberships
from segmentd.engine.models import Models
from segmentd.engine.plan import Plan
from segmentd.population.dataset import Dataset
from segmentd.population.schema import Schema
from segmentd.records import UserListRecord
from segmentd.service.group_info import GroupInfo
from segmentd.service.led_ids import LedIds
from segmentd.service.publication import Publication
from segmentd.service.segment_info import SegmentInfo
from segmentd.service.tombstones import Tombstones
from segmentd.times import MIN_INSTANT, Micros


class Live:
    """One thread, the engine's, writes all of it and judges with it.

    Other threads may judge users while they hold `writing`, which the engine's thread holds from the first change of a
    column to the publication of what follows from it, and unless `ahead` is set: then a commit failed in between, and
    only starting again from disk makes the columns agree with the published answers.

    Other threads may read, under `lock`, what is published there together: `catalogue`, `segments`,
    `groups`, `memberships`, `published_rows`, `revision` and `instant`;
    and look up ids in `users.index`, where a row at or beyond
    `published_rows` belongs to a user who does not exist yet.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.writing = threading.Lock()
        self.ahead = False
        self.publication = Publication()
        """Entered with `lock` wherever something is published; workers read along by it."""
        self.users = Dataset()
        self.schema = Schema()
        self.declared: set[tuple[str, str]] = set()
        self.catalogue = Catalogue({})
        self.segments: dict[str, SegmentInfo] = {}
        self.deleted_segments: dict[str, frozenset[int]] = {}
        """The keys of segments that were deleted since the start, by id: watchers may not have heard of them yet."""
        self.groups: dict[str, GroupInfo] = {}
        self.led_ids = LedIds()
        self.lists: dict[str, UserListRecord] = {}
        self.shadows: list[Plan] = []
        self.shadow_failures: dict[int, EvaluationFailed] = {}
        self.memberships = Memberships()
        self.models = Models()
        self.published_rows = 0
        self.tombstones = Tombstones(b"", Micros(0), {})
        self.keeps: dict[str, Micros] = {}
        """For how long the events of a name are kept, in microseconds; absent: for ever."""
        self.rewrites = 0
        """Counts the erasures that changed definitions in force."""
        self.surroundings = ""
        """The versions of what all answers depend on besides the segment types: time zones, derivations."""
        self.restored_revision = -1
        """The revision of the snapshot that was loaded; -1 where everything was read from the database."""
        self.revision = 0
        self.instant = MIN_INSTANT
        self._user_keys = np.zeros(1024, dtype=np.int64)
        self.next_user_key = 1

    def add_user(self, user_id: str, user_key: int) -> int:
        """The row of a new user."""
        row = self.users.add_user(user_id)
        if row == len(self._user_keys):
            self._user_keys = np.concatenate([self._user_keys, np.zeros(max(1024, row // 4), dtype=np.int64)])
        self._user_keys[row] = user_key
        self.next_user_key = max(self.next_user_key, user_key + 1)
        return row

    def add_users(self, user_ids: list[str], user_keys: NDArray[np.int64]) -> None:
        """Rows for new users, by ascending key."""
        if not len(user_keys):
            return
        first = len(self.users)
        self.users.add_users(user_ids)
        if len(self.users) > len(self._user_keys):
            more = max(len(self.users) - len(self._user_keys), len(self._user_keys) // 4)
            self._user_keys = np.concatenate([self._user_keys, np.zeros(more, dtype=np.int64)])
        self._user_keys[first : len(self.users)] = user_keys
        self.next_user_key = max(self.next_user_key, int(user_keys[-1]) + 1)

    def user_key(self, row: int) -> int:
        """The surrogate key of one row."""
        return int(self._user_keys[row])

    def user_keys(self, rows: NDArray[np.int64] | slice) -> NDArray[np.int64]:
        """The surrogate keys of rows; they ascend with the rows."""
        return self._user_keys[: len(self.users)][rows]

    def row_after(self, user_key: int) -> int:
        """The first row whose surrogate key is greater."""
        return int(np.searchsorted(self.user_keys(slice(None)), user_key, side="right"))

    def rows_of(self, user_keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """The rows of those surrogate keys that exist, in order."""
        keys = self.user_keys(slice(None))
        places = np.searchsorted(keys, user_keys)
        inside = places < len(keys)
        places, user_keys = places[inside], user_keys[inside]
        return np.asarray(places[keys[places] == user_keys], dtype=np.int64)

    def present(self, now: Micros) -> Micros:
        """The clock's instant, never earlier than the last recorded one."""
        return max(now, self.instant)

    def forget_foreseen(self) -> None:
        """Nothing is foreseen of anybody any more."""
        if self.memberships.foreseen is not None:
            with self.lock, self.publication:
                self.memberships.foreseen = None

    def adopt(self, other: Live) -> None:
        """Take over everything from a copy that was loaded from disk."""
        with self.writing:
            self.publication.start_over(other)
            with self.lock, self.publication:
                kept = {name: self.__dict__[name] for name in ("lock", "writing", "publication", "deleted_segments")}
                self.__dict__.update({**other.__dict__, **kept})
