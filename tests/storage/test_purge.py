"""What was deleted is in no file any more, in files of before secure_delete too; everything else is as it was."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from tests.storage.stored_events import events_named, insert_events

from segmentd.records import EventRecord, ProfileRecord
from segmentd.storage import Store
from segmentd.storage.leftovers import cleaned
from segmentd.storage.purge import Purge
from segmentd.times import Micros

MARK = b"MARKED"


def churned(store: Store, chance: random.Random, count: int = 2_000) -> list[int]:
    """Fill with rows of many sizes that grow, shrink and move; the keys of those that are marked."""
    order = list(range(1, count + 1))
    chance.shuffle(order)
    ids = {key: (b"MARKED" if key % 50 == 0 else b"other").decode() + f"{chance.getrandbits(40):x}" for key in order}
    with store.transaction():
        store.insert_users([(key, ids[key]) for key in order])
    for _ in range(3):
        chance.shuffle(order)
        with store.transaction():
            for key in order:
                word = ids[key].encode()[:6] * chance.choice([1, 5, 30, 2_000])
                store.write_profiles([ProfileRecord(key, b'{"x":"' + word + b'"}')])
                message = f"{ids[key]}-{chance.getrandbits(64):x}"
                insert_events(
                    store, [EventRecord(key, "Buy", Micros(1), Micros(1), b'{"y":"' + word + b'"}', None, message)]
                )
    return [key for key in order if key % 50 == 0]


def content(store: Store) -> list[object]:
    return [list(store.users()), list(store.profiles()), events_named(store, "Buy")]


def purged(purge: Purge) -> None:
    purge.begin()
    while not purge.step():
        pass


@pytest.mark.parametrize("secure", ["ON", "OFF"])
def test_nothing_is_left_and_nothing_else_is_lost(tmp_path: Path, secure: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segmentd.storage.purge.STEP_BYTES", 64 * 1024)
    path = tmp_path / "test.db"
    with Store.open(path) as store:
        store._session.connection.execute(f"PRAGMA secure_delete = {secure}")
        marked = churned(store, random.Random(5))
        with store.transaction():
            store.delete_users(marked)
        before = content(store)
        assert store.purge is not None
        assert store.purge._emptied()
        assert secure == "ON" or MARK in path.read_bytes()
        purged(store.purge)
        assert all(MARK not in file.read_bytes() for file in tmp_path.iterdir())
        assert content(store) == before
        assert store._session.rows("PRAGMA integrity_check") == [("ok",)]
        with store.transaction():  # pages that were in the cache are written anew
            store.write_profiles([ProfileRecord(key, b'{"x":1}') for key in range(1, 2_001) if key % 50])
        purged(store.purge)
        assert all(MARK not in file.read_bytes() for file in tmp_path.iterdir())
    with Store.open(path) as store:
        assert store._session.rows("PRAGMA integrity_check") == [("ok",)]


def test_pages_that_are_no_trees_are_left_alone() -> None:
    pages = np.frombuffer(random.Random(1).randbytes(8 * 4096), np.uint8).reshape(8, 4096).copy()
    pages[:, 0] = [0, 1, 3, 4, 6, 9, 12, 255]
    before = pages.copy()
    assert len(cleaned(pages, 2)) == 0
    assert (pages == before).all()


def test_a_database_in_memory_has_no_file_to_purge() -> None:
    with Store.open(":memory:") as store:
        assert store.purge is None
