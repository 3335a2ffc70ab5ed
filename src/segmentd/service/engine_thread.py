"""The one thread that owns all writing and judging: groups writes, keeps deadlines, steps background work."""

from __future__ import annotations

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Protocol, TypeAlias, TypeVar

from segmentd.errors import MovesWait, Reason, ResourceExhausted, SegmentdError, StorageFailed, Unavailable
from segmentd.service.ingest import Item
from segmentd.service.items import ItemResult
from segmentd.times import FOREVER, SECOND, Clock

T = TypeVar("T")
GROUP_ITEMS: Final = 4_096
"""A commit group takes no further caller once it has so many items."""
MAX_QUEUED_ITEMS: Final = 200_000
_IDLE_SECONDS: Final = 3_600.0
_QUESTIONS: Final = 64
"""So many questions are answered before the next step of other work."""
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Outcome:
    """What a commit group tells one of its callers."""

    results: list[ItemResult]
    revision: int


@dataclass(slots=True)
class _Batch:
    items: Sequence[Item]
    future: Future[Outcome] = field(default_factory=Future)


@dataclass(slots=True)
class _Call(Generic[T]):
    run: Callable[[], T]
    changes: bool
    future: Future[T] = field(default_factory=Future)


@dataclass(slots=True)
class _Task:
    steps: Generator[None, None, Any]
    future: Future[Any] = field(default_factory=Future)


_Message: TypeAlias = "_Batch | _Call[Any] | _Task | None"
"""What the queue holds; None is the end."""


class Machine(Protocol):
    """What the thread drives."""

    def write_group(self, items: Sequence[Item]) -> Outcome:
        """Commit these items as one group."""

    def step(self) -> None:
        """Make some of the moves that are due."""

    def next_deadline(self) -> int:
        """When to make a step next, or FOREVER."""

    def recover(self) -> None:
        """Memory may be ahead of the disk: start again from disk."""

    def close(self) -> None:
        """Give up the database."""


