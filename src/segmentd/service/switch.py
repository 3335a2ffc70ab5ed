"""An edit: new plans are judged aside in slots of their own, then switched to in one revision.

While they are judged, writes and deadlines reach them too, and everybody is answered by the old plans.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import orjson

from segmentd.engine.catalogue import Catalogue, Entry, State
from segmentd.engine.compile import check_kinds, references
from segmentd.engine.judging import EvaluationFailed, Pass
from segmentd.engine.models import model_conditions
from segmentd.engine.plan import Fitted, Plan
from segmentd.engine.reevaluate import StoredVerdicts
from segmentd.engine.rule import Node
from segmentd.engine.stage import Stage
from segmentd.errors import PluginBroken, Reason, SegmentdError, Unavailable
from segmentd.records import ModelRecord, ProfileRecord, SegmentRecord, SwitchRecord
from segmentd.service.binding import bind_entry, judged_with, needed_events, waiting
from segmentd.service.commit import Committer
from segmentd.service.event_loading import drop_tables, load_tables
from segmentd.service.live import Live
from segmentd.service.segment_info import SegmentInfo
from segmentd.service.written import Cause, Written
from segmentd.storage import Store
from segmentd.times import Clock, Micros

CHUNK: Final = 65_536
"""Rows judged between two turns of the engine's thread."""


@dataclass(slots=True)
class Edit:
    """What is to change: new versions of segments, models fitted again, segments to judge anew as they are."""

    cause: Cause
    entries: dict[str, Entry] = field(default_factory=dict)
    infos: dict[str, SegmentInfo] = field(default_factory=dict)
    models: dict[str, Fitted] = field(default_factory=dict)
    again: frozenset[str] = frozenset()


