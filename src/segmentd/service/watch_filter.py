"""Which moves a watcher wants, as keys of the log; what it named may get more keys as time goes on."""

from __future__ import annotations

from collections.abc import Mapping

from segmentd.service.live import Live


class WatchFilter:
    """Segments and users by id, and the keys that these have or had so far; None stands for all of them.

    Keys are only ever added: an id that is used again gets another, one that is merged into another gets the
    survivor's, and one that was erased keeps those it had. A move has one key, so a wider filter brings nothing twice.
    """

    def __init__(
        self, live: Live, segments: Mapping[str, frozenset[int]] | None, users: Mapping[str, frozenset[int]] | None
    ) -> None:
        """Ids with the keys that the database knows for them."""
        self._live = live
        self._segment_ids = None if segments is None else frozenset(segments)
        self._user_ids = None if users is None else frozenset(users)
        self.segments = None if segments is None else frozenset[int]().union(*segments.values())
        self.users = None if users is None else frozenset[int]().union(*users.values())
        self._catalogue: object = None
        self._identities: object = None
        self._unsettled: int | None = None

    def widen(self) -> bool:
        """Take what became known of the ids since the last look; whether that brought any key."""
        before = (self.segments, self.users)
        self._widen_segments()
        self._widen_users()
        return before != (self.segments, self.users)

    def _widen_segments(self) -> None:
        catalogue = self._live.catalogue
        if self._segment_ids is None or catalogue is self._catalogue:
            return
        self._catalogue = catalogue
        found: set[int] = set()
        for name in self._segment_ids:
            entry = catalogue.entries.get(name)
            # One that came and went since the last look has moves too.
            found |= self._live.deleted_segments.get(name, frozenset())
            found |= {entry.definition.segment_key} if entry is not None else frozenset()
        if self.segments is not None and not found <= self.segments:
            self.segments |= found

    def _widen_users(self) -> None:
        live = self._live
        if self._user_ids is None:
            return
        with live.lock:
            users, rows = live.users, live.published_rows
            keys = live.user_keys(slice(0, rows))
            identities = (users, rows, users.removed)
            same = identities == self._identities
            if same and self._unsettled in (None, live.revision):
                return
            # A row is removed before its commit is published, and only then its id leads elsewhere: look once more.
            self._identities, self._unsettled = identities, None if same else live.revision
            # The row that an id leads to, and its own, which may have come and been merged since the last look.
            places = [
                place
                for name in self._user_ids
                if 0 <= (row := users.index.get(name, -1)) < rows
                for place in users.rows_of_user(row)
                if place == row or (place < rows and users.user_ids[place] == name)
            ]
        found = frozenset(keys[places].tolist()) if places else frozenset[int]()
        found = found.union(*(live.tombstones.keys_of(name) for name in self._user_ids))
        if self.users is not None and not found <= self.users:
            self.users |= found
