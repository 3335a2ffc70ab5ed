"""Users, profiles, events and kinds come back as they were given."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.storage.stored_events import events_named, insert_events

from segmentd.errors import StorageFailed
from segmentd.records import EventBatch, EventRecord, KindRecord, ProfileRecord
from segmentd.storage import Store, event_reads, events
from segmentd.storage.part import Part
from segmentd.times import MAX_INSTANT, MIN_INSTANT, Micros

TEXTS = st.text(st.characters(codec="utf-8"), max_size=30)
INSTANTS = st.integers(MIN_INSTANT, MAX_INSTANT).map(Micros)
DIGEST = bytes(range(16))


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that every iterator goes through several batches."""
    monkeypatch.setattr(Part, "batch_size", 3)


def _login(user: int, time: int, message_id: str | None = None, name: str = "Login") -> EventRecord:
    digest = DIGEST if message_id is not None else None
    return EventRecord(user, name, Micros(time), Micros(time + 1), message_id=message_id, digest=digest)


@given(ids=st.lists(TEXTS, unique=True, max_size=10))
def test_user_ids_of_any_text(ids: list[str]) -> None:
    users = list(enumerate(ids, 1))
    with Store.open(":memory:") as store:
        with store.transaction():
            store.insert_users(users)
        assert [user for batch in store.users() for user in batch] == users
        assert [store.user_key(user_id) for user_id in ids] == [key for key, _ in users]
        assert store.user_key("nobody" * 10) is None


def test_a_key_is_never_given_twice(file: Path) -> None:
    with Store.open(file) as store, store.transaction():
        assert store.next_user_key() == 1
        store.insert_users([(1, "a"), (7, "b"), (2, "c")])
        store.delete_users([7])
        assert store.next_user_key() == 8
    with Store.open(file) as store:
        assert store.next_user_key() == 8


@pytest.mark.parametrize("users", [[(1, "other")], [(2, "ann")], [(2, "x"), (3, "x")]])
def test_a_key_or_id_that_is_there_is_refused(store: Store, users: list[tuple[int, str]]) -> None:
    with store.transaction():
        store.insert_users([(1, "ann")])
    with pytest.raises(StorageFailed, match="UNIQUE"), store.transaction():
        store.insert_users(users)
    assert list(store.users()) == [[(1, "ann")]]


def test_an_erased_user_leaves_nothing_of_its_own(store: Store) -> None:
    with store.transaction():
        store.insert_users([(1, "ann"), (2, "bob")])
        store.write_profiles([ProfileRecord(1), ProfileRecord(2)])
        insert_events(store, [_login(1, 5, "m1"), _login(2, 5, "m2"), _login(1, 6, name="Logout")])
    with store.transaction():
        store.delete_users([1])
    assert list(store.users()) == [[(2, "bob")]]
    assert list(store.read_profiles([1, 2])) == [2]
    assert store.events_of(1) == []
    assert store.event_names() == {"Login": 1}
    assert store.find_messages(["m1", "m2"]) == {"m2": DIGEST}


def test_profiles_are_replaced_whole_and_read_in_any_number(store: Store) -> None:
    count = 40_000
    with store.transaction():
        store.insert_users([(key, f"u{key}") for key in range(1, count + 1)])
        store.write_profiles([ProfileRecord(key, b'{"a":1}', b'{"d":"\xc3\xa9"}', b"{}") for key in range(1, count)])
    with store.transaction():
        store.write_profiles([ProfileRecord(3, b'{"b":"\\u0000"}', b"{}", b'{"b":7}')])
    found = store.read_profiles(range(count * 2))
    assert len(found) == count - 1
    assert found[2] == ProfileRecord(2, b'{"a":1}', b'{"d":"\xc3\xa9"}', b"{}")
    assert found[3] == ProfileRecord(3, b'{"b":"\\u0000"}', b"{}", b'{"b":7}')
    assert store.read_profiles([]) == {}
    assert store.read_profiles(np.array([3], np.int64).tolist()) == {3: found[3]}


