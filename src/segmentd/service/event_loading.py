"""Event tables from the database: only the names and properties that some definition reads are in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeVar

import numpy as np
import orjson
from numpy.typing import NDArray

from segmentd.errors import StorageFailed
from segmentd.population.column import Column
from segmentd.population.elements import elements, stored
from segmentd.population.event_table import EventTable
from segmentd.population.kinds import Kind, Stored
from segmentd.population.ordering import event_order
from segmentd.population.properties import property_values
from segmentd.service.ingest import as_keys
from segmentd.service.live import Live
from segmentd.storage import Store
from segmentd.storage.bulk_reads import EventBatch, ahead

_SCAN_SHARE: Final = 4
"""Where one event in so many is wanted, all are gone through in the order of the file; for fewer, an index leads."""
T = TypeVar("T")
Needed = Iterable[Mapping[str, frozenset[str]]]


def load_tables(live: Live, store: Store, needed: Needed) -> None:
    """Load what `needed` (event name → properties) asks for and is not in memory yet."""
    wanted = wanted_events(needed)
    tables = live.users.tables
    missing = {name: names for name, names in wanted.items() if name not in tables}
    fresh = {
        name: live.users.new_table({each: live.schema.event_property(name, each) for each in properties})
        for name, properties in missing.items()
    }
    tables.update(_filled(live, store, fresh))
    for name, names in wanted.items():
        if not names <= tables[name].properties:
            _extend(live, store, name, names - tables[name].properties)


def wanted_events(needed: Needed) -> dict[str, set[str]]:
    """All properties that are asked for of each event name."""
    wanted: dict[str, set[str]] = {}
    for events in needed:
        for name, properties in events.items():
            wanted.setdefault(name, set()).update(properties)
    return wanted


def drop_tables(live: Live, needed: Needed) -> None:
    """Forget the tables that nothing reads any more; what is judged aside counts as read."""
    wanted = {name for events in (*needed, *(plan.events for plan in live.shadows)) for name in events}
    with live.writing:
        for name in live.users.tables.keys() - wanted:
            del live.users.tables[name]


def load_row(live: Live, store: Store, name: str, row: int) -> None:
    """Read one user's events of a name anew into the table in memory; a commit does so while it writes."""
    table = live.users.tables[name]
    kinds = {each: column.kind for each, column in table.columns.items()}
    values: dict[str, list[Stored | None]] = {each: [] for each in kinds}
    events = store.events_of(live.user_key(row), [name])
    given = [orjson.loads(each.properties) for each in events] if kinds else []
    for each, kind in kinds.items():
        found = zip(property_values(given, each), events, strict=True)
        values[each] = [stored(kind, value, event.rate) for value, event in found]
    table.replace(row, as_keys([each.time for each in events]), values)


def _filled(live: Live, store: Store, tables: Mapping[str, EventTable]) -> Mapping[str, EventTable]:
    """These tables, empty ones, with all their events."""
    read = _read(live, store, {name: table.columns for name, table in tables.items()})
    for name, (rows, times, columns) in read:
        table = tables[name]
        table.load(rows, times)
        for each, data in columns.items():
            table.put(each, data)
    return tables


def _extend(live: Live, store: Store, name: str, properties: set[str]) -> None:
    """Give a table in memory the columns of more properties; the database has its events in the same order."""
    table = live.users.tables[name]
    kinds = {each: live.schema.event_property(name, each) for each in properties}
    fresh = {each: Column(kind, 0) for each, kind in kinds.items() if kind is not None}
    read = dict(_read(live, store, {name: fresh})) if fresh else {}
    with live.writing:
        table.compact()
        table.properties |= properties
        for _, _, columns in read.values():
            if len(columns[next(iter(fresh))]) != len(table):
                raise StorageFailed(f"the database has not the events {name} that are in memory")
            for each, data in columns.items():
                table.add_column(each, fresh[each].kind)
                table.columns[each].adopt(fresh[each])
                table.put(each, data)


_Gathered = tuple[NDArray[np.int64], NDArray[np.int64], dict[str, NDArray[np.generic]]]
"""Rows, times, and elements by property: (m,) each, by row, time and arrival."""


