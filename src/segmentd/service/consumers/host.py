"""All consumers of a server: started, stopped, looked at, and the orders that operators give."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

from segmentd.errors import NotFound, Reason
from segmentd.plugins.consumer import Consumer
from segmentd.records import Position
from segmentd.service.consumers.batches import Batches
from segmentd.service.consumers.cursor import Cursor
from segmentd.service.consumers.delivery import Delivery
from segmentd.service.consumers.pace import Pace, WallPace
from segmentd.service.consumers.progress import Progress
from segmentd.service.consumers.replay import Replayed
from segmentd.service.consumers.views import ConsumerState, ConsumerView, DeadLetterView
from segmentd.service.engine import Engine
from segmentd.service.log_naming import LogNaming
from segmentd.storage.consumers import ConsumerRecord
from segmentd.storage.log_reads import LogReads
from segmentd.times import Micros

T = TypeVar("T")
_GRACE: Final = 2.0
"""How many seconds deliveries under way may go on when the server stops. Then they are interrupted, and after as long
again they are left behind."""
SHOWN: Final = 100
"""So many changes of a dead letter are shown."""
_log = logging.getLogger(__name__)


class Consumers:
    """Made on an engine that has started; `start` begins to deliver."""

    def __init__(
        self, engine: Engine, text: Callable[[Position], str], pace: Pace | None = None, grace: float = _GRACE
    ) -> None:
        """`text` writes positions as watchers know them; `grace` is in seconds."""
        self._grace = grace
        self._engine = engine
        self._pace = pace or WallPace()
        self._text = text
        self._progress = Progress(engine.store, engine.thread)
        self._deliveries: dict[str, Delivery] = {}
        self._absent: dict[str, ConsumerRecord] = {}
        self._unsubscribe: list[Callable[[], None]] = []

    def start(self) -> None:
        """Begin to deliver: from where each consumer was, or after the present end of the log where it is new."""
        known = {record.name: record for record in self._on_engine(self._engine.store.consumers)}
        database_id = self._on_engine(self._engine.store.database_id)
        end = self._engine.tail.end
        brought = self._engine.plugins.consumers
        new = [ConsumerRecord(name, end) for name in brought if name not in known]
        if new:
            self._progress.change(lambda: self._engine.store.write_consumers(new)).result()
        known |= {record.name: record for record in new}
        self._absent = {name: record for name, record in known.items() if name not in brought}
        for name, consumer in brought.items():
            self._deliveries[name] = self._delivery(consumer, known[name], database_id)
        for delivery in self._deliveries.values():
            self._unsubscribe.append(self._engine.tail.subscribe(delivery.log_grew))
            delivery.start()

    def close(self) -> None:
        """Stop delivering, within a few seconds whatever consumers do. Before the engine's thread is stopped."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        for delivery in self._deliveries.values():
            delivery.stop_soon()
        late = self._join(list(self._deliveries.values()))
        for delivery in late:
            delivery.interrupt()
        for delivery in self._join(late):
            _log.error("consumer %s does not stop; it is left behind", delivery.record.name)

    async def list_all(self) -> list[ConsumerView]:
        """All consumers by name, those that no plugin brings any more too."""
        return await asyncio.to_thread(self.look)

    def look(self) -> list[ConsumerView]:
        """The same; waits for the database."""
        records = {name: delivery.record for name, delivery in self._deliveries.items()} | self._absent
        counts = self._progress.counts()
        lags = self._engine.log_reader.run(lambda reads: _lags(reads, records))
        return [
            self._view(name, record, counts.result().get(name, 0), lags.result()[name])
            for name, record in sorted(records.items())
        ]

    async def dead_letters(self, consumer: str, after: int, limit: int) -> tuple[list[DeadLetterView], int]:
        """Up to `limit` dead letters with a key above `after`, oldest first, and how many there are.

        Raises NotFound.
        """
        self._record(consumer)
        letters = await asyncio.wrap_future(self._progress.letters(consumer, after, limit))
        counts = await asyncio.wrap_future(self._progress.counts())
        naming = LogNaming(self._engine.live, self._engine.log_reader)
        views = [DeadLetterView(each, await naming.thoroughly(each.changes[:SHOWN])) for each in letters]
        return views, counts.get(consumer, 0)

    async def replay(self, consumer: str, keys: Sequence[int] | None) -> tuple[Replayed, int]:
        """Try these dead letters, or (None) all, once more; what came of it, and how many are left. Raises NotFound."""
        chosen = None if keys is None else list(keys)
        replayed = await asyncio.wrap_future(self._delivering(consumer).replay(chosen))
        return replayed, await self._count(consumer)

    async def discard(self, consumer: str, keys: Sequence[int] | None) -> tuple[int, int]:
        """Forget these dead letters, or (None) all; how many that were, and how many are left. Raises NotFound."""
        self._record(consumer)
        discarded = await asyncio.wrap_future(self._progress.discard(consumer, keys))
        return discarded, await self._count(consumer)

    async def resume(self, consumer: str) -> ConsumerView:
        """Deliver again where it was disabled, and try at once what waits. Raises NotFound."""
        await asyncio.wrap_future(self._delivering(consumer).resume())
        return next(view for view in await self.list_all() if view.record.name == consumer)

    def _delivery(self, consumer: Consumer, record: ConsumerRecord, database_id: str) -> Delivery:
        engine = self._engine
        unknown = sorted((consumer.segments or frozenset()) - engine.live.segments.keys())
        if unknown:
            _log.warning("consumer %s waits for segments that are not there: %s", record.name, ", ".join(unknown))
        cursor = Cursor(engine, consumer.segments, consumer.batch_size)
        batches = Batches(engine, record.name, database_id, self._text)
        return Delivery(consumer, record, cursor, batches, self._progress, self._pace)

    def _view(self, name: str, record: ConsumerRecord, dead_letters: int, lag: int) -> ConsumerView:
        delivery = self._deliveries.get(name)
        if delivery is None:
            return ConsumerView(record, ConsumerState.ABSENT, "", None, dead_letters, lag, Micros(0), None)
        oldest, next_time = delivery.attempts.oldest, delivery.attempts.next_time
        state = ConsumerState.RETRYING if record.attempts else ConsumerState.ACTIVE
        state = ConsumerState.DISABLED if record.disabled else state
        now = self._engine.live.present(self._engine.clock.now())
        return ConsumerView(
            record,
            state,
            self._engine.plugins.consumer_origins[name],
            delivery.consumer.segments,
            dead_letters,
            lag,
            Micros(0) if oldest is None else Micros(max(now - oldest, 0)),
            None if record.disabled else next_time,
        )

    async def _count(self, consumer: str) -> int:
        counts = await asyncio.wrap_future(self._progress.counts())
        return counts.get(consumer, 0)

    def _record(self, name: str) -> ConsumerRecord:
        delivery = self._deliveries.get(name)
        record = delivery.record if delivery is not None else self._absent.get(name)
        if record is None:
            raise NotFound(Reason.CONSUMER_NOT_FOUND, f"there is no consumer {name!r}", {"consumer": name})
        return record

    def _delivering(self, name: str) -> Delivery:
        self._record(name)
        delivery = self._deliveries.get(name)
        if delivery is None:
            raise NotFound(
                Reason.CONSUMER_NOT_FOUND,
                f"no endpoint or other consumer of the name {name!r} is configured any more; put it back for that",
                {"consumer": name},
            )
        return delivery

    def _on_engine(self, run: Callable[[], T]) -> T:
        return self._engine.thread.call(run).result()

    def _join(self, deliveries: Sequence[Delivery]) -> Sequence[Delivery]:
        """Wait for all of them together; those that are still busy then."""
        deadline = time.monotonic() + self._grace
        for delivery in deliveries:
            delivery.join(max(deadline - time.monotonic(), 0.0))
        return [each for each in deliveries if not each.ended]


def _lags(reads: LogReads, records: Mapping[str, ConsumerRecord]) -> dict[str, int]:
    return {name: reads.moves_after(record.position) for name, record in records.items()}