class EngineThread:
    """A queue and a thread. Callers hand in work and get futures; nothing here is touched by two threads."""

    def __init__(self, machine: Machine, clock: Clock) -> None:
        self._machine = machine
        self._clock = clock
        # Not a SimpleQueue: where its timeout has passed by the second look, it waits for ever (CPython 3.11).
        self._queue: queue.Queue[_Message] = queue.Queue()
        self._questions: deque[_Call[Any]] = deque()
        self._work: deque[_Message] = deque()
        self._background: deque[_Task] = deque()
        self._walking_to: int | None = None
        self._queued_items = 0
        self._counting = threading.Lock()
        self._stopping = False
        self.lost: Future[None] = Future()
        """Fails when the engine could not start again from disk and has ended; never done otherwise."""
        self._thread = threading.Thread(target=self._run, name="segmentd-engine", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def stop(self) -> None:
        """Finish what is queued, close the database and end."""
        self._stopping = True
        self._queue.put(None)
        self._thread.join()

    def write(self, items: Sequence[Item]) -> Future[Outcome]:
        """Queue items for the next commit group. Raises ResourceExhausted where too much waits already."""
        batch = _Batch(items)
        with self._counting:
            self._refuse_when_stopping()
            if self._queued_items + len(items) > MAX_QUEUED_ITEMS and self._queued_items:
                raise ResourceExhausted(
                    Reason.OVERLOADED, f"{self._queued_items:,} writes are waiting already; try again later"
                )
            self._queued_items += len(items)
            self._queue.put(batch)
        return batch.future

    def call(self, run: Callable[[], T]) -> Future[T]:
        """Run a question on the thread, between two commits."""
        return self._enqueue(_Call(run, changes=False))

    def change(self, run: Callable[[], T]) -> Future[T]:
        """Run something that changes data on the thread; where it fails, memory is loaded anew from disk."""
        return self._enqueue(_Call(run, changes=True))

    def background(self, steps: Generator[None, None, T]) -> Future[T]:
        """Run a task step by step, one task after the other, in turns with everything else."""
        task = _Task(steps)
        self._put(task)
        return task.future

    def _enqueue(self, call: _Call[T]) -> Future[T]:
        self._put(call)
        return call.future

    def _put(self, message: _Call[Any] | _Task) -> None:
        # Under the lock, so that nothing comes after what `_run` refuses at its end.
        with self._counting:
            self._refuse_when_stopping()
            self._queue.put(message)

    def _refuse_when_stopping(self) -> None:
        if self._stopping:
            raise Unavailable(Reason.SHUTTING_DOWN, "the server is shutting down")

    def _run(self) -> None:
        ending: SegmentdError = Unavailable(Reason.SHUTTING_DOWN, "the server is shutting down")
        try:
            while self._turn():
                pass
        except BaseException as error:  # noqa: BLE001  (whatever it was, memory can no longer be trusted)
            _log.critical("the engine could not start again from disk and ends", exc_info=error)
            ending = StorageFailed(f"the engine could not start again from disk: {error}")
        with self._counting:
            self._stopping = True
        self._refuse_rest(ending)
        try:
            self._machine.close()
        finally:
            if isinstance(ending, StorageFailed):
                self.lost.set_exception(ending)

    def _turn(self) -> bool:
        """Some questions, then one step of the deadlines that are due or, where none is, of everything else.

        So a question waits for one step of a wave and not for the wave, and neither questions without end nor deadlines
        without end hold up anything. False when it is time to end.
        """
        self._take()
        for _ in range(min(len(self._questions), _QUESTIONS)):
            self._settle(self._questions.popleft())
        if self._due():
            self._make_due_moves()
            return True
        if self._work:
            message = self._work.popleft()
            if message is None:
                while self._questions:
                    self._settle(self._questions.popleft())
                return False
            self._dispatch(message)
        self._step()
        return True

    def _due(self) -> bool:
        """Whether deadlines come first: those up to the instant at which this was first so, not those since then."""
        now = self._clock.now()  # it may have been set back
        until = now if self._walking_to is None else min(self._walking_to, now)
        due = self._machine.next_deadline() <= until
        self._walking_to = until if due else None
        return due

    def _take(self) -> None:
        """Sort what waits in the queue; where there is nothing else to do, wait for it."""
        patience = self._patience()
        try:
            self._sort(self._queue.get(timeout=patience) if patience else self._queue.get_nowait())
            while True:
                self._sort(self._queue.get_nowait())
        except queue.Empty:
            return

    def _sort(self, message: _Message) -> None:
        if isinstance(message, _Call) and not message.changes:
            self._questions.append(message)
        else:
            self._work.append(message)

    def _refuse_rest(self, ending: SegmentdError) -> None:
        """Tell everybody who still waits that nothing will come."""
        for task in self._background:
            task.steps.close()
            task.future.set_exception(ending)
        waiting: list[_Message] = [*self._questions, *self._work]
        with suppress(queue.Empty):
            while True:
                waiting.append(self._queue.get_nowait())
        for message in waiting:
            if message is not None and message.future.set_running_or_notify_cancel():
                message.future.set_exception(ending)

    def _patience(self) -> float:
        """Seconds until something is due; no wait while anything is left to do."""
        if self._background or self._work or self._questions:
            return 0.0
        deadline = self._machine.next_deadline()
        if deadline == FOREVER:
            return _IDLE_SECONDS
        if self._clock.frozen:
            return _IDLE_SECONDS if deadline > self._clock.now() else 0.0
        return min(max((deadline - self._clock.now()) / SECOND, 0.0), _IDLE_SECONDS)

    def _dispatch(self, message: _Batch | _Call[Any] | _Task) -> None:
        if isinstance(message, _Batch):
            self._write_group(message)
        elif isinstance(message, _Call):
            self._settle(message)
        elif message.future.set_running_or_notify_cancel():
            self._background.append(message)

    def _write_group(self, first: _Batch) -> None:
        """Commit the first batch together with all that wait behind it."""
        group = [first]
        size = len(first.items)
        while size < GROUP_ITEMS and self._work and isinstance(batch := self._work[0], _Batch):
            self._work.popleft()
            group.append(batch)
            size += len(batch.items)
        with self._counting:
            self._queued_items -= size
        group = [batch for batch in group if batch.future.set_running_or_notify_cancel()]
        self._commit(group, [item for batch in group for item in batch.items])

    def _commit(self, group: list[_Batch], items: list[Item]) -> None:
        try:
            outcome = self._machine.write_group(items)
        except BaseException as error:  # noqa: BLE001  (whatever it was, memory may be ahead of the disk)
            try:
                if not isinstance(error, MovesWait):  # of the group nothing was begun
                    told = None if isinstance(error, StorageFailed) else error
                    _log.error("a commit group failed; loading memory anew from disk: %s", error, exc_info=told)
                    self._machine.recover()
            finally:
                for batch in group:
                    batch.future.set_exception(error)
            return
        start = 0
        for batch in group:
            stop = start + len(batch.items)
            batch.future.set_result(Outcome(outcome.results[start:stop], outcome.revision))
            start = stop

    def _step(self) -> None:
        """One step of the first background task."""
        if not self._background:
            return
        task = self._background[0]
        try:
            next(task.steps)
        except StopIteration as end:
            self._background.popleft()
            task.future.set_result(end.value)
        except BaseException as error:  # noqa: BLE001  (the caller gets it, whatever it is)
            self._background.popleft()
            try:
                if _unexpected(error):
                    _log.exception("background work failed; starting again from disk")
                    self._machine.recover()
            finally:
                task.future.set_exception(error)

    def _settle(self, call: _Call[Any]) -> None:
        # What was cancelled while it waited is not begun; what was begun cannot be cancelled.
        if not call.future.set_running_or_notify_cancel():
            return
        try:
            call.future.set_result(call.run())
        except BaseException as error:  # noqa: BLE001  (the caller gets it, whatever it is)
            try:
                if call.changes and _unexpected(error):
                    self._machine.recover()
            finally:
                call.future.set_exception(error)

    def _make_due_moves(self) -> None:
        """The thread survives a failure of its own work; the database is asked again. Where that fails too, it ends."""
        try:
            self._machine.step()
        except Exception:  # noqa: BLE001  (whatever it was)
            _log.exception("the engine could not go on; starting again from disk")
            self._machine.recover()


def _unexpected(error: BaseException) -> bool:
    """Whether an error may have left memory ahead of the disk; a refusal changed nothing."""
    if isinstance(error, StorageFailed):
        return not isinstance(error, MovesWait)
    return not isinstance(error, SegmentdError)
