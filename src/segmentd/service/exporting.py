"""All that is held about one user, part by part."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TypeAlias, TypeVar

import orjson

from segmentd.errors import NotFound, Reason
from segmentd.population.kinds import Json
from segmentd.records import EventRecord, LoggedTransition, Position, ProfileRecord
from segmentd.service.engine import Engine
from segmentd.service.items import check_id
from segmentd.service.log_naming import LogNaming, NamedMove
from segmentd.service.scrubbing import listed_ids
from segmentd.service.seen import judge_overdue, see
from segmentd.service.segment_info import SegmentSpec
from segmentd.times import Micros

T = TypeVar("T")
PAGE = 1_000
"""Events, or moves, read at a time."""


class MentionKind(StrEnum):
    """What names a user by id."""

    INCLUDE = "include"
    EXCLUDE = "exclude"
    RULE = "rule"
    USER_LIST = "user_list"


@dataclass(frozen=True, slots=True)
class IdentityPart:
    """Who somebody is; no keys and no times for an id that only definitions name."""

    user_id: str
    merged_ids: tuple[str, ...]
    keys: tuple[int, ...]
    create_time: Micros | None
    update_time: Micros | None
    revision: int


@dataclass(frozen=True, slots=True)
class AttributePart:
    """An attribute, None for one that was removed; when it last changed, where that is known."""

    name: str
    value: Json
    derived: bool
    time: Micros | None


@dataclass(frozen=True, slots=True)
class MembershipPart:
    """A segment that the user is in."""

    segment_id: str


@dataclass(frozen=True, slots=True)
class MentionPart:
    """A place that names the user by id; version 0 for a user list."""

    kind: MentionKind
    id: str
    version: int = 0


@dataclass(frozen=True, slots=True)
class EventPart:
    """An event of this user as it is stored."""

    user_id: str
    event: EventRecord


ExportPart: TypeAlias = "IdentityPart | AttributePart | MembershipPart | MentionPart | EventPart | NamedMove"


class Exports:
    """The use case of ExportProfile."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._live = engine.live
        self._naming = LogNaming(engine.live, engine.log_reader)

    async def export(self, user_id: str) -> AsyncIterator[ExportPart]:
        """All parts, the identity first. Raises NotFound where nothing is held about this id."""
        check_id("user_id", user_id)
        parts = await self._on_engine(lambda: self._standing(user_id))
        for part in parts:
            yield part
        identity = parts[0]
        if isinstance(identity, IdentityPart) and identity.keys:
            async for event in self._events(identity):
                yield event
            async for move in self._moves(identity.keys):
                yield move

    def _standing(self, user_id: str) -> list[ExportPart]:
        """What is told as of one revision, with all moves made that are due."""
        self._engine.tick()
        live, row = self._live, self._live.users.row_of(user_id)
        ids = live.users.ids_of(row) if row is not None else (user_id,)
        mentions = list(self._mentions(ids))
        if row is None and not mentions:
            raise NotFound(Reason.USER_NOT_FOUND, f"there is no user {user_id!r}", {"user_id": user_id})
        if row is None:
            return [IdentityPart(user_id, (), (), None, None, live.revision), *mentions]
        keys = tuple(live.user_key(each) for each in live.users.rows_of_user(row))
        record = self._engine.store.read_profiles(keys[:1])[keys[0]]
        times = record.create_time, record.update_time
        identity = IdentityPart(ids[0], tuple(sorted(ids[1:])), keys, *times, live.revision)
        lists = [MentionPart(MentionKind.USER_LIST, each) for each in self._engine.store.lists_of(keys[0])]
        return [identity, *_attributes(record), *self._memberships(ids[0]), *mentions, *lists]

    def _memberships(self, user_id: str) -> Iterator[MembershipPart]:
        live = self._live
        seen = judge_overdue(live, see(live, [user_id], self._engine.clock.now()))
        for name, entry in sorted(seen.catalogue.entries.items()):
            if entry.plan is not None and id(entry.plan) not in seen.failed and bool(seen.members(entry.plan)[0]):
                yield MembershipPart(name)

    def _mentions(self, ids: tuple[str, ...]) -> Iterator[MentionPart]:
        names = dict(self._engine.store.segment_ids())
        for segment_key, version, text in self._engine.store.versions_with(ids):
            spec = SegmentSpec.load(names[segment_key], text)
            for kind, named in (
                (MentionKind.INCLUDE, spec.include),
                (MentionKind.EXCLUDE, spec.exclude),
                (MentionKind.RULE, listed_ids(spec.rule)),
            ):
                if not set(ids).isdisjoint(named):
                    yield MentionPart(kind, spec.segment_id, version)

    async def _events(self, identity: IdentityPart) -> AsyncIterator[EventPart]:
        key, store = identity.keys[0], self._engine.store
        for name in await self._on_engine(lambda: list(store.event_names())):
            after = (-(2**63), 0)
            while page := await self._on_engine(partial(store.events_page, key, name, after, PAGE)):
                for event in page:
                    yield EventPart(identity.user_id, event)
                after = (page[-1].time, page[-1].event_key)

    async def _moves(self, keys: tuple[int, ...]) -> AsyncIterator[NamedMove]:
        reader = self._engine.log_reader
        after: Position = await asyncio.wrap_future(reader.run(lambda reads: reads.log_start().position))
        while page := await self._page(keys, after):
            for move in await self._naming.thoroughly(page):
                yield move
            after = page[-1].position

    async def _page(self, keys: tuple[int, ...], after: Position) -> list[LoggedTransition]:
        run = self._engine.log_reader.run(lambda reads: reads.transitions(after, PAGE, users=keys))
        return await asyncio.wrap_future(run)

    async def _on_engine(self, run: Callable[[], T]) -> T:
        return await asyncio.wrap_future(self._engine.thread.call(run))


def _attributes(record: ProfileRecord) -> Iterator[AttributePart]:
    given, derived, times = (orjson.loads(each) for each in (record.attributes, record.derived, record.times))
    for name in sorted(given.keys() | times.keys()):
        yield AttributePart(name, given.get(name), derived=False, time=times.get(name))
    for name in sorted(derived):
        yield AttributePart(name, derived[name], derived=True, time=None)
