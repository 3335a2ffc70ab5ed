"""Defining segments: create, update, restore, archive, delete, refit and look at them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

import orjson

from segmentd.engine.catalogue import Entry, State
from segmentd.engine.compile import conditions, model_key
from segmentd.engine.plan import Fitted
from segmentd.errors import FailedPrecondition, InvalidInput, Reason
from segmentd.plugins.segment_type import SegmentType
from segmentd.population.kinds import Json
from segmentd.records import ModelRecord, SegmentRecord
from segmentd.service.assuming import NOTHING, Assumptions
from segmentd.service.engine import Engine
from segmentd.service.preview import Change, Preview
from segmentd.service.seen import unknown_segment
from segmentd.service.segment_edits import SegmentEdits, archived, check_etag
from segmentd.service.segment_info import SegmentInfo, SegmentSpec
from segmentd.service.switch import Edit

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
    """A segment as it stands: its latest version, state and models; `size` where it is active.

    The models are also those of the segments that it refers to, after its own.
    """

    info: SegmentInfo
    state: State
    reason: str
    models: tuple[ModelView, ...]
    size: int | None
    revision: int


@dataclass(frozen=True, slots=True)
class Previewed:
    """A segment as it would stand after an edit that was not made, and what else that edit would change."""

    view: SegmentView
    preview: Preview


class Segments:
    """The use cases of SegmentService."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._live = engine.live
        self._edits = SegmentEdits(engine)

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
        return await self._edit(spec.segment_id, lambda: self._edits.creation(spec, author, note))

    async def preview_creation(
        self, spec: SegmentSpec, author: str, note: str, sample_size: int, assumed: Assumptions = NOTHING
    ) -> Previewed:
        """What `create` would do; nothing is stored. The rule is checked against what is `assumed` to be declared."""
        spec.check()
        return await self._preview(
            spec.segment_id, lambda: self._edits.creation(spec, author, note, assumed), sample_size
        )

    async def update(
        self, spec: SegmentSpec, fields: Collection[str], etag: str, author: str, note: str
    ) -> SegmentView:
        """Change the named fields to those of `spec`; a change of nothing makes no version."""
        current = self._unchanged(spec, fields, etag)
        if current is not None:
            return current
        return await self._edit(spec.segment_id, lambda: self._edits.update(spec, fields, etag, author, note))

    async def preview_update(
        self,
        spec: SegmentSpec,
        fields: Collection[str],
        etag: str,
        author: str,
        note: str,
        sample_size: int,
        assumed: Assumptions = NOTHING,
    ) -> Previewed:
        """What `update` would do; nothing is stored. The rule is checked against what is `assumed` to be declared."""
        current = self._unchanged(spec, fields, etag)
        if current is not None:
            return await self._on_engine(lambda: self._as_it_is(spec.segment_id))
        return await self._preview(
            spec.segment_id, lambda: self._edits.update(spec, fields, etag, author, note, assumed), sample_size
        )

    async def restore(self, segment_id: str, version: int, etag: str, author: str, note: str) -> SegmentView:
        """Define the segment as it was in an old version, as a new one; an archived segment is back with it."""
        return await self._edit(segment_id, lambda: self._edits.restoration(segment_id, version, etag, author, note))

    async def preview_restoration(
        self, segment_id: str, version: int, etag: str, author: str, note: str, sample_size: int
    ) -> Previewed:
        """What `restore` would do; nothing is stored."""
        return await self._preview(
            segment_id, lambda: self._edits.restoration(segment_id, version, etag, author, note), sample_size
        )

    async def archive(self, segment_id: str, etag: str, author: str = "", note: str = "") -> SegmentView:
        """All members leave; the versions and the log remain, and the id stays taken."""
        return await self._edit(segment_id, lambda: self._edits.archival(segment_id, etag, author, note))

    async def delete(self, segment_id: str, etag: str = "") -> int:
        """All members leave, and the id is free: a new segment of that id is another one. Returns the revision."""
        return await asyncio.wrap_future(
            self._engine.edit(lambda: self._edits.deletion(segment_id, etag), lambda revision: revision)
        )

    def refuse_managed(self, segment_id: str) -> None:
        """Raises FailedPrecondition where an exclusive group makes the segment."""
        info = self._live.segments.get(segment_id)
        if info is not None:
            self._edits.check_manager(info)

    async def refit(self, segment_id: str) -> SegmentView:
        """Fit the segment's own models on the data of now, and judge all that share them; the view has only those."""
        keys = await self._on_engine(lambda: self._model_keys(segment_id))
        before = self._live.revision
        revision = await asyncio.wrap_future(self._engine.refit(keys))
        view = self.get(segment_id)
        fitted = tuple(_model_view(key, self._live.models.get(key)) for key in keys)
        if revision == before and all(each.fitted is None for each in fitted):
            raise FailedPrecondition(
                Reason.NO_MODEL, f"segment {segment_id} has nobody to learn from yet", {"segment_id": segment_id}
            )
        return replace(view, models=fitted, revision=revision)

    async def versions(self, segment_id: str) -> tuple[list[SegmentRecord], int]:
        """All versions, the latest first, and the revision they are of. Raises NotFound."""
        self.get(segment_id)
        return await self._on_engine(
            lambda: (self._engine.store.segment_versions(segment_id)[::-1], self._live.revision)
        )

    async def models(self, segment_id: str) -> tuple[list[ModelRecord], int]:
        """Every fit of the models by which any version was judged, the latest first, and the revision.

        Raises NotFound.
        """
        self.get(segment_id)
        return await self._on_engine(lambda: (self._fits(segment_id), self._live.revision))

    async def _edit(self, segment_id: str, make: Callable[[], Edit]) -> SegmentView:
        return await asyncio.wrap_future(self._engine.edit(make, lambda _: self.get(segment_id)))

    async def _preview(self, segment_id: str, make: Callable[[], Edit], sample_size: int) -> Previewed:
        preview = await asyncio.wrap_future(self._engine.preview(make, sample_size))
        change = next(each for each in preview.changes if each.segment_id == segment_id)
        info = preview.infos[segment_id]
        dated = replace(info, update_time=preview.at, create_time=info.create_time if info.version > 1 else preview.at)
        models = tuple(_model_view(each.key, each) for each in change.models)
        view = SegmentView(dated, change.state, change.reason, models, change.size, preview.revision)
        return Previewed(view, preview)

    async def _on_engine(self, run: Callable[[], T]) -> T:
        return await asyncio.wrap_future(self._engine.thread.call(run))

    def _unchanged(self, spec: SegmentSpec, fields: Collection[str], etag: str) -> SegmentView | None:
        """The segment as it stands where an update changes nothing of it. Raises NotFound, InvalidInput, Conflict."""
        current = self.get(spec.segment_id)
        self._edits.check_manager(current.info)
        changed = replace(current.info.spec, **{name: getattr(spec, name) for name in fields})
        changed.check()
        if current.state is State.ARCHIVED or not changed.says_the_same(current.info.spec):
            return None
        check_etag(current.info, etag)
        return current

    def _as_it_is(self, name: str) -> Previewed:
        at, view = self._engine.tick(), self.get(name)
        models = tuple(each.fitted for each in view.models if each.fitted is not None)
        change = Change(name, view.state, view.reason, models, view.size)
        return Previewed(view, Preview((change,), {name: view.info}, 0, view.revision, at))

    def _models(self, entry: Entry) -> tuple[ModelView, ...]:
        """What the segment is judged with; of one that waits, what it needs."""
        if entry.state is State.ARCHIVED:
            return ()
        plan = entry.plan
        used = {each.key: each for each in plan.all_models} if plan is not None else self._live.models.latest
        keys = {key: None for each in conditions(entry.definition.rule) if (key := model_key(each)) is not None}
        referred = {each.key: None for each in plan.all_models} if plan is not None else {}
        return tuple(_model_view(key, used.get(key)) for key in (keys | referred))

    def _model_keys(self, segment_id: str) -> list[str]:
        entry = self._live.catalogue.entries.get(segment_id)
        if entry is None:
            raise unknown_segment(segment_id)
        if entry.state is State.ARCHIVED:
            raise archived(segment_id)
        keys = {model_key(each) for each in conditions(entry.definition.rule)} - {None}
        if not keys:
            raise InvalidInput.at("segment_id", f"no condition of segment {segment_id} learns from the population")
        return sorted(key for key in keys if key is not None)

    def _fits(self, segment_id: str) -> list[ModelRecord]:
        store = self._engine.store
        keys = {key for each in store.segment_versions(segment_id) for key in orjson.loads(each.models)}
        records = [record for key in keys for record in store.model_versions(key)]
        return sorted(records, key=lambda each: (each.fit_time, each.model_key, each.version), reverse=True)


def _model_view(key: str, fitted: Fitted | None) -> ModelView:
    name, parameters = orjson.loads(key)
    return ModelView(name, parameters, fitted)
