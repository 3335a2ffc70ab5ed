"""One commit group of profile and event writes: checked item by item, then applied as a whole."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

from segmentd.errors import AlreadyExists, Reason, SegmentdError
from segmentd.niceness import give_way
from segmentd.plugins.derivation import Derivation
from segmentd.population.elements import stored
from segmentd.population.kinds import Json, Kind, Stored, encode
from segmentd.records import EventBatch, ProfileRecord
from segmentd.service.change import Change
from segmentd.service.items import ItemResult, PreparedEvent, PreparedProfile, digest_of
from segmentd.service.live import Live
from segmentd.service.profile_drafts import Draft, derive, differs, merge, merge_context
from segmentd.service.value_types import AS_THEY_ARE, Currencies, ValueTypes, sound_text
from segmentd.service.written import Came, Written
from segmentd.storage import Store
from segmentd.times import MINUTE, Micros

CLOCK_SKEW: Final = 5 * MINUTE
"""An event at most so far ahead of the clock counts from its receipt."""

Item = PreparedProfile | PreparedEvent | SegmentdError
"""A write of sound form, or why it has none."""


_STORED: Final = ItemResult()
_CREATED: Final = ItemResult(created=True)
_FEW: Final = 12
"""So many events of a name are added one by one: less work than an array for each step."""


@dataclass(slots=True)
class _Events:
    """What is to be stored: events, and of each the row, the effective time and the rate of money."""

    items: list[PreparedEvent] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    times: list[Micros] = field(default_factory=list)
    rates: list[Decimal | None] = field(default_factory=list)

    def batch(self, received: Micros) -> EventBatch:
        """All of them as the database takes them."""
        items = self.items
        return EventBatch(
            received,
            [item.name for item in items],
            self.times,
            [item.raw_properties for item in items],
            [None if item.raw_context == b"{}" else item.raw_context for item in items],
            [item.message_id or None for item in items],
            [item.digest for item in items],
            [None if rate is None else str(rate) for rate in self.rates],
        )

    def places(self, names: Container[str]) -> dict[str, list[int]]:
        """By name, those of `names` only: which of the events have it."""
        found: dict[str, list[int]] = {}
        for place, item in enumerate(self.items):
            if item.name in names:
                found.setdefault(item.name, []).append(place)
        return found


@dataclass(slots=True)
class _Edited:
    draft: Draft
    before: dict[str, Json]
    names: set[str] = field(default_factory=set)

    def changes(self, derivations: Sequence[Derivation]) -> dict[str, Json]:
        """Derive anew; the attributes that count differently than before, None for one that is gone."""
        touched = derive(self.draft, self.names, derivations)
        before, after = self.before.get, self.draft.effective().get
        return {name: after(name) for name in touched if differs(before(name), after(name))}


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
        self._index = live.users.index
        self._types = ValueTypes(live.schema, currencies)
        self._sound_contexts: set[bytes] = set()
        self._first_new, self._next_key = len(live.users), live.next_user_key
        self._new_users: dict[str, int] = {}
        self._events = _Events()
        self._profiles: dict[int, _Edited] = {}
        self._stored = self._read_profiles(store, items)
        wanted = [item.message_id for item in items if isinstance(item, PreparedEvent) and item.message_id]
        self._messages = store.find_messages(wanted) if wanted else {}
        self.results = [self._result(item) for item in items]

    @property
    def empty(self) -> bool:
        """Whether there is nothing to store."""
        touched = any(edited.draft.touched for edited in self._profiles.values())
        return not (self._new_users or self._events.rows or touched)

    def write(self, store: Store, instant: Micros) -> Written:
        """Put everything into the database and the columns, and say which rows were written."""
        written = Written()
        live = self._live
        store.insert_users([(self._key(row), user_id) for user_id, row in self._new_users.items()])
        for user_id, key in [(user_id, self._key(row)) for user_id, row in self._new_users.items()]:
            written.row(live.add_user(user_id, key)).new = True
        written.kinds = frozenset(self._types.new)
        self._apply_kinds(store)
        self._apply_profiles(store, written)
        self._apply_events(store, written)
        return written

    def _result(self, item: Item) -> ItemResult:
        give_way()
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
        self._types.check_attributes(item.attributes, "attributes")
        row, created = self._user(item.user_id)
        if item.attributes:
            edited = self._edited(row)
            edited.names |= merge(edited.draft, item.attributes, self._instant)
        return _CREATED if created else _STORED

    def _event(self, item: PreparedEvent) -> ItemResult:
        digest, message_id, context = item.digest, item.message_id, item.context
        if digest is not None and message_id in self._messages:
            return _repeated(message_id, self._digests(item, digest), self._messages[message_id])
        rate = self._types.checked(item.name, item.properties)
        if context and item.raw_context not in self._sound_contexts:
            self._types.check_attributes(context, "context")
        row, created = self._user(item.user_id)
        time = effective_time(item.time, self._instant)
        if context:
            self._sound_contexts.add(item.raw_context)  # only now: a refused item's first values decide no kinds
            edited = self._edited(row)
            # An event that is to come was sent from a place that was: its context is as old as its receipt.
            edited.names |= merge_context(edited.draft, context, min(time, self._instant))
        if digest is not None:
            self._messages[message_id] = digest
        events = self._events
        events.items.append(item)
        events.rows.append(row)
        events.times.append(time)
        events.rates.append(rate)
        return _CREATED if created else _STORED

    def _digests(self, item: PreparedEvent, digest: bytes) -> set[bytes]:
        """What the event's content can be known by: it may have come before under another id of its user."""
        row = self._live.users.index.get(item.user_id)
        ids = self._live.users.ids_of(row) if row is not None else ()
        return {digest, *(digest_of(item.stated_by(each)) for each in ids)}

    def _user(self, user_id: str) -> tuple[int, bool]:
        """The row of a user, and whether it is to be made."""
        row = self._index.get(user_id)
        if row is not None:
            return row, False
        known = user_id in self._new_users
        if not known:
            self._live.tombstones.check((user_id,), self._instant)
        return self._new_users.setdefault(user_id, self._first_new + len(self._new_users)), not known

    def _key(self, row: int) -> int:
        """The surrogate key of a row, also of one that is to be made."""
        ahead = row - self._first_new
        return self._live.user_key(row) if ahead < 0 else self._next_key + ahead

    def _edited(self, row: int) -> _Edited:
        if row not in self._profiles:
            key = self._key(row)
            draft = Draft.of(self._stored.get(key) or self._fresh(key))
            draft.touched = key not in self._stored  # a new profile is stored, be it empty
            self._profiles[row] = _Edited(draft, draft.effective())
        return self._profiles[row]

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
        changed = {}
        for row, edited in self._profiles.items():
            if not edited.names:
                continue
            changes = edited.changes(self._derivations)
            edited.draft.update_time = self._instant
            if changes:
                changed[row] = typed_attributes(self._live, changes)
                written.row(row).attributes |= changes.keys()
        records = [edited.draft.record() for edited in self._profiles.values() if edited.draft.touched]
        bare = [row for row in self._new_users.values() if row not in self._profiles]
        store.write_profiles([*records, *(self._fresh(self._live.user_key(row)) for row in bare)])
        self._live.users.set_attributes_of(changed)

    def _apply_events(self, store: Store, written: Written) -> None:
        events, tables = self._events, self._live.users.tables
        if not events.rows:
            return
        rows, batch = as_keys(events.rows), events.batch(self._instant)
        store.insert_event_batch(self._live.user_keys(rows).tolist(), batch)
        written.came = Came(rows, batch.names, batch.message_ids)
        times = as_keys(events.times)
        for name, places in events.places(tables.keys()).items():
            give_way()
            self._add_missing_columns(name)
            table = tables[name]
            values = {each: self._values(column.kind, name, each, places) for each, column in table.columns.items()}
            if len(places) > _FEW:
                table.add_many(rows[places], times[places], values)
                continue
            for turn, place in enumerate(places):
                given = {each: value for each in values if (value := values[each][turn]) is not None}
                table.add(events.rows[place], events.times[place], given)

    def _values(self, kind: Kind, event: str, name: str, places: list[int]) -> list[Stored | None]:
        """One property of these events, which have one name, as its column takes it."""
        items, rates = self._events.items, self._events.rates
        given = [items[place].properties.get(name) for place in places]
        if (event, name) in self._types.new:  # events before the one that decided the kind may have what is of none
            texts = [None if (rate := rates[place]) is None else str(rate) for place in places]
            return [stored(kind, value, rate) for value, rate in zip(given, texts, strict=True)]
        if kind in AS_THEY_ARE:
            return cast("list[Stored | None]", given)
        return [
            None if value is None else encode(kind, value, rates[place])
            for value, place in zip(given, places, strict=True)
        ]

    def _add_missing_columns(self, event: str) -> None:
        """A kept property gets its column with the first value that decides its kind."""
        table = self._live.users.tables[event]
        for name in table.properties - table.columns.keys():
            kind = self._live.schema.event_property(event, name)
            if kind is not None:
                table.add_column(name, kind)

    def _read_profiles(self, store: Store, items: Sequence[Item]) -> dict[int, ProfileRecord]:
        index = self._live.users.index
        writing = (
            item.user_id
            for item in items
            if not isinstance(item, SegmentdError)
            and (item.context if isinstance(item, PreparedEvent) else item.attributes)
        )
        rows = {index[user_id] for user_id in writing if user_id in index}
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
        if kind is Kind.TEXT and sound_text(value):
            typed[name] = kind, cast("str", value)
        elif value is not None and kind is not None:
            try:
                typed[name] = kind, encode(kind, value)
            except ValueError:
                continue  # kept in the profile, but of a kind that was declared away: missing to rules
    return typed


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
