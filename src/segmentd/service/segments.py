"""Defining segments: create, update, archive, refit and look at them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

import orjson

from segmentd.engine.catalogue import Entry, State, check_references
from segmentd.engine.compile import Definition, check_kinds, conditions, model_key, references
from segmentd.engine.plan import Fitted
from segmentd.errors import AlreadyExists, Conflict, FailedPrecondition, InvalidInput, Reason
from segmentd.plugins.segment_type import SegmentType
from segmentd.population.kinds import Json
from segmentd.records import SegmentRecord
from segmentd.service.engine import Engine
from segmentd.service.seen import unknown_segment
from segmentd.service.segment_info import NOBODY, SegmentInfo, SegmentSpec
from segmentd.service.switch import Edit
from segmentd.service.written import Cause
from segmentd.times import Micros

T = TypeVar("T")
FIELDS: Final = frozenset({"name", "description", "owner", "labels", "rule", "include", "exclude"})
"""The parts of a definition that an update can name."""


@dataclass(frozen=True, slots=True)
class ModelView:
    """A model that a segment needs: the type, the parameters of its fit, and what was learned where it was fitted."""

    type: str
    fit_parameters: Mapping[str, Json]
    fitted: Fitted | None


@dataclass(frozen=True, slots=True)
class SegmentView:
    """A segment as it stands: its latest version, state and models; `size` where it is active."""

    info: SegmentInfo
    state: State
    reason: str
    models: tuple[ModelView, ...]
    size: int | None
    revision: int


class Segments:
    """The use cases of SegmentService."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._live = engine.live

    def origins(self) -> Mapping[str, str]:
        """The plugin that brought each type."""
        return self._engine.plugins.origins

    def types(self) -> Mapping[str, SegmentType[Any]]:
        """The segment types that rules can use, by name."""
        return self._engine.plugins.segment_types

    def get(self, segment_id: str) -> SegmentView:
        """One segment, archived or not. Raises NotFound.

        The size is the stored one: moves due this moment may be outstanding.
        """
        live = self._live
        with live.lock:
            info, entry = live.segments.get(segment_id), live.catalogue.entries.get(segment_id)
            if info is None or entry is None:
                raise unknown_segment(segment_id)
            size = int(live.memberships.counts[entry.plan.slot]) if entry.plan is not None else None
            return SegmentView(info, entry.state, entry.reason, self._models(entry), size, live.revision)

    async def catch_up(self) -> None:
        """Make the moves that are due, so that sizes are those of now."""
        await self._on_engine(self._engine.tick)

    def select(self, labels: Mapping[str, str], *, archived: bool) -> tuple[list[SegmentView], int]:
        """The segments with these labels, by id, and a revision that they see; sizes as `get` gives."""
        with self._live.lock:
            names, revision = sorted(self._live.segments), self._live.revision
        views = [self.get(name) for name in names]
        found = [
            view
            for view in views
            if labels.items() <= dict(view.info.spec.labels).items() and (archived or view.state is not State.ARCHIVED)
        ]
        return found, revision

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
        if changed.says_the_same(current.info.spec) and current.state is not State.ARCHIVED:
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
        if revision == before and all(each.fitted is None for each in self.get(segment_id).models):
            raise FailedPrecondition(
                Reason.NO_MODEL, f"segment {segment_id} has nobody to learn from yet", {"segment_id": segment_id}
            )
        return replace(self.get(segment_id), revision=revision)

    async def versions(self, segment_id: str) -> tuple[list[SegmentRecord], int]:
        """All versions, the latest first, and the revision they are of. Raises NotFound."""
        self.get(segment_id)
        return await self._on_engine(
            lambda: (self._engine.store.segment_versions(segment_id)[::-1], self._live.revision)
        )

    async def _edit(self, segment_id: str, make: Callable[[], Edit]) -> SegmentView:
        return await asyncio.wrap_future(self._engine.edit(make, lambda _: self.get(segment_id)))

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
        name = info.spec.segment_id
        try:
            definition = self._checked(info)
        except InvalidInput as error:
            # One reason for all that is wrong with a rule, whatever found it.
            raise InvalidInput(error.violations, Reason.INVALID_RULE, {"segment_id": name}) from None
        return Edit(Cause.DEFINITION, {name: Entry(definition, State.PENDING)}, {name: info})

    def _checked(self, info: SegmentInfo) -> Definition:
        rule = info.spec.parse(self.types())
        definition = info.definition(rule)
        entries = self._live.catalogue.entries.items()
        check_references(definition, {name: entry for name, entry in entries if entry.state is not State.ARCHIVED})
        check_kinds(rule, self._live.schema)
        return definition

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

    def _models(self, entry: Entry) -> tuple[ModelView, ...]:
        """What the segment is judged with; of one that waits, what it needs."""
        if entry.state is State.ARCHIVED:
            return ()
        used = {each.key: each for each in entry.plan.models} if entry.plan is not None else self._live.models.latest
        keys = {key: None for each in conditions(entry.definition.rule) if (key := model_key(each)) is not None}
        identities = [(key, orjson.loads(key)) for key in keys]
        return tuple(ModelView(name, parameters, used.get(key)) for key, (name, parameters) in identities)

    def _model_keys(self, segment_id: str) -> list[str]:
        entry = self._live.catalogue.entries.get(segment_id)
        if entry is None:
            raise unknown_segment(segment_id)
        if entry.state is State.ARCHIVED:
            raise _archived(segment_id)
        keys = {model_key(each) for each in conditions(entry.definition.rule)} - {None}
        if not keys:
            raise InvalidInput.at("segment_id", f"no condition of segment {segment_id} learns from the population")
        return sorted(key for key in keys if key is not None)

    def _changeable(self, segment_id: str, etag: str) -> SegmentInfo:
        info = self._live.segments.get(segment_id)
        if info is None:
            raise unknown_segment(segment_id)
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
            {"segment_id": info.spec.segment_id, "given": etag, "current": info.etag},
        )


def _archived(segment_id: str) -> FailedPrecondition:
    return FailedPrecondition(Reason.SEGMENT_ARCHIVED, f"segment {segment_id} is archived", {"segment_id": segment_id})
