"""What the engine's thread drives: live data, the database, commits, edits, refits and recovery."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from datetime import timedelta
from typing import Any, TypeVar

from segmentd.engine.judging import EvaluationFailed
from segmentd.errors import MovesWait, StorageFailed, Unavailable
from segmentd.plugins.host import Plugins
from segmentd.records import END_OFFSET, Position
from segmentd.service.aside import DefinitionsRewritten
from segmentd.service.commit import Committer
from segmentd.service.due_moves import DueMoves
from segmentd.service.engine_thread import EngineThread, Outcome
from segmentd.service.foresight import Foresight
from segmentd.service.ingest import Ingest, Item
from segmentd.service.live import Live
from segmentd.service.loading import load
from segmentd.service.log_reader import LogReader
from segmentd.service.log_retention import EVERYTHING, LogKeep, LogRetention
from segmentd.service.preview import Preview, Trial
from segmentd.service.pruning import Pruning
from segmentd.service.purging import Purging
from segmentd.service.refits import Refits, Why
from segmentd.service.relabelling import Relabelling
from segmentd.service.revisions import Revisions
from segmentd.service.snapshots.keeper import SnapshotKeeper
from segmentd.service.switch import Edit, Switch
from segmentd.service.tail import Tail
from segmentd.service.tombstones import ERASURE_REFUSAL, Tombstones
from segmentd.service.value_types import Currencies
from segmentd.service.written import Cause
from segmentd.storage import Store
from segmentd.times import FOREVER, SECOND, Clock, FrozenClock, Micros, format_instant

T = TypeVar("T")
_log = logging.getLogger(__name__)


class Engine:
    """Opened on one database; `start` makes the moves that came due while it was down, then serves."""

    def __init__(
        self,
        store: Store,
        plugins: Plugins,
        clock: Clock,
        currencies: Currencies,
        erasure_refusal: Micros = ERASURE_REFUSAL,
        log_keep: LogKeep = EVERYTHING,
        *,
        snapshots: bool = True,
    ) -> None:
        self.store = store
        self.plugins = plugins
        self.clock = clock
        self.currencies = currencies
        self.revisions = Revisions()
        self._erasure_refusal = erasure_refusal
        self._advancing = False
        self._snapshots = snapshots
        self.live, self._stale = self._loaded()
        self.tail = Tail(Position(self.live.revision, END_OFFSET))
        self.due_moves = DueMoves(self.live, store, clock, self.revisions)
        self.committer = Committer(self.live, store, clock, self.tail, self.due_moves)
        self.thread = EngineThread(self, clock)
        self.log_reader = LogReader(store, self.thread)
        self.log_retention = LogRetention(store, self.tail, clock, self.thread, log_keep)
        self.purging = Purging(store, self.thread)
        self.pruning = Pruning(self.live, store, clock, self.committer, self.thread, self.revisions)
        self.snapshots = SnapshotKeeper(self.live, store, clock, self.thread, on=snapshots)
        self.snapshots.written(self.live.restored_revision)
        self.foresight = Foresight(self.live, clock, self.thread)
        self.refits = Refits(self.live, clock)

    def clock_ahead(self) -> Micros:
        """How far the last recorded instant is ahead of the wall clock; 0: a second or less, or the clock is frozen."""
        ahead = self.live.instant - self.clock.now()
        return Micros(ahead if ahead > SECOND and not self.clock.frozen else 0)

    def start(self) -> None:
        """Catch up with the clock, judge what has to be judged anew, and serve."""
        ahead = self.clock_ahead()
        if ahead:
            _log.warning(
                "the database has reached %s, which is %s ahead of the wall clock (was it served with --clock?); until "
                "then the clock stands there and nobody leaves a segment because time passes",
                format_instant(self.live.instant),
                timedelta(seconds=ahead // SECOND),
            )
        self._catch_up()
        self.purging.start()
        self.thread.start()

    def write_group(self, items: Sequence[Item]) -> Outcome:
        """Commit these items as one group."""
        instant = self.committer.next_instant()
        derivations = self.plugins.derivations
        ingest = Ingest(self.live, self.store, derivations, self.currencies, items, instant)
        if not ingest.empty:
            self.committer.commit(ingest, instant)
            self._refit_doubled()
            self.log_retention.begin_due()
            self.snapshots.begin_due()
            self.live.publication.try_again()
        self.revisions.publish(self.live.revision)
        return Outcome(ingest.results, self.live.revision)

    def tick(self) -> Micros:
        """Make all moves that are due; the instant at which the stored answers are right.

        Raises MovesWait where they cannot be recorded; StorageFailed where the database cannot be read either.
        """
        try:
            return self._tick()
        except MovesWait:
            raise
        except StorageFailed as error:  # the commit is in the database all the same
            self.recover()
            raise MovesWait(error.message) from error

    def step(self) -> None:
        """Make some of the moves that are due: one commit of a wave. What else is due is queued behind it."""
        if not self.due_moves.wait():
            with suppress(MovesWait):
                if not self.committer.step(self.live.present(self.clock.now())):
                    self.due_moves.none_left()
        self.refit_due()
        self.pruning.begin_due()
        self.log_retention.begin_due()
        self.snapshots.begin_due()
        self.foresight.begin_due()
        self.live.publication.try_again()
        self.revisions.publish(self.live.revision)

    def next_deadline(self) -> int:
        """When some horizon may come due, or near; a model by its schedule, old events or an old log; else FOREVER.

        Or when what readers see may be published again.
        """
        deadline = self.live.memberships.next_deadline()
        keeping = min(self.pruning.next_due(), self.log_retention.next_due(), self.foresight.next_due(deadline))
        return min(self.due_moves.next_due(), self.next_refit(), keeping, self.live.publication.next_try())

    def next_refit(self) -> int:
        """When a model is due by its schedule that is not queued yet, or FOREVER; an advance sees to all of them."""
        return FOREVER if self._advancing else self.refits.next_due()

    def refit_due(self) -> None:
        """Queue a new fit of the models that are due."""
        if self.next_refit() <= self.clock.now():
            self._queue_refit([key for key in self.refits.due() if key not in self.refits.queued], Why.SCHEDULE)

    def recover(self) -> None:
        """Start again from disk. Raises StorageFailed where it cannot be read; what cannot be written is put off."""
        self._load_again()
        try:
            self._tick()
        except MovesWait:
            return
        except StorageFailed as error:  # the commit is in the database all the same
            self._load_again()
            self.due_moves.put_off(error)
            return
        try:
            self._judge_stale()
        except StorageFailed as error:
            _log.error("segments that answered nothing could not be judged anew: %s", error)
            self._load_again()  # memory may be ahead once more
        self._refit_doubled()

    def close(self) -> None:
        """Give up the database, with a snapshot beside it."""
        self.purging.stop()
        self.snapshots.at_stop()
        try:
            self.live.publication.close()
        finally:
            self.log_reader.close()  # the one that writes closes last, and checkpoints
            self.store.close()

    def edit(self, make: Callable[[], Edit], seen: Callable[[int], T]) -> Future[T]:
        """Queue an edit; `make` looks at what is there when its turn comes.

        The future gives what `seen` makes of the revision, before anything else changes.
        """
        return self.thread.background(_seen(self._edited(make), seen))

    def preview(self, make: Callable[[], Edit], sample_size: int) -> Future[Preview]:
        """Queue an edit that is judged and thrown away; what it would change."""
        return self.thread.background(self._previewed(make, sample_size))

    def refit(self, keys: Sequence[str]) -> Future[int]:
        """Queue a new fit of these models and the switch to them; the revision."""
        return self.thread.background(self._refitted(keys, Why.REQUEST))

    def advance(self, clock: FrozenClock, target: Callable[[], Micros]) -> Future[tuple[int, Micros]]:
        """Queue a move of the engine's clock to `target`: what is due on the way is made at its own instant.

        The future gives how many memberships changed on the way, and the target.
        """
        return self.thread.background(self._advanced(clock, target))

    def _loaded(self) -> tuple[Live, list[str]]:
        live, stale = load(self.store, self.plugins, snapshots=self._snapshots)
        live.tombstones = Tombstones.load(self.store, self._erasure_refusal)
        return live, stale

    def _catch_up(self) -> None:
        self._tick()
        self._judge_stale()
        self._refit_doubled()  # it may have doubled before the stop

    def _tick(self) -> Micros:
        now = self.live.present(self.clock.now())
        self.committer.catch_up(now)
        self.revisions.publish(self.live.revision)
        self.refit_due()
        self.pruning.begin_due()
        self.log_retention.begin_due()
        return now

    def _load_again(self) -> None:
        self.snapshots.forget()
        live, self._stale = self._loaded()
        self.live.adopt(live)
        self.tail.clear(self.live.revision)
        self.refits.queued.clear()
        self.pruning.forget()

    def _judge_stale(self) -> None:
        """Judge what answers nothing since the last load, though it might."""
        if self._stale:
            names, self._stale = frozenset(self._stale), []
            for _ in self._switch(Edit(Cause.TYPE, again=names)):
                pass

    def _edited(self, make: Callable[[], Edit]) -> Generator[None, None, int]:
        while True:
            edit = make()
            if Relabelling.suits(self.live, edit):
                return self._relabelled(edit)
            try:
                return (yield from self._switch(edit))
            except DefinitionsRewritten:
                continue

    def _relabelled(self, edit: Edit) -> int:
        change = Relabelling(self.live, self.plugins.segment_types, edit)
        revision = self.committer.commit(change, self.committer.next_instant())
        self.revisions.publish(revision)
        return revision

    def _switch(self, edit: Edit) -> Generator[None, None, int]:
        while True:
            switch = Switch(self.live, self.store, self.clock, self.committer, edit)
            try:
                revision = yield from switch.run()
                break
            except DefinitionsRewritten:
                if edit.infos:  # what they say has to be looked at again
                    raise
        self.revisions.publish(revision)
        self._refit_doubled()  # writes that came meanwhile did not know of the edit's models
        return revision

    def _previewed(self, make: Callable[[], Edit], sample_size: int) -> Generator[None, None, Preview]:
        self.tick()
        while True:
            trial = Trial(self.live, self.store, self.clock, self.committer, make(), sample_size)
            try:
                return (yield from trial.run())
            except DefinitionsRewritten:
                continue

    def _refitted(self, keys: Sequence[str], why: Why) -> Generator[None, None, int]:
        try:
            edit = self.refits.edit(keys, why)
            if edit is not None:
                yield from self._switched_to(edit, why)
                self.refits.made()
        except StorageFailed:
            self.refits.no_room()
            raise
        finally:
            self.refits.queued.difference_update(keys)
        return self.live.revision

    def _switched_to(self, edit: Edit, why: Why) -> Generator[None, None, int]:
        """Switch to new models. By schedule, those that cannot be judged with stay away alone."""
        try:
            return (yield from self._switch(edit))
        except EvaluationFailed as error:
            if why is not Why.SCHEDULE:
                raise
            _log.error("a model that was fitted by schedule cannot be judged with: %s", error.message)
        if len(edit.models) > 1:
            for part in self.refits.one_by_one(edit):
                yield from self._switched_to(part, why)
        return self.live.revision

    def _advanced(self, clock: FrozenClock, target: Callable[[], Micros]) -> Generator[None, None, tuple[int, Micros]]:
        before, until = self.tail.appended, target()
        self._advancing = True
        try:
            while (due := max(self.refits.next_due(with_queued=True), clock.now())) <= until:
                yield from self._moved(clock, Micros(due))
                yield from self._refitted(self.refits.due(), Why.SCHEDULE)
            yield from self._moved(clock, until)
        finally:
            self._advancing = False
        return self.tail.appended - before, until

    def _moved(self, clock: FrozenClock, to: Micros) -> Generator[None, None, None]:
        if to > clock.now():
            clock.move_to(to)
            self.live.publication.set_clock(clock)
        while self.committer.step(self.live.present(clock.now())):
            yield
        self.revisions.publish(self.live.revision)

    def _refit_doubled(self) -> None:
        """Refit by itself what may have doubled. The write before it stands, whatever becomes of this."""
        try:
            for key in self.refits.worth_a_fit():
                self._queue_refit([key], Why.DOUBLED)
        except Exception:  # noqa: BLE001  (a plugin may raise anything)
            _log.exception("models were not looked at")

    def _queue_refit(self, keys: Sequence[str], why: Why) -> None:
        # Noted first: what the thread refuses because it stops must not be due at its next step again.
        self.refits.queued.update(keys)
        with suppress(Unavailable):
            self._log_failure_of(self.thread.background(self._refitted(keys, why)))

    def _log_failure_of(self, future: Future[Any]) -> None:
        future.add_done_callback(_report)


def _seen(steps: Generator[None, None, int], seen: Callable[[int], T]) -> Generator[None, None, T]:
    return seen((yield from steps))


def _report(future: Future[Any]) -> None:
    if not future.cancelled() and future.exception() is not None:
        _log.error("background work failed: %s", future.exception())
