"""Segments and models keep every version; which one is served is said separately."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from segmentd.errors import StorageFailed
from segmentd.records import ModelRecord, SegmentRecord
from segmentd.storage import Store
from segmentd.times import Micros

VIP = SegmentRecord(
    1, "vip", 1, '{"rule": "é"}', "active", "", "ann", "first", Micros(5), b'{"attribute":1}', b'{"m":2}'
)
SECOND = replace(VIP, version=2, state="pending", note="second", create_time=Micros(9))
RFM = ModelRecord("rfm:1", 1, "rfm", b'{"p":1}', b'{"cuts":[1,2]}', 1_000, b'{"n":1000}', Micros(7))


def test_versions_and_the_served_one_survive(file: Path) -> None:
    with Store.open(file) as store, store.transaction():
        store.put_segment_version(VIP)
        store.put_segment_version(SECOND, serve=False)
    with Store.open(file) as store:
        assert store.segments() == [VIP]
        assert store.waiting_versions() == [SECOND]
        assert store.segment_versions("vip") == [VIP, SECOND]
        with store.transaction():
            store.serve_segment_version(1, 2)
            store.set_segment_state(1, 2, "active", "")
        assert store.segments() == [replace(SECOND, state="active")]
        assert store.waiting_versions() == []


def test_state_and_basis_belong_to_one_version(store: Store) -> None:
    with store.transaction():
        store.put_segment_version(VIP)
        store.put_segment_version(SECOND)
        store.set_segment_state(1, 1, "failed", "wrong kind")
        store.set_segment_basis(1, 2, b'{"attribute":2}', b"{}")
    assert store.segment_versions("vip") == [
        replace(VIP, state="failed", state_reason="wrong kind"),
        replace(SECOND, type_versions=b'{"attribute":2}', models=b"{}"),
    ]


def test_a_deleted_segment_frees_its_id_and_not_its_key(store: Store) -> None:
    with store.transaction():
        store.put_segment_version(VIP)
        store.delete_segment("vip")
    assert (store.segments(), store.waiting_versions(), store.segment_versions("vip")) == ([], [], [])
    assert store.next_segment_key() == 2
    again = replace(VIP, segment_key=2)
    with store.transaction():
        store.put_segment_version(again)
    assert store.segments() == [again]
    assert store._session.row("SELECT count(*) FROM segment_versions WHERE segment_key = 1") == (1,)


def test_what_is_not_there_cannot_be_changed(store: Store) -> None:
    with store.transaction():
        store.put_segment_version(VIP)
    changes: list[Callable[[], None]] = [
        lambda: store.serve_segment_version(1, 2),
        lambda: store.set_segment_state(1, 2, "active", ""),
        lambda: store.set_segment_basis(2, 1, b"{}", b"{}"),
        lambda: store.delete_segment("other"),
    ]
    for change in changes:
        with pytest.raises(StorageFailed, match="no segment"), store.transaction():
            change()
    assert store.segments() == [VIP]


@pytest.mark.parametrize("record", [VIP, replace(VIP, segment_key=2)])
def test_a_version_or_id_that_is_there_is_refused(store: Store, record: SegmentRecord) -> None:
    with store.transaction():
        store.put_segment_version(VIP)
    with pytest.raises(StorageFailed), store.transaction():
        store.put_segment_version(record)
    assert store.segment_versions("vip") == [VIP]


def test_the_latest_model_of_each_key(store: Store) -> None:
    second, other = replace(RFM, version=10, size=2_000), replace(RFM, model_key="rfm:2", version=3)
    with store.transaction():
        for model in (second, other, replace(RFM, version=9), RFM):
            store.put_model(model)
    assert store.models() == [second, other]
    assert store.model_versions("rfm:1") == [RFM, replace(RFM, version=9), second]
    assert store.model_versions("rfm:3") == []
    with pytest.raises(StorageFailed), store.transaction():
        store.put_model(RFM)