@pytest.mark.parametrize("updated", [0, 5], ids=["new", "known"])
def test_a_profile_that_the_table_refuses_is_not_passed_over(store: Store, updated: int) -> None:
    with store.transaction():
        store.insert_users([(1, "ann"), (2, "bob")])
    nothing: Any = None
    refused = ProfileRecord(2, attributes=nothing, update_time=Micros(updated))
    with pytest.raises(StorageFailed, match="NOT NULL"), store.transaction():
        store.write_profiles([ProfileRecord(1), refused])
    assert store.read_profiles([1, 2]) == {}


def test_all_profiles_come_in_order_of_key(store: Store) -> None:
    with store.transaction():
        store.insert_users([(key, f"u{key}") for key in range(1, 9)])
        store.write_profiles([ProfileRecord(key) for key in (8, 2, 5, 1)])
    batches = list(store.profiles())
    assert [p.user_key for batch in batches for p in batch] == [1, 2, 5, 8]
    assert len(batches) == 2


def test_events_that_are_columns_are_stored_like_events_one_by_one() -> None:
    events = [
        EventRecord(4, "E", Micros(9), Micros(10), b'{"k":"\xe2\x82\xac"}', None, "m1", DIGEST, None),
        EventRecord(5, "F", Micros(7), Micros(10), b"{}", b'{"ip":"::1"}', None, None, "1.25"),
        EventRecord(4, "E", Micros(9), Micros(10), b"{}", None, "m2", DIGEST, None),
    ]
    batch = EventBatch(
        Micros(10),
        *(
            [getattr(each, name) for each in events]
            for name in ("name", "time", "properties", "context", "message_id", "digest", "rate")
        ),
    )
    with Store.open(":memory:") as each_alone, Store.open(":memory:") as together:
        for _ in range(2):
            with each_alone.transaction():
                insert_events(each_alone, [replace(each, message_id=None) for each in events])
            with together.transaction():
                batch.message_ids = [None] * len(events)
                together.insert_event_batch([each.user_key for each in events], batch)
        for store in (each_alone, together):
            with store.transaction():
                insert_events(store, events)
        assert together.event_names() == each_alone.event_names() == {"E": 6, "F": 3}
        for user in (4, 5):
            assert together.events_of(user) == each_alone.events_of(user)


@given(
    time=INSTANTS,
    received=INSTANTS,
    name=TEXTS,
    message_id=st.none() | TEXTS,
    rate=st.none() | TEXTS,
    context=st.none() | st.just(b'{"ip":"::1"}'),
)
def test_an_event_comes_back_whole(
    time: Micros, received: Micros, name: str, message_id: str | None, rate: str | None, context: bytes | None
) -> None:
    event = EventRecord(4, name, time, received, b'{"k":"\xe2\x82\xac"}', context, message_id, DIGEST, rate)
    with Store.open(":memory:") as store:
        with store.transaction():
            insert_events(store, [event])
        [found] = store.events_of(4)
        assert found == replace(event, event_key=1)
        assert events_named(store, name) == [(4, time, event.properties, rate)]
        if message_id is not None:
            assert store.find_messages([message_id]) == {message_id: DIGEST}


EVENTS = st.lists(
    st.tuples(st.integers(1, 4), st.integers(-3, 3), st.sampled_from(["Login", "Order", "Other"])), max_size=30
)


