"""Taking out events that were kept long enough: in small commits of their own, now and then.

Nothing that is in force looks at them any more at the instant of the commit, so no answer changes. A restart judges
as of the last commit, and the events that mattered before that one may be gone by then.
"""

from __future__ import annotations

import logging
from collections.abc import Generator
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from segmentd.errors import Unavailable
from segmentd.service.change import Change
from segmentd.service.commit import Committer
from segmentd.service.engine_thread import EngineThread
from segmentd.service.live import Live
from segmentd.service.revisions import Revisions
from segmentd.service.written import Written
from segmentd.storage import Store
from segmentd.times import FOREVER, HOUR, MIN_INSTANT, Clock, Micros

INTERVAL: Final = HOUR
"""How long after the beginning of one pass over all names the next one begins."""
USERS: Final = 4_096
"""Keys of users that one step looks at."""
EVENTS: Final = 5_000
"""The most events that one step takes out."""
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Prune(Change):
    """A commit that takes out events of one name: `user_keys` ascending with repetitions, and event keys."""

    live: Live
    name: str
    user_keys: NDArray[np.int64]
    event_keys: NDArray[np.int64]

    def write(self, store: Store, instant: Micros) -> Written:
        """Delete them; they are the first ones of their users."""
        store.delete_events(self.name, self.event_keys.tolist())
        table = self.live.users.tables.get(self.name)
        if table is not None:
            keys, counts = np.unique(self.user_keys, return_counts=True)
            table.drop_first(self.live.rows_of(keys), counts.astype(np.int64))
        return Written()


class Pruning:
    """One pass after the other over the names that are not kept for ever. Used by the engine's thread."""

    def __init__(
        self, live: Live, store: Store, clock: Clock, committer: Committer, thread: EngineThread, revisions: Revisions
    ) -> None:
        self._live = live
        self._store = store
        self._clock = clock
        self._committer = committer
        self._thread = thread
        self._revisions = revisions
        self._next = MIN_INSTANT
        self._under_way = False

    def next_due(self) -> int:
        """When the next pass begins, or FOREVER."""
        return FOREVER if self._under_way or not self._live.keeps else self._next

    def begin_due(self) -> None:
        """Queue a pass where one is due."""
        if self.next_due() <= self._clock.now():
            self._next = Micros(self._clock.now() + INTERVAL)
            self._queue(sorted(self._live.keeps), 0)

    def hurry(self) -> None:
        """Begin the next pass at once."""
        self._next = MIN_INSTANT
        self.begin_due()

    def forget(self) -> None:
        """Memory was loaded anew: what was under way is over."""
        self._under_way = False

    def _queue(self, names: list[str], after: int) -> None:
        self._under_way = True
        with suppress(Unavailable):  # the thread refuses work when it stops
            self._thread.background(self._step(names, after)).add_done_callback(self._report)

    def _step(self, names: list[str], after: int) -> Generator[None, None, None]:
        """Look at some users' events of the first name; a task of its own, so that others have their turn."""
        if not names:
            self._under_way = False
            return
        place = self._prune(names[0], after)
        self._queue(names if place is not None else names[1:], place or 0)
        yield from ()

    def _prune(self, name: str, after: int) -> int | None:
        """Take out what is old of the users behind a key; the key to go on behind, None at the end."""
        live, keep = self._live, self._live.keeps.get(name)
        if keep is None or after >= live.next_user_key:
            return None
        instant = self._committer.next_instant()
        upto = after + USERS
        users, events = self._store.old_events(name, instant - keep, (after, upto), EVENTS)
        if len(events):
            self._committer.commit(Prune(live, name, users, events), instant)
            self._revisions.publish(live.revision)
        # Where a step was cut short, the last user may have more.
        return upto if len(events) < EVENTS else int(users[-1]) - 1

    def _report(self, future: Future[Any]) -> None:
        if not future.cancelled() and future.exception() is not None:
            self._under_way = False
            _log.error("old events could not be taken out: %s", future.exception())
