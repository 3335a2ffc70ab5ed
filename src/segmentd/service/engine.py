"""What the engine's thread drives: live data, the database, commits, edits, refits and recovery."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from segmentd.engine.catalogue import Catalogue, State
from segmentd.engine.compile import conditions, model_key
from segmentd.engine.models import model_conditions
from segmentd.engine.plan import Fitted
from segmentd.engine.rule import Condition
from segmentd.plugins.host import Plugins
from segmentd.records import END_OFFSET, Position
from segmentd.service.commit import Committer
from segmentd.service.engine_thread import EngineThread, Outcome
from segmentd.service.ingest import Ingest, Item
from segmentd.service.loading import load
from segmentd.service.log_reader import LogReader
from segmentd.service.revisions import Revisions
from segmentd.service.switch import Edit, Switch
from segmentd.service.tail import Tail
from segmentd.service.value_types import Currencies
from segmentd.service.written import Cause
from segmentd.storage import Store
from segmentd.times import Clock

T = TypeVar("T")
_log = logging.getLogger(__name__)


class Engine:
    """Opened on one database; `start` makes the moves that came due while it was down, then serves."""

    def __init__(self, store: Store, plugins: Plugins, clock: Clock, currencies: Currencies) -> None:
        self.store = store
        self.plugins = plugins
        self.clock = clock
        self.currencies = currencies
        self.revisions = Revisions()
        self.live, self._stale = load(store, plugins)
        self.committer = Committer(self.live, store, clock)
        self.thread = EngineThread(self, clock)
        self.tail = Tail(Position(self.live.revision, END_OFFSET))
        self.log_reader = LogReader(store, self.thread)
        self._refitting: set[str] = set()
        self._learning: tuple[Catalogue | None, Mapping[str, Condition]] = None, {}

    def start(self) -> None:
        """Catch up with the clock, judge what has to be judged anew, and serve."""
        self._catch_up()
        self.thread.start()

    def write_group(self, items: Sequence[Item]) -> Outcome:
        """Commit these items as one group."""
        instant = self.committer.next_instant()
        derivations = self.plugins.derivations
        ingest = Ingest(self.live, self.store, derivations, self.currencies, items, instant)
        if not ingest.empty:
            self.committer.commit(ingest, instant)
            self._refit_doubled()
        self.revisions.publish(self.live.revision)
        return Outcome(ingest.results, self.live.revision)

    def tick(self) -> None:
        """Make all moves that are due."""
        self.committer.catch_up(self.live.present(self.clock.now()))
        self.revisions.publish(self.live.revision)

    def step(self) -> None:
        """Make some of the moves that are due: one commit of a wave."""
        self.committer.step(self.live.present(self.clock.now()))
        self.revisions.publish(self.live.revision)

    def next_deadline(self) -> int:
        """When some horizon may come due, or FOREVER."""
        return self.live.memberships.next_deadline()

    def recover(self) -> None:
        """Start again from disk."""
        live, self._stale = load(self.store, self.plugins)
        self.live.adopt(live)
        self.tail.clear(self.live.revision)
        self._refitting.clear()
        self._catch_up()

    def close(self) -> None:
        """Give up the database."""
        self.log_reader.close()  # the one that writes closes last, and checkpoints
        self.store.close()

    def edit(self, make: Callable[[], Edit], seen: Callable[[int], T]) -> Future[T]:
        """Queue an edit; `make` looks at what is there when its turn comes.

        The future gives what `seen` makes of the revision, before anything else changes.
        """
        return self.thread.background(_seen(self._edited(make), seen))

    def refit(self, condition_keys: Sequence[str], *, only_if_doubled: bool = False) -> Future[int]:
        """Queue a new fit of these models and the switch to them."""
        return self.thread.background(self._refitted(condition_keys, only_if_doubled))

    def _catch_up(self) -> None:
        self.tick()
        if self._stale:
            names, self._stale = frozenset(self._stale), []
            for _ in self._switch(Edit(Cause.TYPE, again=names)):
                pass
        self._refit_doubled()  # it may have doubled before the stop

    def _edited(self, make: Callable[[], Edit]) -> Generator[None, None, int]:
        return (yield from self._switch(make()))

    def _switch(self, edit: Edit) -> Generator[None, None, int]:
        revision = yield from Switch(self.live, self.store, self.clock, self.committer, edit).run()
        self.revisions.publish(revision)
        self._refit_doubled()  # writes that came meanwhile did not know of the edit's models
        return revision

    def _refitted(self, keys: Sequence[str], only_if_doubled: bool) -> Generator[None, None, int]:
        try:
            edit = self._refit_edit(keys, only_if_doubled)
            if edit is None:
                return self.live.revision
            return (yield from self._switch(edit))
        finally:
            self._refitting.difference_update(keys)

    def _refit_edit(self, keys: Sequence[str], only_if_doubled: bool) -> Edit | None:
        live = self.live
        at = live.present(self.clock.now())
        models: dict[str, Fitted] = {}
        known = self._model_conditions()
        for key in keys:
            model = live.models.fit(key, known[key], live.users, at) if key in known else None
            before = live.models.get(key)
            if model is None or (only_if_doubled and before and model.size < 2 * before.model.size):
                continue
            models[key] = Fitted(key, live.models.next_version(key), model, at)
        users = frozenset(
            name
            for name, entry in live.catalogue.entries.items()
            if entry.state is not State.ARCHIVED
            and any(model_key(each) in models for each in conditions(entry.definition.rule))
        )
        return Edit(Cause.MODEL, models=models, again=users) if models else None

    def _model_conditions(self) -> Mapping[str, Condition]:
        """By model key; found once for each catalogue, because every write asks."""
        catalogue, found = self._learning
        if catalogue is not self.live.catalogue:
            catalogue = self.live.catalogue
            entries = catalogue.entries.values()
            found = model_conditions([entry.definition.rule for entry in entries if entry.state is not State.ARCHIVED])
            self._learning = catalogue, found
        return found

    def _refit_doubled(self) -> None:
        """Refit by itself what may have doubled. The write before it stands, whatever becomes of this."""
        try:
            for key, condition in self._model_conditions().items():
                if key not in self._refitting and self.live.models.worth_a_fit(key, condition, self.live.users):
                    self._log_failure_of(self.refit([key], only_if_doubled=True))
                    self._refitting.add(key)
        except Exception:  # noqa: BLE001  (a plugin may raise anything, and the thread refuses work when it stops)
            _log.exception("models were not looked at")

    def _log_failure_of(self, future: Future[Any]) -> None:
        future.add_done_callback(_report)


def _seen(steps: Generator[None, None, int], seen: Callable[[int], T]) -> Generator[None, None, T]:
    return seen((yield from steps))


def _report(future: Future[Any]) -> None:
    if not future.cancelled() and future.exception() is not None:
        _log.error("background work failed: %s", future.exception())
