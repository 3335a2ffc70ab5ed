"""One commit group of profile and event writes: checked item by item, then applied as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

from segmentd.errors import AlreadyExists, Reason, SegmentdError
from segmentd.plugins.derivation import Derivation
from segmentd.population.kinds import Json, Kind, Stored, encode
from segmentd.records import EventRecord, ProfileRecord
from segmentd.service.change import Change
from segmentd.service.items import ItemResult, PreparedEvent, PreparedProfile
from segmentd.service.live import Live
from segmentd.service.profile_drafts import Draft, derive, differs, merge, merge_context
from segmentd.service.value_types import Currencies, ValueTypes
from segmentd.service.written import Written
from segmentd.storage import Store
from segmentd.times import MINUTE, Micros

CLOCK_SKEW: Final = 5 * MINUTE
"""An event at most so far ahead of the clock counts from its receipt."""

Item = PreparedProfile | PreparedEvent | SegmentdError
"""A write of sound form, or why it has none."""


@dataclass(slots=True)
class _NewEvent:
    record: EventRecord
    user_id: str
    properties: dict[str, Stored]


@dataclass(slots=True)
class _Edited:
    draft: Draft
    before: dict[str, Json]
    names: set[str] = field(default_factory=set)

    def changes(self) -> dict[str, Json]:
        """The attributes that count differently than before, None for one that is gone."""
        after = self.draft.effective()
        names = self.before.keys() | after.keys()
        return {name: after.get(name) for name in names if differs(self.before.get(name), after.get(name))}


class Ingest(Change):
    """Checks on construction what can be stored (nothing is changed yet); `write` stores it.

    `results` has one entry for each item, in order.
    """

    def __init__(
        self,
        live: Live,
        store: Store,
        derivations: Sequence[Derivation],
        currencies: Currencies,
        items: Sequence[Item],
        instant: Micros,
    ) -> None:
        self._live = live
        self._derivations = derivations
        self._instant = instant
        self._types = ValueTypes(live.schema, currencies)
        self._sound_contexts: set[bytes] = set()
        self._new_users: dict[str, int] = {}
        self._events: list[_NewEvent] = []
        self._profiles: dict[int, _Edited] = {}
        self._stored = self._read_profiles(store, items)
        wanted = [item.message_id for item in items if isinstance(item, PreparedEvent) and item.message_id]
        self._messages = store.find_messages(wanted) if wanted else {}
        self.results = [self._result(item) for item in items]

    @property
    def empty(self) -> bool:
        """Whether there is nothing to store."""
        touched = any(edited.draft.touched for edited in self._profiles.values())
        return not (self._new_users or self._events or touched)

    def write(self, store: Store, instant: Micros) -> Written:
        """Put everything into the database and the columns, and say which rows were written."""
        written = Written()
        live = self._live
        store.insert_users([(key, user_id) for user_id, key in self._new_users.items()])
        for user_id, key in self._new_users.items():
            written.row(live.add_user(user_id, key)).new = True
        written.kinds = frozenset(self._types.new)
        self._apply_kinds(store)
        self._apply_profiles(store, written)
        self._apply_events(store, written)
        return written

    def _result(self, item: Item) -> ItemResult:
        try:
            if isinstance(item, SegmentdError):
                return ItemResult(error=item)
            result = self._profile(item) if isinstance(item, PreparedProfile) else self._event(item)
        except SegmentdError as error:
            self._types.settle(kept=False)
            return ItemResult(error=error)
        self._types.settle(kept=True)
        return result

    def _profile(self, item: PreparedProfile) -> ItemResult:
        self._types.attributes(item.attributes, "attributes")
        key, created = self._user(item.user_id)
        if item.attributes:
            edited = self._edited(key)
            edited.names |= merge(edited.draft, item.attributes, self._instant)
        return ItemResult(created=created)

    def _event(self, item: PreparedEvent) -> ItemResult:
        digest = blake2b(item.stated, digest_size=16).digest() if item.message_id else None
        if digest is not None and item.message_id in self._messages:
            return _repeated(item.message_id, self._digests(item, digest), self._messages[item.message_id])
        properties, rate = self._types.properties(item.name, item.properties)
        if item.raw_context not in self._sound_contexts:
            self._types.attributes(item.context, "context")
            self._sound_contexts.add(item.raw_context)
        key, created = self._user(item.user_id)
        time = effective_time(item.time, self._instant)
        if item.context:
            edited = self._edited(key)
            # An event that is to come was sent from a place that was: its context is as old as its receipt.
            edited.names |= merge_context(edited.draft, item.context, min(time, self._instant))
        if digest is not None:
            self._messages[item.message_id] = digest
        record = EventRecord(
            key,
            item.name,
            time,
            self._instant,
            item.raw_properties,
            item.raw_context if item.raw_context != b"{}" else None,
            item.message_id or None,
            digest,
            str(rate) if rate is not None else None,
        )
        values = {name: value for name, (_, value) in properties.items()}
        self._events.append(_NewEvent(record, item.user_id, values))
        return ItemResult(created=created)

    def _digests(self, item: PreparedEvent, digest: bytes) -> set[bytes]:
        """What the event's content can be known by: it may have come before under another id of its user."""
        row = self._live.users.index.get(item.user_id)
        ids = self._live.users.ids_of(row) if row is not None else ()
        return {digest, *(blake2b(item.stated_by(each), digest_size=16).digest() for each in ids)}

    def _user(self, user_id: str) -> tuple[int, bool]:
        row = self._live.users.index.get(user_id)
        if row is not None:
            return self._live.user_key(row), False
        known = user_id in self._new_users
        if not known:
            self._live.tombstones.check((user_id,), self._instant)
        return self._new_users.setdefault(user_id, self._live.next_user_key + len(self._new_users)), not known

    def _edited(self, key: int) -> _Edited:
        if key not in self._profiles:
            draft = Draft.of(self._stored.get(key) or self._fresh(key))
            draft.touched = key not in self._stored  # a new profile is stored, be it empty
            self._profiles[key] = _Edited(draft, draft.effective())
        return self._profiles[key]

    def _fresh(self, key: int) -> ProfileRecord:
        return ProfileRecord(key, create_time=self._instant, update_time=self._instant)

    def _apply_kinds(self, store: Store) -> None:
        for record in self._types.records():
            if record.scope:
                self._live.schema.set_property(record.scope, record.name, Kind(record.kind))
            else:
                self._live.schema.set_attribute(record.name, Kind(record.kind))
        store.write_kinds(self._types.records())

    def _apply_profiles(self, store: Store, written: Written) -> None:
        rows = {key: row for row, key in self._rows_of(self._profiles)}
        fresh = {*self._new_users.values()} - self._profiles.keys()
        for edited in self._profiles.values():
            derive(edited.draft, edited.names, self._derivations)
            if edited.names:
                edited.draft.update_time = self._instant
        records = [edited.draft.record() for edited in self._profiles.values() if edited.draft.touched]
        store.write_profiles([*records, *(self._fresh(key) for key in sorted(fresh))])
        for key, edited in self._profiles.items():
            changes = edited.changes()
            if changes:
                self._live.users.set_attributes(rows[key], typed_attributes(self._live, changes))
                written.row(rows[key]).attributes |= changes.keys()

    def _apply_events(self, store: Store, written: Written) -> None:
        store.insert_events([each.record for each in self._events])
        index, tables = self._live.users.index, self._live.users.tables
        for each in self._events:
            row = index[each.user_id]
            record = each.record
            written.row(row).events[record.name] = record.message_id
            table = tables.get(record.name)
            if table is not None:
                self._add_missing_columns(record.name)
                table.add(row, record.time, each.properties)

    def _add_missing_columns(self, event: str) -> None:
        """A kept property gets its column with the first value that decides its kind."""
        table = self._live.users.tables[event]
        for name in table.properties - table.columns.keys():
            kind = self._live.schema.event_property(event, name)
            if kind is not None:
                table.add_column(name, kind)

    def _rows_of(self, keys: dict[int, _Edited]) -> list[tuple[int, int]]:
        index = self._live.users.index
        new = {key: index[user_id] for user_id, key in self._new_users.items()}
        old = sorted(key for key in keys if key not in new)
        rows = self._live.rows_of(as_keys(old))
        return [*zip(rows.tolist(), old, strict=True), *((new[key], key) for key in keys if key in new)]

    def _read_profiles(self, store: Store, items: Sequence[Item]) -> dict[int, ProfileRecord]:
        index = self._live.users.index
        rows = {
            index[item.user_id]
            for item in items
            if not isinstance(item, SegmentdError)
            and item.user_id in index
            and (item.attributes if isinstance(item, PreparedProfile) else item.context)
        }
        if not rows:
            return {}
        return store.read_profiles(self._live.user_keys(as_keys(sorted(rows))).tolist())


