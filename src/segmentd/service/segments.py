"""Defining segments: create, update, archive, refit and look at them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from segmentd.engine.catalogue import Entry, State, check_references
from segmentd.engine.compile import check_kinds, conditions, model_key, references
from segmentd.engine.plan import Fitted
from segmentd.errors import AlreadyExists, Conflict, FailedPrecondition, InvalidInput, NotFound, Reason
from segmentd.plugins.segment_type import SegmentType
from segmentd.records import SegmentRecord
from segmentd.service.engine import Engine
from segmentd.service.segment_info import NOBODY, SegmentInfo, SegmentSpec
from segmentd.service.switch import Edit
from segmentd.service.written import Cause
from segmentd.times import Micros

T = TypeVar("T")
FIELDS: Final = frozenset({"name", "description", "owner", "labels", "rule", "include", "exclude"})
"""The parts of a definition that an update can name."""


@dataclass(frozen=True, slots=True)
class SegmentView:
    """A segment as it stands: its latest version, state and models; `size` where it is active."""

    info: SegmentInfo
    state: State
    reason: str
    models: tuple[Fitted, ...]
    size: int | None
    revision: int


class Segments:
    """The use cases of SegmentService."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._live = engine.live

    def types(self) -> Mapping[str, SegmentType[Any]]:
        """The segment types that rules can use, by name."""
        return self._engine.plugins.segment_types

    def get(self, segment_id: str) -> SegmentView:
        """One segment, archived or not. Raises NotFound."""
        live = self._live
        with live.lock:
            info, entry = live.segments.get(segment_id), live.catalogue.entries.get(segment_id)
            if info is None or entry is None:
                raise _not_found(segment_id)
            size = int(live.memberships.counts[entry.plan.slot]) if entry.plan is not None else None
            models = entry.plan.models if entry.plan is not None else ()
            return SegmentView(info, entry.state, entry.reason, models, size, live.revision)

    def select(self, labels: Mapping[str, str], *, archived: bool) -> list[SegmentView]:
        """The segments with these labels, by id."""
        views = [self.get(name) for name in sorted(self._live.segments)]
        return [
            view
            for view in views
            if labels.items() <= dict(view.info.spec.labels).items() and (archived or view.state is not State.ARCHIVED)
        ]

    async def create(self, spec: SegmentSpec, author: str, note: str) -> SegmentView:
        """Define a new segment; judged for all users when this returns. An archived id may be used again."""
        spec.check()
        return await self._edit(spec.segment_id, lambda: self._creation(spec, author, note))

    async def update(
        self, spec: SegmentSpec, fields: Collection[str], etag: str, author: str, note: str
    ) -> SegmentView:
        """Change the named fields to those of `spec`; a change of nothing makes no version."""
        current = self.get(spec.segment_id)
        changed = replace(current.info.spec, **{name: getattr(spec, name) for name in fields})
        changed.check()
        if changed == current.info.spec and current.state is not State.ARCHIVED:
            _check_etag(current.info, etag)
            return current
        return await self._edit(spec.segment_id, lambda: self._update(spec, fields, etag, author, note))

    async def archive(self, segment_id: str, etag: str) -> SegmentView:
        """All members leave; the versions remain."""
        return await self._edit(segment_id, lambda: self._archival(segment_id, etag))

    async def refit(self, segment_id: str) -> SegmentView:
        """Fit the segment's models on the data of now, and judge all that share them."""
        keys = await self._on_engine(lambda: self._model_keys(segment_id))
        before = self._live.revision
        revision = await asyncio.wrap_future(self._engine.refit(keys))
        if revision == before and not self.get(segment_id).models:
            raise FailedPrecondition(
                Reason.NO_MODEL, f"segment {segment_id} has nobody to learn from yet", {"segment_id": segment_id}
            )
        return self.get(segment_id)

    async def versions(self, segment_id: str) -> list[SegmentRecord]:
        """All versions, the latest first. Raises NotFound."""
        self.get(segment_id)
        found = await self._on_engine(lambda: self._engine.store.segment_versions(segment_id))
        return found[::-1]

    async def _edit(self, segment_id: str, make: Callable[[], Edit]) -> SegmentView:
        await asyncio.wrap_future(self._engine.edit(make))
        return self.get(segment_id)

    async def _on_engine(self, run: Callable[[], T]) -> T:
        return await asyncio.wrap_future(self._engine.thread.call(run))

    def _creation(self, spec: SegmentSpec, author: str, note: str) -> Edit:
        old = self._live.segments.get(spec.segment_id)
        if old is not None and not self._archived(spec.segment_id):
            raise AlreadyExists(
                Reason.SEGMENT_EXISTS, f"there is a segment {spec.segment_id!r}", {"segment_id": spec.segment_id}
            )
        key = old.segment_key if old else self._engine.store.next_segment_key()
        version = old.version + 1 if old else 1
        created = old.create_time if old else Micros(0)
        return self._definition(SegmentInfo(spec, key, version, author, note, created, Micros(0)))

    def _update(self, spec: SegmentSpec, fields: Collection[str], etag: str, author: str, note: str) -> Edit:
        old = self._changeable(spec.segment_id, etag)
        changed = replace(old.spec, **{name: getattr(spec, name) for name in fields})
        changed.check()
        info = replace(old, spec=changed, version=old.version + 1, author=author, note=note)
        return self._definition(info)

    def _definition(self, info: SegmentInfo) -> Edit:
        """The edit to a definition, after all checks that need no judging."""
        rule = info.spec.parse(self.types())
        definition = info.definition(rule)
        others = {
            name: entry for name, entry in self._live.catalogue.entries.items() if entry.state is not State.ARCHIVED
        }
        check_references(definition, others)
        check_kinds(rule, self._live.schema)
        name = info.spec.segment_id
        return Edit(Cause.DEFINITION, {name: Entry(definition, State.PENDING)}, {name: info})

    def _archival(self, segment_id: str, etag: str) -> Edit:
        info = self._changeable(segment_id, etag)
        entries = self._live.catalogue.entries
        users = [
            name
            for name, entry in entries.items()
            if name != segment_id
            and entry.state is not State.ARCHIVED
            and segment_id in {each.segment_id for each in references(entry.definition.rule)}
        ]
        if users:
            raise FailedPrecondition(
                Reason.SEGMENT_REFERENCED,
                f"segment {segment_id} is referred to by {', '.join(sorted(users))}",
                {"segment_id": segment_id, "referenced_by": ",".join(sorted(users))},
            )
        archived = Entry(info.definition(NOBODY), State.ARCHIVED)
        return Edit(Cause.DEFINITION, {segment_id: archived})

    def _model_keys(self, segment_id: str) -> list[str]:
        entry = self._live.catalogue.entries.get(segment_id)
        if entry is None:
            raise _not_found(segment_id)
        if entry.state is State.ARCHIVED:
            raise _archived(segment_id)
        keys = {model_key(each) for each in conditions(entry.definition.rule)} - {None}
        if not keys:
            raise InvalidInput.at("segment_id", f"no condition of segment {segment_id} learns from the population")
        return sorted(key for key in keys if key is not None)

    def _changeable(self, segment_id: str, etag: str) -> SegmentInfo:
        info = self._live.segments.get(segment_id)
        if info is None:
            raise _not_found(segment_id)
        if self._archived(segment_id):
            raise _archived(segment_id)
        _check_etag(info, etag)
        return info

    def _archived(self, segment_id: str) -> bool:
        return self._live.catalogue.entries[segment_id].state is State.ARCHIVED


def _check_etag(info: SegmentInfo, etag: str) -> None:
    if etag and etag != info.etag:
        raise Conflict(
            Reason.ETAG_MISMATCH,
            f"segment {info.spec.segment_id} is at etag {info.etag}, not {etag}: somebody changed it first",
            {"segment_id": info.spec.segment_id, "etag": info.etag},
        )


def _not_found(segment_id: str) -> NotFound:
    return NotFound(Reason.SEGMENT_NOT_FOUND, f"there is no segment {segment_id!r}", {"segment_id": segment_id})


def _archived(segment_id: str) -> FailedPrecondition:
    return FailedPrecondition(Reason.SEGMENT_ARCHIVED, f"segment {segment_id} is archived", {"segment_id": segment_id})
