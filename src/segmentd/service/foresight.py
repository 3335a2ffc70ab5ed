"""Crowds whose deadlines are near: what they will be then is worked out before, while there is nothing else to do.

At a midnight, checks find these answers until the wave of deadlines has come to the user, and the wave finds its first
verdicts. Nothing depends on it: who is not foreseen is judged on the spot.
"""

from __future__ import annotations

import logging
from collections.abc import Generator
from typing import Final

from segmentd.engine.memberships import Rows
from segmentd.engine.reevaluate import Work, foresee
from segmentd.engine.stage import Stage
from segmentd.errors import StorageFailed, Unavailable
from segmentd.population.foreseen import NOTHING
from segmentd.service.engine_thread import EngineThread
from segmentd.service.live import Live
from segmentd.times import FOREVER, MINUTE, SECOND, Clock, Micros

_AHEAD: Final = 2 * MINUTE
_EVERY: Final = 5 * SECOND
"""A look goes through the horizons of all users where some of every 4,096 are near: 25 ms for ten million."""
_CROWD: Final = 4_096
"""Fewer users are judged on the spot as quickly."""
_ROWS: Final = 16_384
"""How many are judged between two turns of the engine's thread."""
_log = logging.getLogger(__name__)


class Foresight:
    """Used by the engine's thread alone. What is written about a user ends what was foreseen, see `Memberships`."""

    def __init__(self, live: Live, clock: Clock, thread: EngineThread) -> None:
        self._live = live
        self._clock = clock
        self._thread = thread
        self._next = 0
        self._under_way = False

    def next_due(self) -> int:
        """When to look next, or FOREVER: while something is under way, and where no deadline is to come."""
        if self._under_way:
            return FOREVER
        deadline = self._live.memberships.next_deadline()
        return FOREVER if deadline == FOREVER else max(self._next, deadline - _AHEAD)

    def begin_due(self) -> None:
        """Begin to work out what is to come, where it is time for a look and there is a crowd."""
        now = self._clock.now()
        if self.next_due() > now:
            return
        self._next = now + _EVERY
        live = self._live
        if live.shadows or live.memberships.next_deadline() <= now:
            return
        rows = self._unforeseen(now)
        if len(rows) >= _CROWD:
            self._under_way = True
            self._queue(rows)
        else:
            self._tidy()

    def _unforeseen(self, now: Micros) -> Rows:
        memberships = self._live.memberships
        rows, foreseen = memberships.due(now + _AHEAD), memberships.foreseen
        return rows if foreseen is None else rows[foreseen.horizons[rows] == NOTHING]

    def _tidy(self) -> None:
        """Give back the room of what was foreseen, once nothing is."""
        foreseen = self._live.memberships.foreseen
        if foreseen is not None and not foreseen.horizons.any():
            self._live.forget_foreseen()

    def _queue(self, rows: Rows) -> None:
        try:
            self._thread.background(self._step(rows))
        except Unavailable:  # the thread refuses work when it stops
            self._under_way = False

    def _step(self, rows: Rows) -> Generator[None, None, None]:
        """Some of the rows as a task of its own, so that others have their turn between two."""
        self._under_way = False
        if self._foresee(rows[:_ROWS]) and len(rows) > _ROWS:
            self._under_way = True
            self._queue(rows[_ROWS:])
        yield from ()

    def _foresee(self, rows: Rows) -> bool:
        """Work out what becomes of these rows at their horizons; whether it is of use to go on with others."""
        live, now = self._live, self._clock.now()
        memberships = live.memberships
        if live.shadows or memberships.next_deadline() <= now:
            return False
        rows = rows[rows < len(memberships.horizons)]
        horizons = memberships.horizons[rows]
        rows = rows[(horizons > now) & (horizons < FOREVER)]
        found = foresee(Work(live.users, live.catalogue.plans, (), Stage(memberships)), rows)
        if found is None:
            self._next = now + MINUTE
            return False
        try:
            memberships.make_room_to_foresee()
        except StorageFailed as error:
            _log.warning("a wave of deadlines is not prepared for: %s", error.message)
            self._next = now + MINUTE
            return False
        with live.lock, live.publication:
            memberships.foresee(rows, *found)
        return True
