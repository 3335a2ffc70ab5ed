"""Crowds whose deadlines are near: what they will be then is worked out before, in turns with whatever else there is.

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
from segmentd.times import FOREVER, MIN_INSTANT, MINUTE, SECOND, Clock, Micros

_AHEAD: Final = 2 * MINUTE
_EVERY: Final = 5 * SECOND
"""A look goes through the horizons of all users where some of every 4,096 are near: 37 ms for ten million."""
_PAUSE: Final = MINUTE
"""How long nothing is looked for where a step was of no use."""
_CROWD: Final = 4_096
"""Fewer users are judged on the spot as quickly."""
_ROWS: Final = 16_384
"""How many are judged between two turns of the engine's thread."""
_log = logging.getLogger(__name__)


class Foresight:
    """Used by the engine's thread alone. What is written about a user ends what was foreseen, see `Memberships`.

    It is never worth a failure.
    """

    def __init__(self, live: Live, clock: Clock, thread: EngineThread) -> None:
        self._live = live
        self._clock = clock
        self._thread = thread
        self._next = MIN_INSTANT
        self._under_way = False

    def next_due(self, deadline: int) -> int:
        """When to look next, or FOREVER: while something is under way, and where there is nothing to look for.

        `deadline` is the earliest of all users.
        """
        if self._under_way:
            return FOREVER
        now = self._clock.now()
        look = self._next if self._next <= now + _PAUSE else MIN_INSTANT  # the clock was set back
        if self._live.memberships.foreseen is not None:
            return look
        return FOREVER if deadline == FOREVER else max(look, deadline - _AHEAD)

    def begin_due(self) -> None:
        """Begin to work out what is to come, where it is time for a look and there is a crowd."""
        now, deadline = self._clock.now(), self._live.memberships.next_deadline()
        if self.next_due(deadline) > now:
            return
        self._next = Micros(now + _EVERY)
        if self._live.shadows or deadline <= now:
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
        now = self._clock.now()
        try:
            useful = self._foresee(rows[:_ROWS], now + _AHEAD)
        except Exception as error:  # noqa: BLE001  (no room on the disk or in memory, or whatever it was)
            expected = isinstance(error, StorageFailed)
            _log.warning("a wave of deadlines is not prepared for: %s", error, exc_info=not expected)
            self._live.forget_foreseen()
            useful = False
        if not useful:
            self._next = Micros(now + _PAUSE)
        elif len(rows) > _ROWS:
            self._under_way = True
            self._queue(rows[_ROWS:])
        yield from ()

    def _foresee(self, rows: Rows, until: int) -> bool:
        """Work out what becomes of those of these rows whose horizon is near; False where that cannot be said now.

        Rows that were listed before the engine started from disk may be others since then, which does no harm.
        """
        live, now = self._live, self._clock.now()
        memberships = live.memberships
        if live.shadows or memberships.next_deadline() <= now:
            return False
        rows = rows[rows < len(memberships.horizons)]
        horizons = memberships.horizons[rows]
        rows = rows[(horizons > now) & (horizons <= until)]
        if not len(rows):
            return True
        found = foresee(Work(live.users, live.catalogue.plans, (), Stage(memberships)), rows)
        if found is None:
            return False
        memberships.make_room_to_foresee()
        with live.lock, live.publication:
            memberships.foresee(rows, *found)
        return True