@given(first=EVENTS, second=EVENTS)
def test_events_are_ordered_by_user_time_and_arrival(
    first: list[tuple[int, int, str]], second: list[tuple[int, int, str]]
) -> None:
    arrived = [*first, *second]
    with Store.open(":memory:") as store:
        sent = [
            EventRecord(user, name, Micros(time), Micros(0), b"%d" % place)
            for place, (user, time, name) in enumerate(arrived)
        ]
        for part in (sent[: len(first)], sent[len(first) :]):
            with store.transaction():
                insert_events(store, part)
        for name in ("Login", "Order", "Unseen"):
            oracle = sorted((e for e in sent if e.name == name), key=lambda e: (e.user_key, e.time))
            assert events_named(store, name) == [(e.user_key, e.time, e.properties, None) for e in oracle]
        for names in (None, [], ["Login"], ["Login", "Other", "Unseen"]):
            own = sorted((e for e in sent if e.user_key == 2), key=lambda e: e.time)
            wanted = [e.properties for e in own if names is None or e.name in names]
            assert [e.properties for e in store.events_of(2, names)] == wanted
        assert store.event_names() == {n: sum(e.name == n for e in sent) for n in sorted({e.name for e in sent})}
        assert store.event_count() == len(sent)


@pytest.mark.parametrize("count", [0, 1, 2, 8, 9, 512, 513, 2_000])
def test_messages_are_found_in_any_number(store: Store, count: int) -> None:
    with store.transaction():
        insert_events(store, [_login(1, place, f"m{place}") for place in range(0, count, 2)])
    found = store.find_messages([f"m{place}" for place in range(count)])
    assert found == {f"m{place}": DIGEST for place in range(0, count, 2)}


def test_a_message_id_is_stored_once(store: Store) -> None:
    with store.transaction():
        insert_events(store, [_login(1, 1, "m"), _login(1, 1), _login(1, 1)])
    with pytest.raises(StorageFailed, match="message_id"), store.transaction():
        insert_events(store, [_login(2, 2), _login(2, 2, "m")])
    assert store.event_count() == 3


@pytest.mark.parametrize(
    ("sql", "size", "index"),
    [
        (events._FIND[8], 8, "USING INDEX events_by_message (message_id=?)"),
        (event_reads._PAGE_OF_USER, 5, "USING INDEX events_by_user (name_id=? AND user_key=? AND time>?)"),
    ],
)
def test_hot_reads_are_one_seek_in_an_index_without_a_sort(store: Store, sql: str, size: int, index: str) -> None:
    plan = store._session.rows(f"EXPLAIN QUERY PLAN {sql}", (None,) * size)
    assert len(plan) == 1
    assert index in plan[0][3]


def test_writing_between_two_batches_is_harmless(store: Store) -> None:
    with store.transaction():
        store.insert_users([(key, f"u{key}") for key in range(1, 8)])
    seen = []
    for batch in store.users():
        seen += [key for key, _ in batch]
        with store.transaction():
            store.delete_users([5])
    assert seen == [1, 2, 3, 4, 6, 7]


def test_kinds_are_replaced_by_scope_and_name(store: Store) -> None:
    plan, revenue = KindRecord("", "plan", "text", False), KindRecord("Order", "plan", "number", True)
    with store.transaction():
        store.write_kinds([revenue, plan])
    assert store.kinds() == [plan, revenue]
    declared = KindRecord("", "plan", "tags", True)
    with store.transaction():
        store.write_kinds([declared])
    assert store.kinds() == [declared, revenue]


@given(
    batches=st.lists(
        st.dictionaries(st.integers(1, 6), st.tuples(st.integers(1, 3), st.integers(1, 3)), max_size=6), max_size=4
    )
)
def test_profiles_are_replaced_whichever_of_them_are_there(batches: list[dict[int, tuple[int, int]]]) -> None:
    """Also where the times of a new one say that it is old, or the other way round."""
    expected: dict[int, ProfileRecord] = {}
    with Store.open(":memory:") as store:
        with store.transaction():
            store.insert_users([(key, f"u{key}") for key in range(1, 7)])
        for number, batch in enumerate(batches):
            records = [
                ProfileRecord(key, b'{"n":%d}' % number, create_time=Micros(create), update_time=Micros(update))
                for key, (create, update) in batch.items()
            ]
            with store.transaction():
                store.write_profiles(records)
            expected |= {each.user_key: each for each in records}
        assert store.read_profiles(range(1, 7)) == expected
