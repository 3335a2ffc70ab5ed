"""Event tables from the database: only the names and properties that some definition reads are in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import orjson

from segmentd.population.event_table import EventTable
from segmentd.population.flatten import flatten_properties
from segmentd.population.kinds import Stored
from segmentd.service.ingest import stored_property
from segmentd.service.live import Live
from segmentd.storage import Store


def load_tables(live: Live, store: Store, needed: Iterable[Mapping[str, frozenset[str]]]) -> None:
    """Load what `needed` (event name → properties) asks for and is not in memory yet."""
    wanted: dict[str, set[str]] = {}
    for events in needed:
        for name, properties in events.items():
            wanted.setdefault(name, set()).update(properties)
    for name, names in wanted.items():
        table = live.users.tables.get(name)
        if table is None or not names <= table.properties:
            kept = table.properties if table is not None else set()
            live.users.tables[name] = _load(live, store, name, kept | names)


def drop_tables(live: Live, needed: Iterable[Mapping[str, frozenset[str]]]) -> None:
    """Forget the tables that nothing reads any more; what is judged aside counts as read."""
    wanted = {name for events in (*needed, *(plan.events for plan in live.shadows)) for name in events}
    for name in live.users.tables.keys() - wanted:
        del live.users.tables[name]


def _load(live: Live, store: Store, name: str, properties: set[str]) -> EventTable:
    kinds = {each: live.schema.event_property(name, each) for each in properties}
    table = live.users.new_table(kinds)
    keys: list[np.ndarray[tuple[int], np.dtype[np.int64]]] = [np.zeros(0, dtype=np.int64)]
    times = [np.zeros(0, dtype=np.int64)]
    values: dict[str, list[Stored | None]] = {each: [] for each in table.columns}
    if values:
        for batch in store.events(name):
            keys.append(np.array([user_key for user_key, _, _, _ in batch], dtype=np.int64))
            times.append(np.array([time for _, time, _, _ in batch], dtype=np.int64))
            for _, _, raw, rate in batch:
                _collect(table, values, raw, rate)
    else:
        for user_keys, instants in store.event_times(name):
            keys.append(user_keys)
            times.append(instants)
    table.load(live.rows_of(np.concatenate(keys)), np.concatenate(times), values)
    return table


def _collect(table: EventTable, values: dict[str, list[Stored | None]], raw: bytes, rate: str | None) -> None:
    flat = flatten_properties(orjson.loads(raw))
    for name, column in table.columns.items():
        value = flat.get(name)
        values[name].append(stored_property(column.kind, value, rate) if value is not None else None)
