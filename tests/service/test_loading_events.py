"""Event tables that are read in bulk hold what reading one user after the other gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.storage.stored_events import insert_events

from segmentd.population.kinds import Kind
from segmentd.records import EventRecord, ProfileRecord
from segmentd.service.event_loading import load_row, load_tables
from segmentd.service.live import Live
from segmentd.service.profile_loading import load_users
from segmentd.storage import Store
from segmentd.storage.bulk_reads import BulkReads
from segmentd.storage.part import Part
from segmentd.times import Micros

NAMES = ("seen", "bought", "paid", "rare")
KINDS = {
    "seen": {"sku": Kind.TEXT, "a.b": Kind.NUMBER},
    "bought": {},
    "paid": {"revenue": Kind.MONEY},
    "rare": {"sku": Kind.TEXT},
}
PROPERTIES = st.fixed_dictionaries(
    {},
    optional={
        "sku": st.one_of(st.sampled_from("xyz"), st.integers(0, 2)),
        "a": st.one_of(st.integers(0, 2), st.fixed_dictionaries({"b": st.integers(0, 9)})),
        "a.b": st.one_of(st.none(), st.just(7)),
        "revenue": st.sampled_from([1, 2.5, 0.0000005, "much"]),
    },
)
EVENTS = st.tuples(
    st.integers(1, 5), st.sampled_from(NAMES), st.integers(-3, 3), PROPERTIES, st.sampled_from([None, "1.1"])
)


def opened(events: list[tuple[int, str, int, dict[str, Any], str | None]]) -> tuple[Store, Live]:
    """A store with five users, and what is in memory before any event is."""
    store, live = Store.open(":memory:"), Live()
    with store.transaction():
        store.insert_users([(key, f"u{key}") for key in range(1, 6)])
        store.write_profiles([ProfileRecord(key) for key in range(1, 6)])
        for user, name, time, properties, rate in events:
            raw = orjson.dumps(properties)
            insert_events(store, [EventRecord(user, name, Micros(time), Micros(9), raw, rate=rate)])
    for name, kinds in KINDS.items():
        for each, kind in kinds.items():
            live.schema.set_property(name, each, kind)
    load_users(live, store)
    return store, live


def contents(live: Live, row: int) -> dict[str, list[Any]]:
    """The events of a row by name: times, and the value of each column."""
    found: dict[str, list[Any]] = {}
    for name, table in live.users.tables.items():
        places = range(*table.place(row))
        times = table.times(np.array(places, dtype=np.int64)).tolist()
        found[name] = [times, {each: list(map(column.value, places)) for each, column in table.columns.items()}]
    return found


@pytest.mark.parametrize("size", [1, 3, 100])
@given(events=st.lists(EVENTS, max_size=25), late=st.booleans())
def test_tables_hold_the_events_of_each_user(
    size: int, events: list[tuple[int, str, int, dict[str, Any], str | None]], late: bool
) -> None:
    """Read together or by name, in batches of any size, with all properties at once or some later."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Part, "batch_size", size)
        patch.setattr(BulkReads, "batch_size", size)
        store, live = opened(events)
        with store:
            needed = [{name: frozenset(kinds) for name, kinds in KINDS.items()}]
            if late:
                load_tables(live, store, [{"seen": frozenset(["sku"]), "paid": frozenset()}])
            load_tables(live, store, needed)
            for row in range(5):
                loaded = contents(live, row)
                for name in KINDS:
                    load_row(live, store, name, row)
                assert loaded == contents(live, row)


def test_more_texts_than_a_small_column_keeps_come_in_several_batches() -> None:
    """What was read first stands for the same texts when all is read."""
    count = 5_000
    store, live = Store.open(":memory:"), Live()
    with store:
        with store.transaction():
            store.insert_users([(key, f"u{key}") for key in range(1, count + 1)])
            insert_events(
                store,
                [
                    EventRecord(
                        key, "seen", Micros(0), Micros(9), orjson.dumps({"sku": f"s{key}", "tags": [f"t{key}"]})
                    )
                    for key in range(1, count + 1)
                ],
            )
        live.schema.set_property("seen", "sku", Kind.TEXT)
        live.schema.set_property("seen", "tags", Kind.TAGS)
        load_users(live, store)
        load_tables(live, store, [{"seen": frozenset(["sku"])}])
        load_tables(live, store, [{"seen": frozenset(["sku", "tags"])}])
        columns = live.users.tables["seen"].columns
        assert [columns["sku"].value(row) for row in range(count)] == [f"s{key}" for key in range(1, count + 1)]
        assert [columns["tags"].value(row) for row in range(count)] == [{f"t{key}"} for key in range(1, count + 1)]


def test_users_without_events_make_no_batch_of_all_who_have_some(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BulkReads, "batch_size", 10)
    with Store.open(":memory:") as store:
        with store.transaction():
            insert_events(store, [EventRecord(key, "seen", Micros(0), Micros(9), b"{}") for key in range(500, 1_000)])
        found = [len(batch.user_keys) for batch in store.events_of_name(store.name_ids()["seen"], 1_000)]
        assert sum(found) == 500
        assert max(found) <= 10
