"""Trying dead letters once more, on the thread of their consumer, so that two deliveries never overlap."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from segmentd.errors import NotFound
from segmentd.plugins.consumer import Consumer, Refused, TryAgain
from segmentd.service.consumers.batches import Batches
from segmentd.service.consumers.messages import message_of
from segmentd.service.consumers.progress import Progress
from segmentd.storage.consumers import DeadLetterRecord

_PAGE: Final = 20
_MOST_FAILURES: Final = 1_000
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Replayed:
    """How many were delivered, and why others were not, by key; those after a failure that may pass were not tried."""

    delivered: int = 0
    failures: dict[int, str] = field(default_factory=dict)


class Replay:
    """One replay: oldest first, one attempt each; ends at the first failure that may pass, or when `stopping`."""

    def __init__(
        self,
        consumer: Consumer,
        batches: Batches,
        progress: Progress,
        tried: Callable[[int, str], None],
        stopping: Callable[[], bool],
    ) -> None:
        """`tried` is told of each attempt: how many changes arrived, and the error where it failed."""
        self._consumer = consumer
        self._batches = batches
        self._progress = progress
        self._tried = tried
        self._stopping = stopping

    def run(self, keys: list[int] | None) -> Replayed:
        """Replay these, or (None) all there are. Raises NotFound (DEAD_LETTER_NOT_FOUND), before any is tried."""
        done = Replayed()
        for letter in self._all() if keys is None else self._these(keys):
            if self._stopping() or len(done.failures) >= _MOST_FAILURES or not self._deliver(letter, done):
                break
        return done

    def _deliver(self, letter: DeadLetterRecord, done: Replayed) -> bool:
        """Try one; whether to go on with the next."""
        try:
            self._consumer.deliver(self._batches.batch(letter.changes))
        except Exception as error:  # noqa: BLE001  (whatever a plugin raises, the letter stays)
            message = message_of(error)
            if not isinstance(error, TryAgain | Refused):
                _log.exception("consumer %s failed", self._consumer.name)
            done.failures[letter.key] = message
            self._tried(0, message)
            self._progress.failed_again(letter.key, message).result()
            return isinstance(error, Refused) and not error.disable
        self._tried(len(letter.changes), "")
        self._progress.discard(letter.consumer, [letter.key]).result()
        done.delivered += 1
        return True

    def _all(self) -> Iterator[DeadLetterRecord]:
        after = 0
        while letters := self._page(after, _PAGE):
            yield from letters
            after = letters[-1].key

    def _these(self, keys: list[int]) -> Iterator[DeadLetterRecord]:
        self._progress.refuse_unknown(self._consumer.name, keys).result()
        for key in sorted(set(keys)):
            with suppress(NotFound):  # discarded meanwhile
                yield self._progress.letter(self._consumer.name, key).result()

    def _page(self, after: int, limit: int) -> list[DeadLetterRecord]:
        return self._progress.letters(self._consumer.name, after, limit).result()
