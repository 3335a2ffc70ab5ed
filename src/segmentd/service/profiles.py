"""Writing and reading what is known about users."""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

from segmentd.engine.catalogue import State
from segmentd.errors import NotFound, Reason, SegmentdError
from segmentd.population.kinds import Json, Kind
from segmentd.population.schema import KNOWN_ATTRIBUTES
from segmentd.service.declaring import Declare, sound_kinds
from segmentd.service.engine import Engine
from segmentd.service.engine_thread import Outcome
from segmentd.service.ingest import Item
from segmentd.service.items import EventWrite, ProfileWrite, prepare_event, prepare_profile
from segmentd.service.loading import effective
from segmentd.service.switch import Edit
from segmentd.service.written import Cause
from segmentd.times import Micros

T = TypeVar("T")
W = TypeVar("W")
_TURN: Final = 64
"""So many writes are checked in a row."""


class Source(StrEnum):
    """How the kind of an attribute came to be known."""

    CONVENTION = "convention"
    DECLARED = "declared"
    FIRST_VALUE = "first_value"
    DERIVED = "derived"


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute that profiles can have."""

    name: str
    kind: Kind
    source: Source


@dataclass(frozen=True, slots=True)
class Profile:
    """What is stored about a user, apart from events: attributes flat, the derived ones among them.

    `merged_ids` are those of users who were merged into this one.
    """

    user_id: str
    attributes: Mapping[str, Json]
    create_time: Micros
    update_time: Micros
    merged_ids: tuple[str, ...] = ()


class Profiles:
    """The use cases of ProfileService."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._live = engine.live

    async def upsert(self, writes: Sequence[ProfileWrite]) -> Outcome:
        """Merge attributes; durable and visible when this returns. One result for each write."""
        return await self._begin(await _prepared(writes, prepare_profile))

    async def ingest(self, writes: Sequence[EventWrite]) -> Outcome:
        """Store events; durable and visible when this returns. One result for each write."""
        return await (await self.begin_ingest(writes))

    async def begin_ingest(self, writes: Sequence[EventWrite]) -> Future[Outcome]:
        """Queue events, behind those queued before; the future is done when they are durable and visible."""
        return self._begin(await _prepared(writes, prepare_event))

    async def get(self, user_id: str) -> tuple[Profile, int]:
        """One profile and the revision it is of. Raises NotFound."""
        return await self._on_engine(lambda: self._get(user_id))

    async def attributes(self) -> tuple[list[Attribute], int]:
        """All attributes whose kind is known, by name, and the revision they are of."""
        return await self._on_engine(lambda: (self._attributes(), self._live.revision))

    def _attributes(self) -> list[Attribute]:
        derived = {name for each in self._engine.plugins.derivations for name in each.outputs}
        kinds = self._live.schema.attributes()
        return [Attribute(name, kinds[name], self._source(name, derived)) for name in sorted(kinds)]

    async def check_kinds(
        self, kinds: Sequence[tuple[str, Kind]], *, retype: bool
    ) -> tuple[list[SegmentdError | None], int]:
        """What `declare` would refuse, and the revision; nothing is stored."""
        live = self._live
        return await self._on_engine(lambda: (sound_kinds(live.schema, kinds, retype=retype)[0], live.revision))

    async def declare(
        self, kinds: Sequence[tuple[str, Kind]], *, retype: bool
    ) -> tuple[list[SegmentdError | None], int]:
        """Fix kinds; an error for each that is refused, and the revision."""
        declared = self._engine.thread.change(lambda: self._declare(kinds, retype))
        results, revision, revived = await asyncio.wrap_future(declared)
        if revived:
            edit = Edit(Cause.ATTRIBUTE, again=revived)
            revision = await asyncio.wrap_future(self._engine.edit(lambda: edit, int))
        return results, revision

    def _begin(self, items: Sequence[Item]) -> Future[Outcome]:
        return asyncio.wrap_future(self._engine.thread.write(items))

    async def _on_engine(self, run: Callable[[], T]) -> T:
        return await asyncio.wrap_future(self._engine.thread.call(run))

    def _get(self, user_id: str) -> tuple[Profile, int]:
        live = self._live
        row = live.users.index.get(user_id)
        if row is None:
            raise NotFound(Reason.USER_NOT_FOUND, f"there is no user {user_id!r}", {"user_id": user_id})
        key = live.user_key(row)
        record = self._engine.store.read_profiles([key])[key]
        own, *merged = live.users.ids_of(row)
        attributes = effective(record)
        return Profile(own, attributes, record.create_time, record.update_time, tuple(sorted(merged))), live.revision

    def _source(self, name: str, derived: set[str]) -> Source:
        if ("", name) in self._live.declared:
            return Source.DECLARED
        if name in derived:
            return Source.DERIVED
        return Source.CONVENTION if name in KNOWN_ATTRIBUTES else Source.FIRST_VALUE

    def _declare(
        self, kinds: Sequence[tuple[str, Kind]], retype: bool
    ) -> tuple[list[SegmentdError | None], int, frozenset[str]]:
        results, wanted = sound_kinds(self._live.schema, kinds, retype=retype)
        live = self._live
        fresh = {
            name: kind
            for name, kind in wanted.items()
            if ("", name) not in live.declared or live.schema.attribute(name) is not kind
        }
        if not fresh:
            return results, live.revision, frozenset()
        instant = self._engine.committer.next_instant()
        revision = self._engine.committer.commit(Declare(live, fresh), instant)
        self._engine.revisions.publish(revision)
        failed = [name for name, entry in live.catalogue.entries.items() if entry.state is State.FAILED]
        return results, revision, frozenset(failed)


async def _prepared(writes: Sequence[W], prepare: Callable[[W], Item]) -> list[Item]:
    """The writes checked for form, in turns with whatever else the loop serves."""
    items: list[Item] = []
    for start in range(0, len(writes), _TURN):
        if start:
            await asyncio.sleep(0)
        items += [_checked(write, prepare) for write in writes[start : start + _TURN]]
    return items


def _checked(write: W, prepare: Callable[[W], Item]) -> Item:
    try:
        return prepare(write)
    except SegmentdError as error:
        return error
