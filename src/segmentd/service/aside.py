"""Judging aside: new plans get slots of their own, which writes and deadlines reach too while all rows are judged.

Everybody is answered by the old plans meanwhile. What is judged aside is switched to, or thrown away.
"""

from __future__ import annotations

from collections.abc import Collection, Generator
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from segmentd.engine.abreast import judge_abreast, spare_cores, stretches
from segmentd.engine.catalogue import Entry, State
from segmentd.engine.compile import check_kinds, references
from segmentd.engine.judging import Pass
from segmentd.engine.models import Look, fit, look, model_conditions
from segmentd.engine.plan import Fitted, Plan
from segmentd.engine.reevaluate import StoredVerdicts
from segmentd.engine.rule import Node
from segmentd.engine.settling import settle
from segmentd.errors import PluginBroken, Reason, SegmentdError, Unavailable
from segmentd.service.binding import bind_entry, needed_events, waiting
from segmentd.service.commit import Committer
from segmentd.service.event_loading import drop_tables, load_tables
from segmentd.service.live import Live
from segmentd.service.scrubbing import named_ids
from segmentd.service.segment_info import SegmentInfo
from segmentd.service.written import Cause
from segmentd.storage import Store
from segmentd.times import Clock, Micros

CHUNK: Final = 65_536
"""Rows judged between two turns of the engine's thread."""


class Companion(Protocol):
    """What an edit changes besides segments and models."""

    def write(self, store: Store, instant: Micros) -> None:
        """Change the database, inside the transaction of the switch."""

    def published(self) -> None:
        """Change what is published, under the lock."""


class DefinitionsRewritten(Exception):
    """An erasure took ids out of definitions in force meanwhile: the edit has to be made again, from what they say."""


@dataclass(slots=True)
class Edit:
    """What is to change: new versions, segments `deleted` for good, models fitted again, segments to judge anew."""

    cause: Cause
    entries: dict[str, Entry] = field(default_factory=dict)
    infos: dict[str, SegmentInfo] = field(default_factory=dict)
    models: dict[str, Fitted] = field(default_factory=dict)
    again: frozenset[str] = frozenset()
    deleted: frozenset[str] = frozenset()
    also: Companion | None = None