def effective_time(time: Micros | None, now: Micros) -> Micros:
    """The instant from which an event received `now` counts: a clock that is a little ahead is no future."""
    return now if time is None or now < time <= now + CLOCK_SKEW else time


def typed_attributes(live: Live, values: dict[str, Json]) -> dict[str, tuple[Kind, Stored] | None]:
    """Values as columns take them, None where missing or not of the attribute's kind."""
    typed: dict[str, tuple[Kind, Stored] | None] = {}
    for name, value in values.items():
        kind = live.schema.attribute(name)
        typed[name] = None
        if value is not None and kind is not None:
            try:
                typed[name] = kind, encode(kind, value)
            except ValueError:
                continue  # kept in the profile, but of a kind that was declared away: missing to rules
    return typed


def stored_property(kind: Kind, value: Json, rate: str | None) -> Stored | None:
    """A property as columns take it, from what the database holds; None where it is of another kind."""
    try:
        return encode(kind, value, Decimal(rate) if rate is not None else None)
    except ValueError:
        return None


def _repeated(message_id: str, digests: set[bytes], known: bytes | None) -> ItemResult:
    if known in digests:
        return ItemResult(duplicate=True)
    raise AlreadyExists(
        Reason.MESSAGE_ID_REUSED,
        f"message_id: {message_id!r} belongs to an event with other content",
        {"message_id": message_id},
    )


def as_keys(values: Sequence[int]) -> NDArray[np.int64]:
    """Row numbers or surrogate keys as int64 (n,)."""
    return np.array(values, dtype=np.int64)
