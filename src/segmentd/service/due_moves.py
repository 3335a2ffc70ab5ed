"""Moves that are due and cannot be recorded: they wait."""

from __future__ import annotations

import logging

from segmentd.errors import MovesWait, StorageFailed
from segmentd.service.live import Live
from segmentd.service.pause import Pause
from segmentd.service.revisions import Revisions
from segmentd.storage import Store
from segmentd.times import MINUTE, SECOND, Clock

_log = logging.getLogger(__name__)


class DueMoves:
    """When they are made next. Used by the engine's thread alone.

    Nothing of a wave's commit is published before it is in the database. So where one fails, memory is as of the last
    commit, whoever is overdue is judged on the spot, and the moves wait: for a second, then for up to a minute.
    """

    def __init__(self, live: Live, store: Store, clock: Clock, revisions: Revisions) -> None:
        self._live = live
        self._store = store
        self._clock = clock
        self._revisions = revisions
        self._pause = Pause(SECOND, MINUTE)

    def next_due(self) -> int:
        """When some horizon may come due, or FOREVER; while moves wait, when they are tried again."""
        if self._pause.begun:
            return self._pause.until(self._clock.now())
        return self._live.memberships.next_deadline()

    def wait(self) -> bool:
        """Whether it is too early to try them again."""
        return self._pause.lasts(self._clock.now())

    def recorded(self) -> None:
        """A commit has succeeded; what was due is a part of it, or has room too."""
        if self._pause.begun:
            self._pause.end()
            _log.info("what is due is recorded again")

    def none_left(self) -> None:
        """Nothing waits any more, be it that the clock was set back."""
        self._pause.end()

    def put_off(self, error: StorageFailed) -> MovesWait:
        """They cannot be recorded; a pause that is under way goes on. Gives what whoever needs them is told.

        Raises the error where the commit is in the database all the same: memory is to be loaded anew.
        """
        if self._store.state().revision != self._live.revision:
            raise error
        self._revisions.publish(self._live.revision)  # that of the commits before the one that failed
        if not self.wait():
            self._pause.begin(self._clock.now())
            _log.error("what is due cannot be recorded and waits; checks go on: %s", error)
        return MovesWait(error.message)
