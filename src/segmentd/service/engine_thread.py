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
from typing import Any, Final, Generic, Protocol, TypeVar

from segmentd.errors import Reason, ResourceExhausted, SegmentdError, StorageFailed, Unavailable
from segmentd.service.ingest import Item
from segmentd.service.items import ItemResult
from segmentd.times import FOREVER, SECOND, Clock

T = TypeVar("T")
GROUP_ITEMS: Final = 4_096
"""A commit group takes no further caller once it has so many items."""
MAX_QUEUED_ITEMS: Final = 200_000
_IDLE_SECONDS: Final = 3_600.0
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


class Machine(Protocol):
    """What the thread drives."""

    def write_group(self, items: Sequence[Item]) -> Outcome:
        """Commit these items as one group."""

    def tick(self) -> None:
        """Make all moves that are due."""

    def next_deadline(self) -> int:
        """When to tick next, or FOREVER."""

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
        self._queue: queue.Queue[_Batch | _Call[Any] | _Task | None] = queue.Queue()
        self._ahead: deque[_Batch | _Call[Any] | _Task | None] = deque()
        self._background: deque[_Task] = deque()
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
            while (message := self._next()) is not None:
                self._dispatch(message)
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

    def _refuse_rest(self, ending: SegmentdError) -> None:
        """Tell everybody who still waits that nothing will come."""
        for task in self._background:
            task.steps.close()
            task.future.set_exception(ending)
        waiting = list(self._ahead)
        with suppress(queue.Empty):
            while True:
                waiting.append(self._queue.get_nowait())
        for message in waiting:
            if message is not None and message.future.set_running_or_notify_cancel():
                message.future.set_exception(ending)

    def _next(self) -> _Batch | _Call[Any] | _Task | None:
        """The next message; ticks and background steps are made while there is none."""
        while True:
            if self._ahead:
                return self._ahead.popleft()
            try:
                patience = self._patience()
                return self._queue.get(timeout=patience) if patience else self._queue.get_nowait()
            except queue.Empty:
                self._tick()
                self._step()

    def _patience(self) -> float:
        """Seconds until something is due; no wait while background work is left."""
        if self._background:
            return 0.0
        deadline = self._machine.next_deadline()
        if deadline == FOREVER:
            return _IDLE_SECONDS
        if self._clock.frozen:
            return _IDLE_SECONDS if deadline > self._clock.now() else 0.0
        return min(max((deadline - self._clock.now()) / SECOND, 0.0), _IDLE_SECONDS)

    def _dispatch(self, message: _Batch | _Call[Any] | _Task) -> None:
        # What was cancelled while it waited is not begun; what was begun cannot be cancelled.
        if isinstance(message, _Batch):
            self._write_group(message)
            self._step()
        elif not message.future.set_running_or_notify_cancel():
            return
        elif isinstance(message, _Task):
            self._background.append(message)
        else:
            self._settle(message)
            self._keep_up()

    def _keep_up(self) -> None:
        """Questions without end hold up neither deadlines nor background work."""
        if self._machine.next_deadline() <= self._clock.now():
            self._tick()
        self._step()

    def _write_group(self, first: _Batch) -> None:
        """Commit the first batch together with all that wait behind it."""
        group = [first]
        size = len(first.items)
        while size < GROUP_ITEMS:
            try:
                message = self._queue.get_nowait()
            except queue.Empty:
                break
            if not isinstance(message, _Batch):
                self._ahead.append(message)
                break
            group.append(message)
            size += len(message.items)
        with self._counting:
            self._queued_items -= size
        group = [batch for batch in group if batch.future.set_running_or_notify_cancel()]
        self._commit(group, [item for batch in group for item in batch.items])

    def _commit(self, group: list[_Batch], items: list[Item]) -> None:
        try:
            outcome = self._machine.write_group(items)
        except BaseException as error:  # noqa: BLE001  (whatever it was, memory may be ahead of the disk)
            _log.exception("a commit group failed; starting again from disk")
            try:
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
        try:
            call.future.set_result(call.run())
        except BaseException as error:  # noqa: BLE001  (the caller gets it, whatever it is)
            try:
                if call.changes and _unexpected(error):
                    self._machine.recover()
            finally:
                call.future.set_exception(error)

    def _tick(self) -> None:
        """The thread survives a failure of its own work; the database is asked again. Where that fails too, it ends."""
        try:
            self._machine.tick()
        except Exception:  # noqa: BLE001  (whatever it was)
            _log.exception("the engine could not go on; starting again from disk")
            self._machine.recover()


def _unexpected(error: BaseException) -> bool:
    """Whether an error may have left memory ahead of the disk; a refusal changed nothing."""
    return not isinstance(error, SegmentdError) or isinstance(error, StorageFailed)
