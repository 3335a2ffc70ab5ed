"""Moves that are due: made a commit at a time, or put off until they can be recorded."""

from __future__ import annotations

import logging

from segmentd.errors import StorageFailed
from segmentd.service.commit import Committer
from segmentd.service.live import Live
from segmentd.service.pause import Pause
from segmentd.service.revisions import Revisions
from segmentd.storage import Store
from segmentd.times import MINUTE, SECOND, Clock, Micros

_log = logging.getLogger(__name__)


class DueMoves:
    """Used by the engine's thread alone.

    Nothing of a commit is published before it is in the database. So where one fails, memory is as of the last one,
    whoever is overdue is judged on the spot, and the moves wait: for a second, then for up to a minute.
    """

    def __init__(self, live: Live, store: Store, clock: Clock, committer: Committer, revisions: Revisions) -> None:
        self._live = live
        self._store = store
        self._clock = clock
        self._committer = committer
        self._revisions = revisions
        self._pause = Pause(SECOND, MINUTE)

    def next_due(self) -> int:
        """When some horizon may come due, or FOREVER; while moves wait, when they are tried again."""
        if self._pause.begun:
            return self._pause.until(self._clock.now())
        return self._live.memberships.next_deadline()

    def step(self) -> None:
        """One commit of them, unless they wait. Raises StorageFailed where memory is to be loaded anew."""
        now = self._clock.now()
        if self._pause.until(now) > now:
            return
        try:
            self._committer.step(self._live.present(now))
        except StorageFailed as error:
            self.put_off(error)
        else:
            self.recorded()

    def catch_up(self) -> Micros:
        """Make all of them; the instant at which the stored answers are right. Raises StorageFailed."""
        now = self._live.present(self._clock.now())
        self._committer.catch_up(now)
        self.recorded()
        return now

    def recorded(self) -> None:
        """A commit has succeeded, and with it what was due."""
        if self._pause.begun:
            self._pause.end()
            _log.info("what is due is recorded again")

    def put_off(self, error: StorageFailed) -> None:
        """They cannot be recorded; a pause that is under way goes on.

        Raises the error where the commit is in the database all the same: memory is to be loaded anew.
        """
        if self.missed():
            raise error
        self._revisions.publish(self._live.revision)  # that of the commits before the one that failed
        now = self._clock.now()
        if self._pause.until(now) <= now:
            self._pause.begin(now)
            _log.error("what is due cannot be recorded and waits; checks go on: %s", error)

    def missed(self) -> bool:
        """Whether the database has a commit of which memory knows nothing, because it seemed to fail."""
        return self._store.state().revision != self._live.revision
