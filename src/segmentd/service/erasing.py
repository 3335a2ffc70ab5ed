"""Erasing users: one commit after which nothing is known of them but a hash of each id, and that they left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from segmentd.engine.catalogue import Catalogue, State
from segmentd.engine.stage import Stage
from segmentd.plugins.segment_type import SegmentType
from segmentd.records import LoggedTransition, Position, TransitionRecord
from segmentd.service.change import Change
from segmentd.service.live import Live
from segmentd.service.purging import Purging
from segmentd.service.scrubbing import named_ids, rebound, scrubbed
from segmentd.service.segment_info import SegmentInfo, SegmentSpec
from segmentd.service.written import Cause, Written
from segmentd.storage import Store
from segmentd.times import Micros

_PAGE = 10_000
_Seats = dict[tuple[int, int], int]
"""(user key, segment key) → version, wherever the log ever had that user in that segment."""


@dataclass(slots=True)
class _Person:
    """One user: every id and key, and the row; no key and row for ids that only definitions name."""

    ids: tuple[str, ...]
    row: int | None = None
    keys: tuple[int, ...] = ()


@dataclass(slots=True)
class Erasure(Change):
    """Looks on construction for what is held about some ids; `write` erases it. `known` says which there are."""

    live: Live
    types: Mapping[str, SegmentType[Any]]
    known: list[bool] = field(init=False, default_factory=list)
    _people: list[_Person] = field(init=False, default_factory=list)
    _texts: list[tuple[int, int, str]] = field(init=False, default_factory=list)
    _infos: dict[str, SegmentInfo] = field(init=False, default_factory=dict)
    _seats: _Seats = field(init=False, default_factory=dict)

    @classmethod
    def of(cls, live: Live, store: Store, types: Mapping[str, SegmentType[Any]], user_ids: Sequence[str]) -> Erasure:
        """What erasing these ids comes to."""
        erasure = cls(live, types)
        found: dict[str, _Person] = {}
        for user_id in user_ids:
            if user_id not in found:
                person = _person(live, user_id)
                texts = _naming(store, person.ids)
                erasure._texts += texts
                if person.row is not None or texts:
                    erasure._people.append(person)
                    found.update(dict.fromkeys(person.ids, person))
            erasure.known.append(user_id in found)
        return erasure

    @property
    def empty(self) -> bool:
        """Whether there is nobody to erase."""
        return not self._people

    def write(self, store: Store, instant: Micros) -> Written:
        """Erase from database and columns; what the log has to say of it is noted for `judged`."""
        written = Written()
        ids = [each for person in self._people for each in person.ids]
        keys = [key for person in self._people for key in person.keys]
        self._seats = _seats(self.live, store, keys, instant)
        self._rewrite(store, frozenset(ids))
        store.forget_users(keys)
        store.forget_list_entries(keys)
        store.delete_users(keys)
        self.live.tombstones.bury(store, {each: person.keys for person in self._people for each in person.ids}, instant)
        Purging.owe(store)
        for person in self._people:
            if person.row is not None:
                self.live.users.forget(person.row)
                written.row(person.row).removed = Cause.ERASURE
        return written

    def judged(self, store: Store, stage: Stage, revision: int, instant: Micros) -> None:
        """Whoever reads the log from anywhere learns that the users are in no segment any more."""
        rows = {person.row: person.keys[0] for person in self._people if person.row is not None}
        told = {
            (rows[row], moves.plan.segment_key) for moves in stage.moves for row in moves.rows.tolist() if row in rows
        }
        left = [
            TransitionRecord(segment, version, user, False, instant, Cause.ERASURE)
            for (user, segment), version in sorted(self._seats.items())
            if (user, segment) not in told
        ]
        store.append_transitions(revision, left)

    def published(self, catalogue: Catalogue) -> Catalogue:
        """The ids lead nowhere any more, and no definition in force names them."""
        live = self.live
        index = live.users.index
        known = [each for person in self._people for each in person.ids if index.pop(each, None) is not None]
        live.publication.forget(known)
        for person in self._people:
            live.led_ids.forget(person.ids)
        if not self._infos:
            return catalogue
        live.segments = {**live.segments, **self._infos}
        live.rewrites += 1
        return catalogue.with_entries(rebound(catalogue, self._infos, self.types))

    def _rewrite(self, store: Store, ids: frozenset[str]) -> None:
        """Take the ids out of all versions; those in force are noted for `published`."""
        in_force = {info.segment_key: info for info in self.live.segments.values()}
        for segment_key, version, text in dict.fromkeys(self._texts):
            info = in_force.get(segment_key)
            spec = scrubbed(SegmentSpec.load(info.spec.segment_id if info is not None else "", text), ids)
            store.rewrite_version(segment_key, version, spec.dump())
            if info is not None and info.version == version:
                self._infos[spec.segment_id] = replace(info, spec=spec)


def _naming(store: Store, ids: Sequence[str]) -> list[tuple[int, int, str]]:
    """The stored versions that name one of these ids."""
    texts = store.versions_with(ids)
    return [each for each in texts if not named_ids(SegmentSpec.load("", each[2])).isdisjoint(ids)]


def _person(live: Live, user_id: str) -> _Person:
    row = live.users.row_of(user_id)
    if row is None:
        return _Person((user_id,))
    keys = tuple(live.user_key(each) for each in live.users.rows_of_user(row))
    return _Person(live.users.ids_of(row), row, keys)


def _seats(live: Live, store: Store, keys: Sequence[int], instant: Micros) -> _Seats:
    """Where the log has these users, or once had them: a reader may have come only so far."""
    seats = {
        (moved.transition.user_key, moved.transition.segment_key): moved.transition.segment_version
        for moved in _history(store, keys)
    }
    for entry in live.catalogue.entries.values():
        definition = entry.definition
        if entry.state is not State.ARCHIVED:
            seats |= {
                (key, definition.segment_key): definition.version
                for key in keys
                if (key, definition.segment_key) not in seats and store.member_at(definition.segment_key, key, instant)
            }
    return seats


def _history(store: Store, keys: Sequence[int]) -> Iterable[LoggedTransition]:
    after: Position = store.log_start().position
    while page := store.transitions(after, _PAGE, users=keys) if keys else []:
        yield from page
        after = page[-1].position
