"""Delivering to one consumer, on a thread of its own: in order, at least once, with patience."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from typing import Final

from segmentd.errors import Reason, SegmentdError
from segmentd.plugins.consumer import Consumer, Refused, TryAgain
from segmentd.service.consumers.asking import Requests
from segmentd.service.consumers.backoff import delay, given_up
from segmentd.service.consumers.batches import Batches
from segmentd.service.consumers.cursor import Cursor, Overtaken, Page
from segmentd.service.consumers.messages import message_of
from segmentd.service.consumers.pace import Pace
from segmentd.service.consumers.progress import Progress
from segmentd.service.consumers.replay import Replay, Replayed
from segmentd.service.consumers.views import Attempts
from segmentd.storage.consumers import ConsumerRecord
from segmentd.times import SECOND, Micros

_SAVE: Final = SECOND // 10
"""A position is saved no sooner than so many microseconds after the one before: a crash repeats what lies between."""
_SAVE_QUIET: Final = 30 * SECOND
"""The same where nothing was delivered, because all moves were those of other segments."""
_TROUBLE: Final = 5 * SECOND
"""How long to wait where the log cannot be read."""
_log = logging.getLogger(__name__)


class Delivery:
    """One consumer. All work is done by its thread; others look at `record` and `attempts`, and ask."""

    def __init__(
        self,
        consumer: Consumer,
        record: ConsumerRecord,
        cursor: Cursor,
        batches: Batches,
        progress: Progress,
        pace: Pace,
    ) -> None:
        self.consumer = consumer
        self.record = record
        self.attempts = Attempts()
        self._cursor = cursor
        self._batches = batches
        self._progress = progress
        self._pace = pace
        self._woken = threading.Event()
        self._requests = Requests(self._woken)
        self._stopping = False
        self._idle = True
        self._page: Page | None = None
        self._retry_at: Micros | None = None
        self._saved = record
        self._saved_at = Micros(pace.elapsed() - _SAVE)
        # A daemon: a consumer that does not return must not keep the process.
        self._thread = threading.Thread(target=self._run, name=f"segmentd-consumer-{record.name}", daemon=True)

    @property
    def ended(self) -> bool:
        """Whether the thread has ended."""
        return not self._thread.is_alive()

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def log_grew(self) -> None:
        """Called on the engine's thread after each commit, so it costs next to nothing."""
        if self._idle:
            self._woken.set()

    def stop_soon(self) -> None:
        """Begin nothing new."""
        self._stopping = True
        self._woken.set()

    def interrupt(self) -> None:
        """Ask the consumer to end what it is about."""
        try:
            self.consumer.interrupt()
        except Exception:  # noqa: BLE001  (a plugin may raise anything)
            _log.exception("consumer %s could not be interrupted", self.record.name)

    def join(self, seconds: float) -> None:
        """Wait for the end of the thread, at most so long."""
        self._thread.join(seconds)

    def resume(self) -> Future[None]:
        """Deliver again where it was disabled, and try at once what waits."""
        return self._requests.ask(self._resume)

    def replay(self, keys: list[int] | None) -> Future[Replayed]:
        """Try dead letters once more, these or (None) all; see Replay."""
        return self._requests.ask(lambda: self._replay(keys))

    def _run(self) -> None:
        try:
            while not self._stopping:
                self._woken.clear()  # before looking: what comes from here on wakes the next wait
                self._guarded_turn()
        finally:
            self._requests.end()
            self._close()
            with suppress(SegmentdError):  # the engine may have ended first
                self._save()

    def _guarded_turn(self) -> None:
        try:
            self._turn()
        except SegmentdError as error:
            if error.reason is Reason.SHUTTING_DOWN:
                self._stopping = True
                return
            _log.error("consumer %s waits: %s", self.record.name, error.message)
            self._wait(Micros(self._pace.elapsed() + _TROUBLE))
        except Exception:  # noqa: BLE001  (the thread survives whatever it was)
            _log.exception("consumer %s waits", self.record.name)
            self._wait(Micros(self._pace.elapsed() + _TROUBLE))

    def _turn(self) -> None:
        if self._requests.answer_one():
            return
        if self._page is None and not self._read():
            self._rest()
        elif self.record.disabled:
            self._wait(None)
        elif self._retry_at is not None and self._pace.elapsed() < self._retry_at:
            self._wait(self._retry_at)
        elif self._page is not None:
            self._attempt(self._page)

    def _read(self) -> bool:
        """Read the next batch; whether there is one."""
        self._idle = True  # before reading: a commit that the reading misses must wake
        try:
            page = self._cursor.next(self.record.position)
        except Overtaken as overtaken:
            self._note_loss(overtaken)
            return False
        if not page.moves:
            self.record = replace(self.record, position=page.position)
            return False
        self._idle = False
        self._page = page
        self.attempts = Attempts(oldest=page.moves[0].recorded_time)
        return True

    def _note_loss(self, overtaken: Overtaken) -> None:
        record, start = self.record, overtaken.start
        _log.error(
            "consumer %s has lost what came after revision %d: %s", record.name, record.position.revision, overtaken
        )
        self._cursor.moved()
        self.record = replace(
            record,
            position=max(record.position, start.position),
            loss_time=self._pace.now(),
            lost_after=record.position.revision,
            lost_until=start.revision,
        )
        self._save()
        self._woken.set()  # read on at once

    def _attempt(self, page: Page) -> None:
        batch = self._batches.batch(page.moves)
        try:
            self.consumer.deliver(batch)
        except Refused as refusal:
            self._refused(page, refusal)
        except TryAgain as error:
            self._failed(page, message_of(error), error.after)
        except Exception as error:  # noqa: BLE001  (a plugin may raise anything)
            _log.exception("consumer %s failed", self.record.name)
            self._failed(page, message_of(error), None)
        else:
            self._arrived(page)

    def _arrived(self, page: Page) -> None:
        self.record = replace(_behind(self.record, page), delivered=self.record.delivered + len(page.moves), error="")
        self._next()
        if self._pace.elapsed() >= self._saved_at + _SAVE:
            self._save()

    def _next(self) -> None:
        self._page, self._retry_at, self.attempts = None, None, Attempts()

    def _failed(self, page: Page, message: str, after: Micros | None) -> None:
        if self._stopping:
            return  # what was interrupted is no failure
        now = self._pace.now()
        self._count_failure(message, now)
        record = self.record
        if given_up(self.consumer.retries, record.attempts, Micros(now - record.failing_since)):
            self._bury(page)
            return
        pause = delay(self.consumer.retries, record.attempts, after)
        self._retry_at = Micros(self._pace.elapsed() + pause)
        self.attempts = Attempts(self.attempts.oldest, Micros(now + pause))
        _log.warning("consumer %s: attempt %d failed: %s", record.name, record.attempts, message)
        self._save()

    def _refused(self, page: Page, refusal: Refused) -> None:
        self._count_failure(message_of(refusal), self._pace.now())
        if not refusal.disable:
            self._bury(page)
            return
        self.record = replace(self.record, disabled=True)
        _log.error("consumer %s is disabled: %s", self.record.name, self.record.error)
        self._save()

    def _count_failure(self, message: str, now: Micros) -> None:
        record = self.record
        self.record = replace(
            record,
            attempts=record.attempts + 1,
            failing_since=record.failing_since if record.attempts else now,
            failed=record.failed + 1,
            error=message,
        )

    def _bury(self, page: Page) -> None:
        """Make a dead letter of a batch and go on behind it; where that cannot be saved, nothing has happened."""
        failed = self.record
        self._progress.give_up(_behind(failed, page), self._pace.now(), failed.attempts, failed.error, page.moves)
        _log.error("consumer %s: a batch is a dead letter now: %s", failed.name, failed.error)
        self._saved = self.record = _behind(failed, page)
        self._next()

    def _resume(self) -> None:
        self.record = replace(self.record, disabled=False, attempts=0, failing_since=Micros(0), error="")
        self._retry_at = None
        self.attempts = Attempts(self.attempts.oldest)
        self._save()

    def _replay(self, keys: list[int] | None) -> Replayed:
        replay = Replay(self.consumer, self._batches, self._progress, self._replayed, lambda: self._stopping)
        try:
            return replay.run(keys)
        finally:
            self._save()

    def _replayed(self, delivered: int, error: str) -> None:
        """Count one attempt at a dead letter; a batch that waits keeps its own error."""
        record = self.record
        self.record = replace(
            record,
            delivered=record.delivered + delivered,
            failed=record.failed + bool(error),
            error=record.error if record.attempts else error,
        )

    def _rest(self) -> None:
        """Wait for the log to grow, and save the position when it is time for that."""
        if self.record == self._saved:
            self._wait(None)
            return
        patience = _SAVE if self.record.delivered != self._saved.delivered else _SAVE_QUIET
        if self._pace.elapsed() >= self._saved_at + patience:
            self._save()
        else:
            self._wait(Micros(self._saved_at + patience))

    def _wait(self, until: Micros | None) -> None:
        if not self._stopping:
            self._pace.wait(self._woken, until)

    def _save(self) -> None:
        if self.record != self._saved:
            self._progress.note(self.record)
            self._saved, self._saved_at = self.record, self._pace.elapsed()

    def _close(self) -> None:
        try:
            self.consumer.close()
        except Exception:  # noqa: BLE001  (a plugin may raise anything)
            _log.exception("consumer %s could not be closed", self.record.name)


def _behind(record: ConsumerRecord, page: Page) -> ConsumerRecord:
    """The same consumer behind a batch, with no attempts at the next one; the error stays as it is."""
    return replace(record, position=page.position, attempts=0, failing_since=Micros(0))
