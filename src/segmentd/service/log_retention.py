"""Keeping the log as short as the settings say: now and then, in small steps between everything else."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Protocol

from segmentd.errors import StorageFailed, Unavailable
from segmentd.service.tail import Tail
from segmentd.storage import Store
from segmentd.times import FOREVER, HOUR, MIN_INSTANT, MINUTE, Clock, Micros, parse_duration

_AGE_SHARE: Final = 100
"""Moves become at most so much of the age older than they are kept, or a minute, but never an hour."""
_SIZE_SHARE: Final = 10
"""When the log is too long, so much more of it is taken, so that not every commit has to."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LogKeep:
    """How much of the log is kept: for how long (microseconds), and how many moves; None is for ever, or any number."""

    age: Micros | None = None
    moves: int | None = None

    @classmethod
    def of(cls, age: str | None, moves: int | None) -> LogKeep:
        """As the settings say it: a fixed duration such as `90d`."""
        return cls(None if age is None else parse_duration(age).micros, moves)


EVERYTHING: Final = LogKeep()


class Thread(Protocol):
    """The engine's thread, as far as it is needed here."""

    def background(self, steps: Generator[None, None, Any]) -> Future[Any]:
        """Run a task between two commits."""


class LogRetention:
    """Looks at the log at the start, when enough was added, and when time has passed. Used by the engine's thread."""

    def __init__(self, store: Store, tail: Tail, clock: Clock, thread: Thread, keep: LogKeep) -> None:
        self._store = store
        self._tail = tail
        self._clock = clock
        self._thread = thread
        self._keep = keep
        self._next = MIN_INSTANT
        self._failed = True  # a stop may have interrupted it
        self._appended = tail.appended
        self._under_way: Iterator[None] | None = None

    def next_due(self) -> int:
        """When to look next, or FOREVER: while something is under way, and where nothing is to be done."""
        if self._under_way is not None:
            return FOREVER
        return MIN_INSTANT if self._enough_added() and not self._failed else self._next

    def begin_due(self) -> None:
        """Begin to shorten the log where it is time for a look and too much is there."""
        if self.next_due() > self._clock.now():
            return
        unfinished, self._failed = self._failed, False
        self._next = self._later()
        self._appended = self._tail.appended
        start, revision = self._store.log_start().revision, self._too_old()
        if revision > start:
            self._run(self._store.compact(revision))
        elif unfinished and start:
            self._run(self._store.compact())

    def _too_old(self) -> int:
        """The revision up to which the log is not kept any more; 0 for none."""
        revision, keep = 0, self._keep
        if keep.age is not None:
            oldest = max(self._clock.now() - keep.age, MIN_INSTANT)
            revision = self._store.revision_before(Micros(oldest))
        if keep.moves is not None and self._store.log_size() > keep.moves:
            revision = max(revision, self._store.revision_keeping(keep.moves - keep.moves // _SIZE_SHARE))
        return revision

    def _enough_added(self) -> bool:
        moves = self._keep.moves
        return moves is not None and self._tail.appended - self._appended > moves // _SIZE_SHARE

    def _later(self) -> Micros:
        age = self._keep.age
        return FOREVER if age is None else Micros(self._clock.now() + min(max(age // _AGE_SHARE, MINUTE), HOUR))

    def _run(self, steps: Iterator[None]) -> None:
        self._under_way = steps
        self._queue(steps)

    def _queue(self, steps: Iterator[None]) -> None:
        with suppress(Unavailable):  # the thread refuses work when it stops
            self._thread.background(self._step(steps)).add_done_callback(self._report)

    def _step(self, steps: Iterator[None]) -> Generator[None, None, None]:
        """One step as a task of its own, so that others have their turn between two."""
        try:
            ended = next(steps, _ENDED) is _ENDED
        except StorageFailed as error:  # memory knows nothing of this, so nothing has to be loaded anew
            self._give_up(error)
        else:
            if ended:
                self._under_way = None
            else:
                self._queue(steps)
        yield from ()

    def _report(self, future: Future[Any]) -> None:
        if not future.cancelled() and future.exception() is not None:
            self._give_up(future.exception())

    def _give_up(self, error: BaseException | None) -> None:
        """What is done is done; the rest is tried again later, from the beginning."""
        self._under_way = None
        self._next = Micros(self._clock.now() + HOUR)
        self._failed = True
        _log.error("the log could not be shortened: %s", error)


_ENDED: Final = object()
