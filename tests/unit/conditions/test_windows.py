from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit import local_time_oracle as clock

from segmentd.conditions.counting import counted_events
from segmentd.conditions.per_row import row_maximum, row_minimum, row_sum
from segmentd.conditions.windows import Windowed
from segmentd.testing import GivenUser, event, instant, population
from segmentd.times import DAY, FOREVER, HOUR
from segmentd.zones import zone_for

NOW = instant("2026-11-21T10:00:00Z")


def counting(window: dict[str, Any], times: list[str | int], at: int = NOW, zone: str = "UTC") -> list[tuple[int, int]]:
    """(time, expiry) of the events of one user that count."""
    users = population([GivenUser("u", {}, [event("e", time) for time in times])], at)
    events = users.events("e")
    found = counted_events(events, Windowed.model_validate(window).window(), users.at, zone_for(zone))
    return list(zip(events.times[found.positions].tolist(), found.expires.tolist(), strict=True))


def test_a_rolling_window_is_half_open() -> None:
    times: list[str | int] = [NOW - 7 * DAY - 1, NOW - 7 * DAY, NOW - 7 * DAY + 1, NOW, NOW + 1]
    assert [time - NOW for time, _ in counting({"within": "7d"}, times)] == [1 - 7 * DAY, 0]


def test_months_go_by_local_time_and_are_clamped() -> None:
    times: list[str | int] = ["2026-08-31T10:00:00Z", "2026-08-30T22:30:00Z", "2026-05-21T10:00:00Z"]
    expected = [("2026-08-30T22:30:00Z", "2027-02-27T23:30:00Z"), ("2026-08-31T10:00:00Z", "2027-02-28T11:00:00Z")]
    found = counting({"within": "6mo"}, times, zone="Europe/Berlin")
    assert found[-2:] == [(instant(time), instant(expiry)) for time, expiry in expected]
    assert len(found) == 3, "10:00Z is 12:00 in May and 11:00 in November: an hour is left"
    assert len(counting({"within": "6mo"}, times, NOW + HOUR, zone="Europe/Berlin")) == 2


def test_a_calendar_window_ends_with_a_unit() -> None:
    times: list[str | int] = ["2026-11-08T22:59:59.999999Z", "2026-11-08T23:00:00Z", "2026-11-16T00:00:00Z"]
    found = counting({"during": {"unit": "week", "count": 2}}, times, zone="Europe/Berlin")
    expected = [("2026-11-08T23:00:00Z", "2026-11-22T23:00:00Z"), ("2026-11-16T00:00:00Z", "2026-11-29T23:00:00Z")]
    assert found == [(instant(time), instant(expiry)) for time, expiry in expected]


def test_a_skipped_day_is_none_of_the_days() -> None:
    at = instant("2011-12-31T12:00:00+14:00")
    times: list[str | int] = ["2011-12-28T23:59:59-10:00", "2011-12-29T00:00:00-10:00"]
    found = counting({"during": {"unit": "day", "count": 2}}, times, at, zone="Pacific/Apia")
    assert found == [(instant(times[1]), instant("2012-01-01T00:00:00+14:00"))]


def test_fixed_periods_hold_forever() -> None:
    sales = [
        {"from": "2026-11-01T00:00:00Z", "until": "2026-11-02T00:00:00Z"},
        {"from": "2026-11-20T00:00:00Z", "until": "2027-01-01T00:00:00Z"},
        {"until": "2020-01-01T00:00:00Z"},
    ]
    inside: list[str | int] = ["2019-12-31T23:59:59.999999Z", "2026-11-01T00:00:00Z", "2026-11-20T00:00:00Z"]
    outside: list[str | int] = ["2020-01-01T00:00:00Z", "2026-11-02T00:00:00Z"]
    assert counting({"periods": sales}, inside + outside) == [(instant(time), FOREVER) for time in inside]


def test_the_zone_of_a_calendar_beats_that_of_the_condition() -> None:
    window = Windowed.model_validate({"during": {"unit": "day", "time_zone": "Asia/Tokyo"}, "time_zone": "UTC"})
    assert window.zone_name() == "Asia/Tokyo"
    assert Windowed.model_validate({"during": {"unit": "day"}, "time_zone": "UTC"}).zone_name() == "UTC"
    assert Windowed.model_validate({"within": "1y"}).zone_name() == "user"


@given(
    st.sampled_from(["Europe/Berlin", "America/Havana", "Pacific/Apia"]),
    st.sampled_from([{"within": "1mo"}, {"within": "3d"}, {"during": {"unit": "day", "count": 2}}]),
    st.lists(st.integers(0, 40 * DAY), max_size=5),
    st.integers(0, 20 * 365 * DAY),
)
def test_what_counts_counts_until_its_expiry(zone: str, window: dict[str, Any], ages: list[int], back: int) -> None:
    at = instant("2026-11-02T05:30:00Z") - back
    found = counting(window, [at - age for age in ages], at, zone)
    for time, expiry in found:
        assert (time, expiry) in counting(window, [time], expiry - 1, zone)
        assert not counting(window, [time], expiry, zone)
    if window == {"within": "1mo"}:
        expected = sorted(at - age for age in ages if clock.add_months(zone, at - age, 1) > at)
        assert [time for time, _ in found] == expected


@given(st.lists(st.lists(st.integers(-(10**17), 10**17), max_size=12), max_size=6))
def test_rows_are_reduced_one_by_one(rows: list[list[int]]) -> None:
    offsets = np.cumsum([0, *map(len, rows)])
    values = np.array([value for row in rows for value in row], dtype=np.int64)
    assert row_sum(values, offsets).tolist() == [sum(row) for row in rows]
    assert row_minimum(values, offsets, 5).tolist() == [min(row, default=5) for row in rows]
    assert row_maximum(values, offsets, 5).tolist() == [max(row, default=5) for row in rows]


@pytest.mark.parametrize("sign", [1, -1])
def test_a_sum_of_integers_does_not_wrap_around(sign: int) -> None:
    values = np.full(200, sign * 10**17)
    assert row_sum(values, np.array([0, 100, 110, 200])).tolist() == [
        sign * (2**63 - 1),
        sign * 10**18,
        sign * (2**63 - 1),
    ]


def test_the_schema_says_what_a_key_means_and_that_none_can_be_null() -> None:
    class More(Windowed):
        several: int | str | None = None
        one: int | None = 3

    keys = More.model_json_schema()["properties"]
    assert all("description" in keys[name] for name in Windowed.model_json_schema()["properties"])
    assert "null" not in str(keys)
    assert [each["type"] for each in keys["several"]["anyOf"]] == ["integer", "string"]
    assert (keys["one"]["type"], keys["one"]["default"]) == ("integer", 3)