class Aside:
    """The segments that an edit changes, and their dependants, beside those in force. One at a time."""

    def __init__(self, live: Live, store: Store, clock: Clock, committer: Committer, edit: Edit) -> None:
        self._live = live
        self._store = store
        self._clock = clock
        self._committer = committer
        self._edit = edit
        gone = dict.fromkeys(edit.deleted)
        self._candidate = live.catalogue.with_entries({**edit.entries, **gone})
        self.names = self._candidate.dependants([*edit.entries, *edit.again])
        """In dependency order; without those that are deleted."""
        self.bound: dict[str, Entry] = {}
        self.looks: dict[str, Look] = {}
        """What was written when each model was last looked at for this edit."""
        self._memberships = live.memberships
        self._rewrites = live.rewrites
        self._plans: list[Plan] = []
        self._unfit: dict[str, PluginBroken] = {}

    def judge(self) -> Generator[None, None, None]:
        """Learn what is missing, bind, and judge all rows, one chunk a step.

        Raises DefinitionsRewritten, and FailedPrecondition (USER_ERASED) where the edit names an erased user.
        """
        rules = [self._candidate.entries[name].definition.rule for name in self.names]
        load_tables(self._live, self._store, needed_events(rules))
        self._memberships = self._live.memberships
        self._live.forget_foreseen()  # nobody foresees what the new plans will say
        self._learn(rules)
        self._bind()
        self._live.shadows, self._live.shadow_failures = list(self._plans), {}
        yield from self._judge_all()
        if self._live.rewrites != self._rewrites:
            raise DefinitionsRewritten
        for info in self._edit.infos.values():
            self._live.tombstones.check(named_ids(info.spec), self._live.present(self._clock.now()))

    def mark_failed(self) -> None:
        """Fail what could not be judged, or does not fit what became known of kinds meanwhile; dependants too."""
        for name in self.names:
            entry = self.bound[name]
            if entry.plan is None:
                continue
            failed = [each for each in references(entry.definition.rule) if self._lost(each.segment_id)]
            if failed:
                target = failed[0].segment_id
                self.bound[name] = waiting(entry, target, self.bound[target])
                continue
            try:
                check_kinds(entry.definition.rule, self._live.schema)
                if id(entry.plan) in self._live.shadow_failures:
                    raise self._live.shadow_failures[id(entry.plan)]
            except SegmentdError as error:
                self.bound[name] = replace(entry, state=State.FAILED, reason=error.message, plan=None)

    def logged_members(self, name: str) -> NDArray[np.bool_]:
        """Who is in a segment that does not answer, as the log leaves it, bool (rows,)."""
        bits = np.zeros(len(self._live.users), dtype=np.bool_)
        entry = self._live.catalogue.entries.get(name)
        if entry is not None:
            bits[self._live.rows_of(self._store.members(entry.definition.segment_key))] = True
        return bits

    def end(self) -> None:
        """Forget the events that nothing reads any more."""
        entries = self._live.catalogue.entries.values()
        drop_tables(self._live, needed_events([each.definition.rule for each in entries]))

    def abandon(self) -> None:
        """Throw everything away; harmless where the engine started again from disk meanwhile."""
        live = self._live
        if live.memberships is self._memberships:
            for plan in self._plans:
                live.memberships.release(plan.slot)
            live.memberships.sweep()
        live.shadows, live.shadow_failures = [], {}
        self.end()

    def _learn(self, rules: list[Node]) -> None:
        """Fit the models that the edit needs and nobody is judged with now, where there is somebody to learn from.

        One that was left behind by segments that are gone is as old as they are; it is fitted again.
        """
        live = self._live
        used = _models_in_use(live)
        for key, condition in model_conditions(rules).items():
            fitted = self._model(key)
            if key not in self._edit.models and (fitted is None or key not in used):
                at = live.present(self._clock.now())
                try:
                    model = fit(condition, live.users, at)
                except PluginBroken as error:
                    self._unfit[key] = error
                    continue
                if model is not None:
                    fitted = self._edit.models[key] = Fitted(key, live.models.next_version(key), model, at)
            if fitted is None or key in self._edit.models:
                self.looks[key] = look(condition, live.users, fitted.model.size if fitted is not None else 0)

    def _model(self, key: str) -> Fitted | None:
        if key in self._unfit:
            raise self._unfit[key]
        return self._edit.models.get(key) or self._live.models.get(key)

    def _bind(self) -> None:
        for name in self.names:
            others = {**self._candidate.entries, **self.bound}
            entry = self.bound[name] = bind_entry(self._candidate.entries[name], others, self._live, self._model)
            if entry.plan is not None:
                self._plans.append(entry.plan)

    def _judge_all(self) -> Generator[None, None, None]:
        start = 0
        while start < len(self._live.users):
            stop = min(start + CHUNK, len(self._live.users))
            self._judge(start, stop)
            start = stop
            yield
            if self._live.memberships is not self._memberships:
                raise Unavailable(Reason.STORAGE_FAILED, "the engine started again from disk; make the edit again")

    def _judge(self, start: int, stop: int) -> None:
        live = self._live
        self._committer.catch_up(live.present(self._clock.now()))
        now = live.present(self._clock.now())
        passes = {begin: self._pass(begin, end, now) for begin, end in stretches(start, stop, spare_cores())}
        judge_abreast(list(passes.values()), self._plans)
        for begin, judging in passes.items():
            for key, error in settle(live.memberships, judging, self._plans, begin).items():
                live.shadow_failures.setdefault(key, error)

    def _pass(self, start: int, stop: int, now: Micros) -> Pass:
        users, memberships = self._live.users.span(start, stop, now), self._live.memberships
        stored = StoredVerdicts(memberships.words[start:stop], memberships.horizons[start:stop].copy())
        return Pass(users, users.at, stored)

    def _lost(self, name: str) -> bool:
        return name in self.bound and self.bound[name].plan is None


def _models_in_use(live: Live) -> Collection[str]:
    """The keys of the models that segments need that are not archived."""
    entries = live.catalogue.entries.values()
    return model_conditions([each.definition.rule for each in entries if each.state is not State.ARCHIVED]).keys()
