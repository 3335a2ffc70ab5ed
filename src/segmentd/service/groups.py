"""Exclusive groups: defined, changed and deleted together with the segments that they make, and reported on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from segmentd.engine.catalogue import Entry, State, check_references
from segmentd.engine.plan import Plan
from segmentd.errors import (
    AlreadyExists,
    Conflict,
    FieldViolation,
    InvalidInput,
    NotFound,
    Reason,
)
from segmentd.plugins.segment_type import SegmentType
from segmentd.service.engine import Engine
from segmentd.service.group_info import GroupInfo, GroupSpec
from segmentd.service.group_report import GroupBits, GroupReport, report
from segmentd.service.live import Live
from segmentd.service.preview import Preview
from segmentd.service.seen import active_plan
from segmentd.service.segment_edits import SegmentEdits
from segmentd.service.segment_info import NOBODY, SegmentInfo, SegmentSpec
from segmentd.service.switch import Edit
from segmentd.service.written import Cause
from segmentd.storage import Store
from segmentd.times import Micros

T = TypeVar("T")
FIELDS = frozenset({"segment_ids", "name", "description", "owner", "labels"})
"""The parts of a definition that an update can name."""


class GroupChange:
    """What an edit of a group's segments changes besides them: the group itself, or None where it goes."""

    def __init__(self, live: Live, group_id: str, info: GroupInfo | None) -> None:
        self._live = live
        self._group_id = group_id
        self._info = info

    def write(self, store: Store, instant: Micros) -> None:
        """In the transaction of the switch."""
        if self._info is None:
            store.delete_exclusive_group(self._group_id)
            return
        created = self._info.create_time if self._info.version > 1 else instant
        self._info = replace(self._info, create_time=created, update_time=instant)
        store.put_exclusive_group(self._info.record())

    def published(self) -> None:
        """With the new catalogue, under its lock."""
        groups = {name: info for name, info in self._live.groups.items() if name != self._group_id}
        self._live.groups = groups if self._info is None else groups | {self._group_id: self._info}


@dataclass(frozen=True, slots=True)
class GroupView:
    """A group as it stands at a revision."""

    info: GroupInfo
    revision: int


@dataclass(frozen=True, slots=True)
class PreviewedGroup:
    """A group as it would stand after an edit that was not made, and what that edit would change."""

    info: GroupInfo
    preview: Preview


