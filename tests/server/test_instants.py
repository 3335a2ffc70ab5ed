"""Timestamps come and go exact to the microsecond, and no others come in."""

from __future__ import annotations

import pytest
from google.protobuf import duration_pb2, timestamp_pb2
from hypothesis import given
from hypothesis import strategies as st

from segmentd.server.faults import Faults
from segmentd.server.instants import from_duration, from_timestamp, to_optional_timestamp, to_timestamp
from segmentd.times import FOREVER, MAX_INSTANT, MIN_INSTANT, Micros


@given(st.integers(MIN_INSTANT, MAX_INSTANT))
def test_every_instant_survives_the_way_through_a_timestamp(instant: int) -> None:
    faults = Faults()
    assert from_timestamp(to_timestamp(Micros(instant)), "event_time", faults) == instant
    assert not faults.found


@pytest.mark.parametrize(
    ("seconds", "nanos", "micros"), [(1, 1_999, 1_000_001), (-1, 999, -1_000_000), (-1, 1_000, -999_999)]
)
def test_what_is_finer_than_a_microsecond_is_cut_off_towards_the_past(seconds: int, nanos: int, micros: int) -> None:
    assert from_timestamp(timestamp_pb2.Timestamp(seconds=seconds, nanos=nanos), "t", Faults()) == micros


@pytest.mark.parametrize(
    ("seconds", "nanos", "field"),
    [
        (253_402_300_800, 0, "t"),
        (-62_135_596_801, 0, "t"),
        (2**63 - 1, 0, "t"),
        (0, -1, "t.nanos"),
        (0, 10**9, "t.nanos"),
    ],
)
def test_a_timestamp_out_of_range_is_a_fault_of_its_field(seconds: int, nanos: int, field: str) -> None:
    faults = Faults()
    from_timestamp(timestamp_pb2.Timestamp(seconds=seconds, nanos=nanos), "t", faults)
    assert [found.field for found in faults.found] == [field]


def test_forever_is_an_absent_field() -> None:
    assert to_optional_timestamp(FOREVER) is None
    assert to_optional_timestamp(Micros(0)) == timestamp_pb2.Timestamp()


def test_a_duration_is_cut_to_microseconds() -> None:
    assert from_duration(duration_pb2.Duration(seconds=2, nanos=3_999), "by", Faults()) == 2_000_003


@pytest.mark.parametrize(("seconds", "nanos"), [(0, 0), (0, 999), (-1, 0), (10**12, 0), (1, -1), (0, 2**31 - 1)])
def test_a_duration_out_of_range_is_a_fault(seconds: int, nanos: int) -> None:
    faults = Faults()
    from_duration(duration_pb2.Duration(seconds=seconds, nanos=nanos), "by", faults)
    assert len(faults.found) == 1
