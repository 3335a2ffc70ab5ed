"""Event tables from the database: only the names and properties that some definition reads are in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import orjson

from segmentd.population.event_table import EventTable
from segmentd.population.flatten import flatten_properties
from segmentd.population.kinds import Kind, Stored
from segmentd.service.ingest import as_keys, stored_property
from segmentd.service.live import Live
from segmentd.storage import EventRow, Store

_Values = dict[str, list[Stored | None]]


def load_tables(live: Live, store: Store, needed: Iterable[Mapping[str, frozenset[str]]]) -> None:
    """Load what `needed` (event name → properties) asks for and is not in memory yet."""
    wanted: dict[str, set[str]] = {}
    for events in needed:
        for name, properties in events.items():
            wanted.setdefault(name, set()).update(properties)
    for name, names in wanted.items():
        table = live.users.tables.get(name)
        if table is None:
            live.users.tables[name] = _load(live, store, name, names)
        elif not names <= table.properties:
            _extend(live, store, name, names - table.properties)


def drop_tables(live: Live, needed: Iterable[Mapping[str, frozenset[str]]]) -> None:
    """Forget the tables that nothing reads any more; what is judged aside counts as read."""
    wanted = {name for events in (*needed, *(plan.events for plan in live.shadows)) for name in events}
    with live.writing:
        for name in live.users.tables.keys() - wanted:
            del live.users.tables[name]


def load_row(live: Live, store: Store, name: str, row: int) -> None:
    """Read one user's events of a name anew into the table in memory; a commit does so while it writes."""
    table = live.users.tables[name]
    kinds = {each: column.kind for each, column in table.columns.items()}
    values: _Values = {each: [] for each in kinds}
    key = live.user_key(row)
    events = store.events_of(key, [name])
    _collect(kinds, values, [(key, each.time, each.properties, each.rate) for each in events])
    table.replace(row, as_keys([each.time for each in events]), values)


def _load(live: Live, store: Store, name: str, properties: set[str]) -> EventTable:
    table = live.users.new_table({each: live.schema.event_property(name, each) for each in properties})
    keys, times = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    kinds = {each: column.kind for each, column in table.columns.items()}
    values: _Values = {each: [] for each in kinds}
    if values:
        for batch in store.events(name):
            keys.append(as_keys([user_key for user_key, _, _, _ in batch]))
            times.append(as_keys([time for _, time, _, _ in batch]))
            _collect(kinds, values, batch)
    else:
        for user_keys, instants in store.event_times(name):
            keys.append(user_keys)
            times.append(instants)
    table.load(live.rows_of(np.concatenate(keys)), np.concatenate(times), values)
    return table


def _extend(live: Live, store: Store, name: str, properties: set[str]) -> None:
    """Give a table in memory the columns of more properties; the database has its events in the same order."""
    table = live.users.tables[name]
    kinds = {each: live.schema.event_property(name, each) for each in properties}
    known = {each: kind for each, kind in kinds.items() if kind is not None}
    values: _Values = {each: [] for each in known}
    if values:
        for batch in store.events(name):
            _collect(known, values, batch)
    with live.writing:
        table.properties |= properties
        for each, kind in known.items():
            table.add_column(each, kind)
        if values:
            table.fill(values)


def _collect(kinds: Mapping[str, Kind], values: _Values, batch: list[EventRow]) -> None:
    heads = {name.partition(".")[0] for name in values}
    for _, _, raw, rate in batch:
        given = {key: value for key, value in orjson.loads(raw).items() if key.partition(".")[0] in heads}
        flat = flatten_properties(given)
        for name, column in values.items():
            value = flat.get(name)
            column.append(stored_property(kinds[name], value, rate) if value is not None else None)