class Switch:
    """One edit from its start to its revision. `run` is stepped by the engine's thread."""

    def __init__(self, live: Live, store: Store, clock: Clock, committer: Committer, edit: Edit) -> None:
        self._live = live
        self._store = store
        self._clock = clock
        self._committer = committer
        self._edit = edit
        self._candidate = live.catalogue.with_entries(edit.entries)
        self._names = self._candidate.dependants([*edit.entries, *edit.again])
        self._bound: dict[str, Entry] = {}
        self._unfit: dict[str, PluginBroken] = {}

    def run(self) -> Generator[None, None, int]:
        """Judge aside, one chunk a step, then switch; returns the revision."""
        live = self._live
        rules = [self._candidate.entries[name].definition.rule for name in self._names]
        load_tables(live, self._store, needed_events(rules))
        self._fit_missing(rules)
        try:
            self._bind()
            plans = [entry.plan for entry in self._bound.values() if entry.plan is not None]
            live.shadows, live.shadow_failures = plans, {}
            yield from self._judge_all(plans)
            instant = self._committer.next_instant()
            revision = self._committer.commit(self, instant, frozenset(self._names))
        except BaseException:
            self._abandon()
            raise
        drop_tables(live, needed_events([each.definition.rule for each in live.catalogue.entries.values()]))
        return revision

    def write(self, store: Store, instant: Micros) -> Written:
        """Record the new versions and models; included users who are not known are created."""
        for key, fitted in self._edit.models.items():
            store.put_model(_model_record(key, fitted))
        for name, info in self._edit.infos.items():
            created = info.create_time if info.version > 1 else instant
            dated = self._edit.infos[name] = replace(info, update_time=instant, create_time=created)
            store.put_segment_version(_segment_record(dated, self._bound[name], self._live.surroundings))
        return self._include(store, instant)

    def judged(self, store: Store, stage: Stage, revision: int, instant: Micros) -> None:
        """Log what the switch changes, and what each segment is judged with from now on."""
        self._mark_failed()
        for name in self._names:
            entry = self._bound[name]
            definition = entry.definition
            store.set_segment_state(definition.segment_key, definition.version, entry.state, entry.reason)
            store.set_segment_basis(definition.segment_key, definition.version, *_basis(entry, self._live.surroundings))
            if entry.state in (State.ACTIVE, State.ARCHIVED):
                store.append_switch(self._difference(name, entry, stage, revision, instant))

    def published(self, catalogue: Catalogue) -> Catalogue:
        """The catalogue with the new entries; the old slots are free."""
        live = self._live
        live.segments = {**live.segments, **self._edit.infos}
        live.models.latest.update(self._edit.models)
        replaced = [catalogue.entries[name].plan for name in self._names if name in catalogue.entries]
        kept = {id(entry.plan) for entry in self._bound.values()}
        for plan in (*replaced, *(shadow for shadow in live.shadows if id(shadow) not in kept)):
            if plan is not None:
                live.memberships.release(plan.slot)
        live.shadows, live.shadow_failures = [], {}
        return catalogue.with_entries(self._bound)

    def _include(self, store: Store, instant: Micros) -> Written:
        live, written = self._live, Written()
        included = {user for info in self._edit.infos.values() for user in info.spec.include}
        new = {user: live.next_user_key + i for i, user in enumerate(sorted(included - live.users.index.keys()))}
        store.insert_users([(key, user) for user, key in new.items()])
        store.write_profiles([ProfileRecord(key, create_time=instant, update_time=instant) for key in new.values()])
        for user, key in new.items():
            writes = written.row(live.add_user(user, key))
            writes.new = writes.defined = True
        return written

    def _fit_missing(self, rules: list[Node]) -> None:
        """Fit the models that the edit needs and nobody has fitted yet, where there is somebody to learn from."""
        for key, condition in model_conditions(rules).items():
            if self._model(key) is None:
                at = self._live.present(self._clock.now())
                try:
                    model = self._live.models.fit(key, condition, self._live.users, at)
                except PluginBroken as error:
                    self._unfit[key] = error
                    continue
                if model is not None:
                    self._edit.models[key] = Fitted(key, self._live.models.next_version(key), model, at)

    def _model(self, key: str) -> Fitted | None:
        if key in self._unfit:
            raise self._unfit[key]
        return self._edit.models.get(key) or self._live.models.get(key)

    def _bind(self) -> None:
        for name in self._names:
            self._bound[name] = bind_entry(
                self._candidate.entries[name], {**self._candidate.entries, **self._bound}, self._live, self._model
            )

    def _judge_all(self, plans: list[Plan]) -> Generator[None, None, None]:
        start, memberships = 0, self._live.memberships
        while start < len(self._live.users):
            stop = min(start + CHUNK, len(self._live.users))
            self._judge(plans, start, stop)
            start = stop
            yield
            if self._live.memberships is not memberships:
                raise Unavailable(Reason.STORAGE_FAILED, "the engine started again from disk; make the edit again")

    def _judge(self, plans: list[Plan], start: int, stop: int) -> None:
        live = self._live
        now = live.present(self._clock.now())
        self._committer.catch_up(now)
        now = live.present(now)
        users = live.users.span(start, stop, now)
        memberships = live.memberships
        stored = StoredVerdicts(memberships.words[start:stop], memberships.horizons[start:stop].copy())
        judging = Pass(users, users.at, stored)
        for plan in plans:
            try:
                verdict = judging.verdict(plan)
            except EvaluationFailed as error:
                live.shadow_failures.setdefault(id(plan), error)
                continue
            memberships.fill(plan.slot, start, verdict.member)
            memberships.lower_horizons(start, verdict.holds_until)

    def _mark_failed(self) -> None:
        """Fail what could not be judged, or does not fit what became known of kinds meanwhile; dependants too."""
        for name in self._names:
            entry = self._bound[name]
            if entry.plan is None:
                continue
            failed = [each for each in references(entry.definition.rule) if self._lost(each.segment_id)]
            if failed:
                target = failed[0].segment_id
                self._bound[name] = waiting(entry, target, self._bound[target])
                continue
            try:
                check_kinds(entry.definition.rule, self._live.schema)
                if id(entry.plan) in self._live.shadow_failures:
                    raise self._live.shadow_failures[id(entry.plan)]
            except SegmentdError as error:
                self._bound[name] = replace(entry, state=State.FAILED, reason=error.message, plan=None)

    def _lost(self, name: str) -> bool:
        return name in self._bound and self._bound[name].plan is None

    def _difference(self, name: str, entry: Entry, stage: Stage, revision: int, instant: Micros) -> SwitchRecord:
        live = self._live
        rows = len(live.users)
        old = live.catalogue.entries.get(name)
        key = entry.definition.segment_key
        new_bits = stage.bits(entry.plan.slot, rows) if entry.plan is not None else np.zeros(rows, dtype=np.bool_)
        if old is not None and old.plan is not None:
            old_bits = stage.bits(old.plan.slot, rows)
        else:
            old_bits = np.zeros(rows, dtype=np.bool_)
            old_bits[live.rows_of(self._store.members(key))] = True
        return SwitchRecord(
            revision,
            key,
            old.definition.version if old is not None else 0,
            entry.definition.version,
            instant,
            self._edit.cause,
            entered=live.user_keys(np.flatnonzero(new_bits & ~old_bits)),
            left=live.user_keys(np.flatnonzero(old_bits & ~new_bits)),
        )

    def _abandon(self) -> None:
        live = self._live
        for entry in self._bound.values():
            if entry.plan is not None and entry.plan in live.shadows:
                live.memberships.release(entry.plan.slot)
        live.shadows, live.shadow_failures = [], {}


def _basis(entry: Entry, surroundings: str) -> tuple[bytes, bytes]:
    models = {fitted.key: fitted.version for fitted in entry.plan.models} if entry.plan is not None else {}
    return orjson.dumps(judged_with(entry.definition.rule, surroundings)), orjson.dumps(models)


def _segment_record(info: SegmentInfo, entry: Entry, surroundings: str) -> SegmentRecord:
    return SegmentRecord(
        info.segment_key,
        info.spec.segment_id,
        info.version,
        info.spec.dump(),
        entry.state,
        entry.reason,
        info.author,
        info.note,
        info.update_time,
        *_basis(entry, surroundings),
    )


def _model_record(key: str, fitted: Fitted) -> ModelRecord:
    type_name, params = orjson.loads(key)
    model = fitted.model
    return ModelRecord(
        key,
        fitted.version,
        type_name,
        orjson.dumps(params),
        orjson.dumps(model.data),
        model.size,
        orjson.dumps(model.summary),
        Micros(fitted.fit_time),
    )