class Reading:
    """What was read of one name so far. Columns give the kinds and vocabularies; their data stays as it is."""

    def __init__(self, columns: Mapping[str, Column]) -> None:
        self.columns = columns
        self._rows: list[NDArray[np.int32]] = []
        self._times: list[NDArray[np.int64]] = []
        self._data: dict[str, list[NDArray[np.generic]]] = {name: [] for name in columns}

    @property
    def rated(self) -> bool:
        """Whether the rate of an event matters."""
        return any(column.kind is Kind.MONEY for column in self.columns.values())

    def add(self, rows: NDArray[np.int64], batch: EventBatch, here: NDArray[np.bool_] | None) -> None:
        """Take those of a batch that are `here`; None: all."""
        chosen = slice(None) if here is None else np.flatnonzero(here)
        if batch.event_keys is not None and not _in_order(rows, batch.times, batch.event_keys):
            chosen = np.lexsort((batch.event_keys, batch.times, rows))
        self._rows.append(rows[chosen].astype(np.int32))
        self._times.append(batch.times[chosen])
        if not self.columns:
            return
        given = _chosen(orjson.loads(batch.properties or "[]"), chosen)
        rates = _chosen(orjson.loads(batch.rates), chosen) if batch.rates is not None else None
        for name, column in self.columns.items():
            self._data[name].append(elements(column, property_values(given, name), rates))

    def gathered(self) -> _Gathered:
        """All of it in the order of a table; nothing is left here."""
        rows = np.concatenate([np.zeros(0, np.int32), *self._rows]).astype(np.int64)
        times = np.concatenate([np.zeros(0, np.int64), *self._times])
        self._rows, self._times = [], []
        order = event_order(rows, times)
        data = {}
        for name, column in self.columns.items():
            whole = np.concatenate([np.zeros(0, column.dtype), *self._data.pop(name)])
            data[name] = whole if order is None else whole[order]
        return (rows, times, data) if order is None else (rows[order], times[order], data)


def _in_order(rows: NDArray[np.int64], times: NDArray[np.int64], keys: NDArray[np.int64]) -> bool:
    rises, later, after = np.diff(rows), np.diff(times), np.diff(keys) > 0
    return bool(((rises > 0) | ((rises == 0) & ((later > 0) | ((later == 0) & after)))).all())


def _chosen(values: list[T], chosen: NDArray[np.int64] | slice) -> list[T]:
    return values if isinstance(chosen, slice) else [values[place] for place in chosen.tolist()]


def _read(live: Live, store: Store, wanted: Mapping[str, Mapping[str, Column]]) -> Iterator[tuple[str, _Gathered]]:
    """All events of these names, with the properties that have a column."""
    if not wanted:
        return
    numbers, sizes = store.name_ids(), store.event_names()
    readings = {name: Reading(columns) for name, columns in wanted.items()}
    together = [name for name in wanted if wanted[name] and name in numbers]
    if sum(sizes.get(name, 0) for name in together) * _SCAN_SHARE < sum(sizes.values()):
        together = []
    by_number = {numbers[name]: readings[name] for name in together}
    if by_number:
        rated = any(reading.rated for reading in by_number.values())
        for batch in ahead(store.event_batches(by_number, rates=rated)):
            rows = rows_of_batch(live, batch)
            for number, reading in by_number.items():
                reading.add(rows, batch, None if len(by_number) == 1 else np.equal(batch.name_ids, number))
    for name, reading in readings.items():
        if name not in together and name in numbers:
            found = store.events_of_name(
                numbers[name], live.next_user_key, properties=bool(wanted[name]), rates=reading.rated
            )
            for batch in ahead(found):
                reading.add(rows_of_batch(live, batch), batch, None)
        yield name, reading.gathered()


def rows_of_batch(live: Live, batch: EventBatch) -> NDArray[np.int64]:
    """The rows of the users of these events, (n,)."""
    rows = live.rows_of(batch.user_keys)
    if len(rows) != len(batch.user_keys):
        raise StorageFailed("the database has events of users who are not there")
    return rows
