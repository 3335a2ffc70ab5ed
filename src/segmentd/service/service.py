"""All use cases over one engine, opened and closed together."""

from __future__ import annotations

import asyncio
from collections import Counter
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from segmentd.engine.catalogue import State
from segmentd.errors import FailedPrecondition, InvalidInput, Reason
from segmentd.niceness import take_turns, yield_to_others
from segmentd.plugins.host import Plugins
from segmentd.service.consumers.host import Consumers
from segmentd.service.consumers.pace import Pace
from segmentd.service.engine import Engine
from segmentd.service.evaluation import Evaluations
from segmentd.service.exporting import Exports
from segmentd.service.groups import Groups
from segmentd.service.history import History
from segmentd.service.identity import Identity
from segmentd.service.log_retention import EVERYTHING, LogKeep
from segmentd.service.mapped_publication import MappedPublication
from segmentd.service.memberships import Memberships
from segmentd.service.positions import Positions
from segmentd.service.profiles import Profiles
from segmentd.service.retention import Retention
from segmentd.service.segments import Segments
from segmentd.service.tombstones import ERASURE_REFUSAL
from segmentd.service.user_lists import UserLists
from segmentd.service.value_types import Currencies
from segmentd.service.watching import Watching
from segmentd.storage import Store
from segmentd.times import MAX_INSTANT, Clock, FrozenClock, Micros, WallClock

BEHIND_WORKERS: Final = 5
"""The niceness of the engine's thread beside workers: where all want the same core it gets a third of one of theirs."""


@dataclass(frozen=True, slots=True)
class Status:
    """What the server holds and where it stands."""

    revision: int
    clock: Micros
    frozen: bool
    users: int
    events: int
    segments: int
    started: Micros
    failed: int
    """Segments that cannot be judged."""
    pending: int
    ahead: Micros
    """How far the last recorded instant is ahead of a wall clock; 0 where it is not, by more than a second."""
    overdue: Micros
    """How long the earliest deadline that was not walked is past; 0 where none is."""


@dataclass(frozen=True, slots=True)
class Advanced:
    """Where a moved clock stands, and how many memberships changed on the way."""

    clock: Micros
    revision: int
    transitions: int


class Service:
    """The four services and the clock."""

    def __init__(self, engine: Engine, pace: Pace | None = None) -> None:
        self._engine = engine
        self._started = WallClock().now()
        self.memberships = Memberships(engine)
        self.segments = Segments(engine)
        self.profiles = Profiles(engine)
        self.evaluations = Evaluations(engine)
        self.groups = Groups(engine)
        self.user_lists = UserLists(engine)
        self.watching = Watching(engine)
        self.history = History(engine)
        self.database_id = engine.thread.call(engine.store.database_id).result()
        self.consumers = Consumers(engine, Positions(self.database_id).text, pace)
        self.identity = Identity(engine)
        self.retention = Retention(engine)
        self.exports = Exports(engine)

    @classmethod
    def open(  # noqa: PLR0913  (what a server is started with)
        cls,
        path: str | Path,
        plugins: Plugins,
        clock: Clock,
        currencies: Currencies,
        erasure_refusal: Micros = ERASURE_REFUSAL,
        pace: Pace | None = None,
        log_keep: LogKeep = EVERYTHING,
        *,
        snapshots: bool = True,
    ) -> Service:
        """Open a database, catch up with the clock and serve. Raises StorageFailed, PluginBroken, FailedPrecondition.

        A frozen clock that stands before the last recorded instant is moved there. Consumers go by `pace`, which is
        the wall clock where it is not given. With `snapshots` starts are from a columnar snapshot beside the database,
        which is written now and then and at `close`.
        """
        store = Store.open(path)
        try:
            keep_currency(store, currencies.base)
            engine = Engine(store, plugins, clock, currencies, erasure_refusal, log_keep, snapshots=snapshots)
            if isinstance(clock, FrozenClock):
                clock.move_to(engine.live.present(clock.now()))
            engine.start()
        except BaseException:
            store.close()
            raise
        service = cls(engine, pace)
        try:
            service.consumers.start()
        except BaseException:
            service.close()
            raise
        return service

    @property
    def lost(self) -> Future[None]:
        """Fails when memory cannot be trusted any more: the engine could not start again from disk."""
        return self._engine.thread.lost

    def map_to(self, directory: Path) -> None:
        """From now on keep what workers read in this directory, which is made anew; it is gone once this is closed.

        Workers have the first call on a core: the engine's thread takes turns. Raises StorageFailed.
        """
        engine = self._engine
        engine.thread.call(lambda: yield_to_others(BEHIND_WORKERS)).result()
        engine.thread.call(take_turns).result()
        engine.thread.call(lambda: MappedPublication(engine.live, engine.clock, directory)).result()

    def close(self) -> None:
        """End deliveries, finish what is queued and close the database."""
        self.consumers.close()
        self._engine.thread.stop()

    async def status(self) -> Status:
        """Counts, revision and clock."""
        return self._status(await asyncio.wrap_future(self._event_count()))

    def look(self) -> Status:
        """The same; waits for the engine's thread."""
        return self._status(self._event_count().result())

    def _event_count(self) -> Future[int]:
        return self._engine.thread.call(self._engine.store.event_count)

    def _status(self, events: int) -> Status:
        engine = self._engine
        live = engine.live
        with live.lock:
            states = Counter(entry.state for entry in live.catalogue.entries.values())
            return Status(
                live.revision,
                live.present(engine.clock.now()),
                engine.clock.frozen,
                live.published_rows - live.users.removed,
                events,
                states.total() - states[State.ARCHIVED],
                self._started,
                states[State.FAILED],
                states[State.PENDING],
                engine.clock_ahead(),
                Micros(max(0, engine.clock.now() - live.memberships.next_deadline())),
            )

    async def advance_clock(self, *, to: Micros | None = None, by: Micros | None = None) -> Advanced:
        """Move a frozen clock; every deadline and refit on the way is made at its own instant before this returns."""
        engine, clock = self._engine, self._engine.clock
        if not isinstance(clock, FrozenClock):
            raise FailedPrecondition(
                Reason.CLOCK_NOT_FROZEN, "the server runs on the wall clock; start it with --clock to move it"
            )
        transitions, target = await asyncio.wrap_future(engine.advance(clock, lambda: _target(clock, to, by)))
        return Advanced(target, engine.live.revision, transitions)


def _target(clock: Clock, to: Micros | None, by: Micros | None) -> Micros:
    target = to if to is not None else Micros(clock.now() + (by or 0))
    if not clock.now() < target <= MAX_INSTANT:
        raise InvalidInput.at("to_time" if to is not None else "by", "is not ahead of the clock")
    return target


def keep_currency(store: Store, base: str) -> None:
    """Note in which currency the database counts money. Raises FailedPrecondition where it is another one."""
    noted = store.meta("base_currency")
    if noted is not None and noted.decode() != base and store.next_user_key() > 1:
        raise FailedPrecondition(
            Reason.INVALID_REQUEST,
            f"the database counts money in {noted.decode()}, the settings say {base}; what is stored is not converted",
        )
    if noted is None or noted.decode() != base:
        with store.transaction():
            store.set_meta("base_currency", base.encode())
