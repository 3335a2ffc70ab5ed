"""An edit: judged aside, then switched to in one revision."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

import numpy as np
import orjson
from numpy.typing import NDArray

from segmentd.engine.catalogue import Catalogue, Entry, State
from segmentd.engine.plan import Fitted, Plan
from segmentd.engine.stage import Stage
from segmentd.records import ModelRecord, ProfileRecord, SegmentRecord, SwitchRecord
from segmentd.service.aside import Aside, Edit
from segmentd.service.binding import judged_with
from segmentd.service.change import Change
from segmentd.service.commit import Committer, tell_failed
from segmentd.service.live import Live
from segmentd.service.segment_info import SegmentInfo
from segmentd.service.written import Cause, Written
from segmentd.storage import Store
from segmentd.times import Clock, Micros

__all__ = ["Edit", "Switch"]


class Switch(Change):
    """One edit from its start to its revision. `run` is stepped by the engine's thread."""

    def __init__(self, live: Live, store: Store, clock: Clock, committer: Committer, edit: Edit) -> None:
        self._live = live
        self._store = store
        self._committer = committer
        self._edit = edit
        self._aside = Aside(live, store, clock, committer, edit)

    def run(self) -> Generator[None, None, int]:
        """Judge aside, one chunk a step, then switch; returns the revision."""
        aside = self._aside
        try:
            yield from aside.judge()
            instant = self._committer.next_instant()
            revision = self._committer.commit(self, instant, frozenset([*aside.names, *self._edit.deleted]))
        except BaseException:
            aside.abandon()
            raise
        aside.end()
        return revision

    def write(self, store: Store, instant: Micros) -> Written:
        """Record the new versions and models; included users who are not known are created."""
        for key, fitted in self._edit.models.items():
            store.put_model(_model_record(key, fitted))
        for name, info in self._edit.infos.items():
            created = info.create_time if info.version > 1 else instant
            dated = self._edit.infos[name] = replace(info, update_time=instant, create_time=created)
            store.put_segment_version(_segment_record(dated, self._aside.bound[name], self._live.surroundings))
        if self._edit.also is not None:
            self._edit.also.write(store, instant)
        return self._include(store, instant)

    def judged(self, store: Store, stage: Stage, revision: int, instant: Micros) -> None:
        """Log what the switch changes, and what each segment is judged with from now on.

        Raises EvaluationFailed where a new model cannot be judged with: the old one stays.
        """
        self._refuse_broken_model()
        self._aside.mark_failed()
        for name in self._aside.names:
            entry = self._aside.bound[name]
            definition = entry.definition
            store.set_segment_state(definition.segment_key, definition.version, entry.state, entry.reason)
            store.set_segment_basis(definition.segment_key, definition.version, *_basis(entry, self._live.surroundings))
            if entry.state in (State.ACTIVE, State.ARCHIVED):
                store.append_switch(self._difference(name, entry, stage, revision, instant))
        for name in sorted(self._edit.deleted):
            store.append_switch(self._difference(name, None, stage, revision, instant))
            store.delete_segment(name)

    def published(self, catalogue: Catalogue) -> Catalogue:
        """The catalogue with the new entries; the old slots are free."""
        live, bound, deleted = self._live, self._aside.bound, self._edit.deleted
        live.segments = {k: v for k, v in {**live.segments, **self._edit.infos}.items() if k not in deleted}
        for name in deleted:
            gone = catalogue.entries[name].definition.segment_key
            live.deleted_segments[name] = live.deleted_segments.get(name, frozenset()) | {gone}
        live.models.latest.update(self._edit.models)
        if self._edit.also is not None:
            self._edit.also.published()
        for key, last in self._aside.looks.items():
            live.models.looked(key, last)
        changed = (*self._aside.names, *deleted)
        replaced = [catalogue.entries[name].plan for name in changed if name in catalogue.entries]
        kept = {id(entry.plan) for entry in bound.values()}
        for plan in (*replaced, *(shadow for shadow in live.shadows if id(shadow) not in kept)):
            if plan is not None:
                live.memberships.release(plan.slot)
        live.shadows, live.shadow_failures = [], {}
        for name, entry in bound.items():
            if entry.state is State.FAILED and not _is_failed(catalogue.entries.get(name), entry.reason):
                tell_failed(name, entry.reason)
        return catalogue.with_entries({**bound, **dict.fromkeys(deleted)})

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

    def _refuse_broken_model(self) -> None:
        if self._edit.cause is not Cause.MODEL:
            return
        for name, entry in self._aside.bound.items():
            old = self._live.catalogue.entries.get(name)
            if old is not None and old.plan is not None and entry.plan is not None:
                failure = self._live.shadow_failures.get(id(entry.plan))
                if failure is not None:
                    raise failure

    def _difference(self, name: str, entry: Entry | None, stage: Stage, revision: int, instant: Micros) -> SwitchRecord:
        """From the segment as it was, if it was, to `entry`; None: it is deleted."""
        live = self._live
        old = live.catalogue.entries.get(name)
        new_bits = self._bits(entry.plan if entry is not None else None, stage)
        old_plan = old.plan if old is not None else None
        old_bits = self._bits(old_plan, stage) if old_plan is not None else self._aside.logged_members(name)
        definitions = [each.definition for each in (entry, old) if each is not None]
        return SwitchRecord(
            revision,
            definitions[0].segment_key,
            old.definition.version if old is not None else 0,
            entry.definition.version if entry is not None else 0,
            instant,
            self._edit.cause,
            entered=live.user_keys(np.flatnonzero(new_bits & ~old_bits)),
            left=live.user_keys(np.flatnonzero(old_bits & ~new_bits)),
        )

    def _bits(self, plan: Plan | None, stage: Stage) -> NDArray[np.bool_]:
        rows = len(self._live.users)
        return stage.bits(plan.slot, rows) if plan is not None else np.zeros(rows, dtype=np.bool_)


def _is_failed(entry: Entry | None, reason: str) -> bool:
    return entry is not None and entry.state is State.FAILED and entry.reason == reason


def _basis(entry: Entry, surroundings: str) -> tuple[bytes, bytes]:
    """What a version is judged with; its models are also those of the segments that it refers to."""
    models = {fitted.key: fitted.version for fitted in entry.plan.all_models} if entry.plan is not None else {}
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
