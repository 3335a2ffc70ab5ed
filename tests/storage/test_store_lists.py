"""User lists and exclusive groups as they are stored."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from segmentd.errors import StorageFailed
from segmentd.records import GroupRecord
from segmentd.storage import Store
from segmentd.times import Micros


def keys(*values: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(values, dtype=np.int64)


def members(store: Store, list_key: int) -> list[int]:
    return [key for batch in store.list_members(list_key) for key in batch.tolist()]


def test_lists_and_their_members_survive(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Store, "batch_size", 2)
    with Store.open(file) as store, store.transaction():
        beta = store.insert_user_list("beta", "testers", Micros(5))
        other = store.insert_user_list("alpha", "", Micros(6))
        store.add_list_members(beta.list_key, keys(9, 3, 5, 3))
        store.add_list_members(beta.list_key, keys(3, 4))
        store.add_list_members(other.list_key, keys(3))
        store.remove_list_members(beta.list_key, keys(9, 7))
        changed = replace(beta, description="more", update_time=Micros(8))
        store.update_user_list(changed)
    with Store.open(file) as store:
        assert store.user_lists() == [other, changed]
        assert members(store, beta.list_key) == [3, 4, 5]
        with store.transaction():
            store.delete_user_list(beta.list_key)
        assert store.user_lists() == [other]
        assert (members(store, beta.list_key), members(store, other.list_key)) == ([], [3])


def test_a_list_is_there_once_and_only_one_that_is_there_changes(store: Store) -> None:
    with store.transaction():
        beta = store.insert_user_list("beta", "", Micros(5))
    with pytest.raises(StorageFailed), store.transaction():
        store.insert_user_list("beta", "", Micros(6))
    with pytest.raises(StorageFailed), store.transaction():
        store.update_user_list(replace(beta, list_key=beta.list_key + 1))


def test_groups_survive_and_are_replaced(file: Path) -> None:
    first = GroupRecord("g", 1, "{}", Micros(5), Micros(5))
    with Store.open(file) as store, store.transaction():
        store.put_exclusive_group(first)
        store.put_exclusive_group(replace(first, group_id="a"))
        store.put_exclusive_group(replace(first, version=2, definition='{"a":1}', update_time=Micros(9)))
    with Store.open(file) as store:
        assert [(each.group_id, each.version, each.update_time) for each in store.exclusive_groups()] == [
            ("a", 1, 5),
            ("g", 2, 9),
        ]
        with store.transaction():
            store.delete_exclusive_group("g")
        assert [each.group_id for each in store.exclusive_groups()] == ["a"]