class Groups:
    """The use cases of ExclusiveGroupService."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._live = engine.live
        self._edits = SegmentEdits(engine)

    def get(self, group_id: str) -> GroupView:
        """One group. Raises NotFound."""
        with self._live.lock:
            info = self._live.groups.get(group_id)
            if info is None:
                raise unknown_group(group_id)
            return GroupView(info, self._live.revision)

    def select(self) -> tuple[list[GroupInfo], int]:
        """All groups by id, and the revision."""
        with self._live.lock:
            return [info for _, info in sorted(self._live.groups.items())], self._live.revision

    async def create(self, spec: GroupSpec, author: str, note: str) -> GroupView:
        """Define a new group; judged for all users when this returns."""
        spec.check()
        return await self._edit(spec.group_id, lambda: self._creation(spec, author, note))

    async def update(self, spec: GroupSpec, fields: Collection[str], etag: str, author: str, note: str) -> GroupView:
        """Change the named fields to those of `spec`; a change of nothing makes no version."""
        current = self.get(spec.group_id)
        changed = _merged(current.info.spec, spec, fields)
        changed.check()
        if changed.dump() == current.info.spec.dump():
            _check_etag(current.info, etag)
            return current
        return await self._edit(spec.group_id, lambda: self._update(spec, fields, etag, author, note))

    async def preview_creation(self, spec: GroupSpec, author: str, note: str, sample_size: int) -> PreviewedGroup:
        """What `create` would do; nothing is stored."""
        spec.check()
        return await self._preview(
            GroupInfo(spec, 1, author, note), lambda: self._creation(spec, author, note), sample_size
        )

    async def preview_update(
        self, spec: GroupSpec, fields: Collection[str], etag: str, author: str, note: str, sample_size: int
    ) -> PreviewedGroup:
        """What `update` would do; nothing is stored."""
        current = self.get(spec.group_id)
        changed = _merged(current.info.spec, spec, fields)
        changed.check()
        if changed.dump() == current.info.spec.dump():
            _check_etag(current.info, etag)
            at = self._live.present(self._engine.clock.now())
            return PreviewedGroup(current.info, Preview((), {}, 0, current.revision, at))
        info = replace(current.info, spec=changed, version=current.info.version + 1, author=author, note=note)
        return await self._preview(info, lambda: self._update(spec, fields, etag, author, note), sample_size)

    async def delete(self, group_id: str, etag: str) -> int:
        """Delete a group with the segments that it made; returns the revision."""
        return await asyncio.wrap_future(self._engine.edit(lambda: self._deletion(group_id, etag), int))

    async def report(self, group_id: str) -> GroupReport:
        """Count, at one revision and instant. Raises NotFound, and FailedPrecondition for a segment without answers."""
        info, bits, revision, at = await asyncio.wrap_future(self._engine.thread.call(lambda: self._bits(group_id)))
        return await asyncio.to_thread(report, info, bits, revision, at)

    async def _edit(self, group_id: str, make: Callable[[], Edit]) -> GroupView:
        return await asyncio.wrap_future(self._engine.edit(make, lambda _: self.get(group_id)))

    async def _preview(self, info: GroupInfo, make: Callable[[], Edit], sample_size: int) -> PreviewedGroup:
        preview = await asyncio.wrap_future(self._engine.preview(make, sample_size))
        created = info.create_time if info.version > 1 else preview.at
        return PreviewedGroup(replace(info, create_time=created, update_time=preview.at), preview)

    def _creation(self, spec: GroupSpec, author: str, note: str) -> Edit:
        if spec.group_id in self._live.groups:
            raise _taken(spec.group_id, f"there is an exclusive group {spec.group_id!r}")
        return self._definition(GroupInfo(spec, 1, author, note), [])

    def _update(self, spec: GroupSpec, fields: Collection[str], etag: str, author: str, note: str) -> Edit:
        old = self._changeable(spec.group_id, etag)
        changed = _merged(old.spec, spec, fields)
        changed.check()
        return self._definition(
            replace(old, spec=changed, version=old.version + 1, author=author, note=note), list(old.spec.segments())
        )

    def _deletion(self, group_id: str, etag: str) -> Edit:
        old = self._changeable(group_id, etag)
        return replace(self._edits.deletions(old.spec.segments()), also=GroupChange(self._live, group_id, None))

    def _changeable(self, group_id: str, etag: str) -> GroupInfo:
        info = self._live.groups.get(group_id)
        if info is None:
            raise unknown_group(group_id)
        _check_etag(info, etag)
        return info

    def _definition(self, info: GroupInfo, before: Collection[str]) -> Edit:
        """The edit of all segments at once: those that change, those that are new, and those that go."""
        made = info.spec.segments()
        self._check_segments(info.spec)
        infos, gone = self._infos(info, made), frozenset(before) - made.keys()
        entries = self._entries(infos, gone)
        # A group's own segments refer to none that it makes, so what they say from now on need not be looked at.
        self._edits.check_unused(gone)
        change = GroupChange(self._live, info.spec.group_id, info)
        return Edit(Cause.DEFINITION, entries, infos, deleted=gone, also=change)

    def _check_segments(self, spec: GroupSpec) -> None:
        faults = []
        for place, segment_id in enumerate(spec.segment_ids):
            entry, segment = self._live.catalogue.entries.get(segment_id), self._live.segments.get(segment_id)
            fault = None
            if entry is None or segment is None:
                fault = f"there is no segment {segment_id!r}"
            elif entry.state is State.ARCHIVED:
                fault = f"segment {segment_id!r} is archived"
            elif segment.spec.managed_by == spec.group_id:
                fault = f"segment {segment_id!r} is made by this group"
            if fault is not None:
                faults.append(FieldViolation(f"segment_ids[{place}]", fault))
        if faults:
            raise InvalidInput(faults)

    def _infos(self, info: GroupInfo, made: Mapping[str, SegmentSpec]) -> dict[str, SegmentInfo]:
        """New versions of those that are new or say something else."""
        infos = {}
        next_key = self._engine.store.next_segment_key()
        for name, spec in made.items():
            old = self._live.segments.get(name)
            if old is None:
                infos[name] = SegmentInfo(spec, next_key, 1, info.author, info.note, Micros(0), Micros(0))
                next_key += 1
                continue
            archived = self._live.catalogue.entries[name].state is State.ARCHIVED
            if not archived and old.spec.managed_by != info.spec.group_id:
                raise _taken(info.spec.group_id, f"there is a segment {name!r}, an id that the group needs")
            if archived or not old.spec.says_the_same(spec):
                infos[name] = replace(old, spec=spec, version=old.version + 1, author=info.author, note=info.note)
        return infos

    def _entries(self, infos: Mapping[str, SegmentInfo], gone: Collection[str]) -> dict[str, Entry]:
        """The entries of the new versions, after all checks that need no judging."""
        types: Mapping[str, SegmentType[Any]] = self._engine.plugins.segment_types
        definitions = {name: info.definition(info.spec.parse(types)) for name, info in infos.items()}
        known = {
            name: entry
            for name, entry in self._live.catalogue.entries.items()
            if entry.state is not State.ARCHIVED and name not in gone
        }
        # Without the old versions' references: they end with this edit, and close no circle.
        known |= {name: Entry(replace(each, rule=NOBODY), State.PENDING) for name, each in definitions.items()}
        for name, definition in definitions.items():
            try:
                check_references(definition, known)
            except InvalidInput as error:
                faults = [FieldViolation("segment_ids", f"{name}: {each.description}") for each in error.violations]
                raise InvalidInput(faults) from None
            known[name] = Entry(definition, State.PENDING)
        return {name: known[name] for name in definitions}

    def _bits(self, group_id: str) -> tuple[GroupInfo, GroupBits, int, Micros]:
        """What a report counts, as of now; the words that are copied are those of the group's segments only."""
        engine, live = self._engine, self._live
        at = engine.tick()
        info = self.get(group_id).info
        matched = [active_plan(live.catalogue, name) for name in info.spec.segment_ids]
        claimed = [active_plan(live.catalogue, info.spec.managed(name)) for name in info.spec.segment_ids]
        columns = sorted({plan.slot >> 6 for plan in (*matched, *claimed)})
        words = np.asfortranarray(live.memberships.words[: len(live.users), columns])
        bits = GroupBits(
            words, [_place(plan, columns) for plan in matched], [_place(plan, columns) for plan in claimed]
        )
        return info, bits, live.revision, at


def unknown_group(group_id: str) -> NotFound:
    """The error for an id that no exclusive group has."""
    return NotFound(Reason.GROUP_NOT_FOUND, f"there is no exclusive group {group_id!r}", {"group_id": group_id})


def _merged(old: GroupSpec, new: GroupSpec, fields: Collection[str]) -> GroupSpec:
    return replace(old, **{name: getattr(new, name) for name in fields})


def _place(plan: Plan, columns: list[int]) -> tuple[int, int]:
    return columns.index(plan.slot >> 6), plan.slot & 63


def _taken(group_id: str, message: str) -> AlreadyExists:
    return AlreadyExists(Reason.GROUP_EXISTS, message, {"group_id": group_id})


def _check_etag(info: GroupInfo, etag: str) -> None:
    if etag and etag != info.etag:
        group_id = info.spec.group_id
        raise Conflict(
            Reason.ETAG_MISMATCH,
            f"exclusive group {group_id} is at etag {info.etag}, not {etag}: somebody changed it first",
            {"group_id": group_id, "given": etag, "current": info.etag},
        )
