from __future__ import annotations

import random
import struct
from collections.abc import Callable
from datetime import UTC, date
from importlib.resources import files
from io import BytesIO
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit import local_time_oracle as oracle

from segmentd.times import DAY, HOUR, MAX_INSTANT, MIN_INSTANT, SECOND, Instants, parse_instant
from segmentd.zones import SPAN_END, SPAN_START, LocalTime, Unit, Zone, Zones, zone_for, zones_of_rows
from segmentd.zones.transitions import zone_names

EPOCH_DAY = date(1970, 1, 1).toordinal()
CHANGES = {name: [int(each) for each in zone_for(name)._starts[1:]] for name in oracle.ZONES}


def array(*instants: int) -> Instants:
    return np.array(instants, dtype=np.int64)


def number(text: str) -> int:
    return date.fromisoformat(text).toordinal() - EPOCH_DAY


@st.composite
def zone_and_instant(draw: st.DrawFn) -> tuple[str, int]:
    """Half of the instants lie within two days of a change of the clocks."""
    name = draw(st.sampled_from(oracle.ZONES))
    since = parse_instant("1970-06-01T00:00:00Z")
    changes = [each for each in CHANGES[name] if since < each < parse_instant("2090-01-01T00:00:00Z")]
    near_a_change = draw(st.booleans())
    base = draw(st.sampled_from(changes) if changes and near_a_change else st.integers(since, 3 * 10**15))
    near = st.sampled_from([0, -1, 1, HOUR, -HOUR, HOUR - 1, DAY, -DAY]) | st.integers(-2 * DAY, 2 * DAY)
    return name, base + draw(near)


def content(name: str) -> bytes:
    return files("tzdata").joinpath("zoneinfo", *name.split("/")).read_bytes()


DISTINCT = sorted({content(name): name for name in sorted(zone_names())}.values())
"""Every zone once, without its other names."""


def transitions_in_file(name: str) -> list[tuple[int, int]]:
    """(second, offset) from the version 2 block of a TZif file (RFC 9636), without repeated offsets."""
    data = content(name)
    isut, isstd, leap, count, types, chars = struct.unpack(">6l", data[20:44])
    start = 44 + count * 5 + types * 6 + chars + leap * 8 + isstd + isut
    _, _, _, count, types, _ = struct.unpack(">6l", data[start + 20 : start + 44])
    start += 44
    seconds = struct.unpack(f">{count}q", data[start : start + 8 * count])
    kinds = data[start + 8 * count : start + 9 * count]
    table = start + 9 * count
    offsets = [struct.unpack(">l", data[table + 6 * kind : table + 6 * kind + 4])[0] for kind in kinds]
    first = struct.unpack(">l", data[table : table + 4])[0]
    return [
        (second, offset)
        for second, offset, before in zip(seconds, offsets, [first, *offsets], strict=False)
        if offset != before
    ]


@pytest.mark.parametrize("name", DISTINCT)
def test_every_change_of_every_zone_is_known(name: str) -> None:
    zone = zone_for(name)
    inside = [each for each in transitions_in_file(name) if SPAN_START < each[0] * SECOND < SPAN_END]
    known = list(zip(zone._starts[1:].tolist(), zone._offsets[1:].tolist(), strict=True))
    assert known[: len(inside)] == [(second * SECOND, offset * SECOND) for second, offset in inside]


@pytest.mark.parametrize("name", DISTINCT)
def test_local_time_equals_zoneinfo_in_every_zone(name: str) -> None:
    drawn = random.Random(name)
    instants = array(*(drawn.randrange(SPAN_START, SPAN_END) for _ in range(40)))
    info = ZoneInfo.from_file(BytesIO(content(name)))
    shown = [(oracle.EPOCH + int(each) * oracle.MICROSECOND).astimezone(info) for each in instants]
    expected = [(each.replace(tzinfo=UTC) - oracle.EPOCH) // oracle.MICROSECOND for each in shown]
    assert zone_for(name).local_time(instants).tolist() == expected


@pytest.mark.parametrize("name", DISTINCT)
def test_every_day_begins_once_and_days_follow_one_another(name: str) -> None:
    zone = zone_for(name)
    days = np.arange(number("1900-01-03"), number("2149-12-30"))
    starts = zone.day_start(days)
    found = zone.local_day(starts)
    skipped = found != days
    assert (found[skipped] == days[skipped] + 1).all()
    assert (zone.local_day(starts - 1) < days).all()
    index = zone.unit_index(Unit.DAY, starts[~skipped])
    assert (np.diff(index) == 1).all()
    assert zone.unit_start(Unit.DAY, index).tolist() == starts[~skipped].tolist()


@given(zone_and_instant())
def test_local_day_equals_the_oracle(given_: tuple[str, int]) -> None:
    name, instant = given_
    expected = oracle.local_day(name, instant).toordinal() - EPOCH_DAY
    assert zone_for(name).local_day(array(instant)).tolist() == [expected]


@given(zone_and_instant(), st.sampled_from(Unit), st.integers(-40 * DAY, 400 * DAY))
def test_units_are_numbered_as_the_oracle_counts_them(given_: tuple[str, int], unit: Unit, later: int) -> None:
    name, instant = given_
    low, high = sorted((instant, instant + later))
    first, last = zone_for(name).unit_index(unit, array(low, high)).tolist()
    assert last - first == oracle.units_between(name, unit, low, high)


@given(zone_and_instant(), st.sampled_from(Unit))
def test_an_instant_lies_between_its_units_start_and_the_next(given_: tuple[str, int], unit: Unit) -> None:
    name, instant = given_
    zone = zone_for(name)
    index = zone.unit_index(unit, array(instant))
    start, end = zone.unit_start(unit, index)[0], zone.unit_start(unit, index + 1)[0]
    assert start <= instant < end
    assert zone.unit_index(unit, array(start, end - 1, end, start - 1)).tolist() == [
        *index,
        *index,
        *index + 1,
        *index - 1,
    ]


@given(zone_and_instant(), st.sampled_from([1, 2, 6, 12, 13, -1]))
def test_adding_months_equals_the_oracle(given_: tuple[str, int], months: int) -> None:
    name, instant = given_
    assert zone_for(name).add_months(array(instant), months).tolist() == [oracle.add_months(name, instant, months)]


@pytest.mark.parametrize(
    ("name", "day", "start"),
    [
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z"),  # 00:00 is skipped: the day begins at 01:00
        ("America/Havana", "2025-11-02", "2025-11-02T04:00:00Z"),  # 00:00 comes twice: the earlier
        ("America/Sao_Paulo", "2018-02-18", "2018-02-18T03:00:00Z"),  # 23:00 comes twice; still the day before
        ("America/St_Johns", "2010-11-07", "2010-11-07T02:30:00Z"),  # back by an hour at 00:01
        ("Pacific/Apia", "2011-12-29", "2011-12-29T10:00:00Z"),
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z"),
        ("Pacific/Kwajalein", "1993-08-22", "1993-08-21T12:00:00Z"),
        ("Pacific/Kwajalein", "1969-09-30", "1969-09-29T13:00:00Z"),  # a day of 47 hours
        ("Pacific/Kwajalein", "1969-10-01", "1969-10-01T12:00:00Z"),
        ("Europe/Dublin", "2026-01-01", "2026-01-01T00:00:00Z"),  # winter time is the exception there
    ],
)
def test_days_begin_where_clocks_are_changed_around_midnight(name: str, day: str, start: str) -> None:
    zone = zone_for(name)
    begin = parse_instant(start)
    assert zone.day_start(array(number(day))).tolist() == [begin]
    assert zone.local_day(array(begin)).tolist() == [number(day)]
    assert zone.local_day(array(begin - 1))[0] < number(day)


def test_a_repeated_hour_belongs_to_the_day_that_had_begun() -> None:
    johns = zone_for("America/St_Johns")
    assert johns.local_day(array(parse_instant("2010-11-07T02:45:00Z"))).tolist() == [number("2010-11-07")]


@pytest.mark.parametrize(("name", "day"), [("Pacific/Apia", "2011-12-30"), ("Pacific/Kwajalein", "1993-08-21")])
def test_a_skipped_day_has_no_number_and_starts_with_the_next(name: str, day: str) -> None:
    zone = zone_for(name)
    before, skipped, after = zone.day_start(array(*(number(day) + step for step in (-1, 0, 1)))).tolist()
    assert skipped == after == before + DAY
    assert np.diff(zone.unit_index(Unit.DAY, array(before, after))).tolist() == [1]


def test_months_are_clamped_and_fall_behind_gaps() -> None:
    berlin = zone_for("Europe/Berlin")
    moments = array(*map(parse_instant, ("2026-08-31T10:00:00Z", "2026-01-29T01:30:00Z", "2026-09-25T00:30:00Z")))
    expected = ("2026-09-30T10:00:00Z", "2026-02-28T01:30:00Z", "2026-10-25T00:30:00Z")
    assert berlin.add_months(moments, 1).tolist() == [parse_instant(each) for each in expected]
    assert berlin.add_months(moments[1:2], 2).tolist() == [parse_instant("2026-03-29T01:00:00Z")]


def test_outside_the_span_the_nearest_offset_holds() -> None:
    berlin, extremes = zone_for("Europe/Berlin"), array(MIN_INSTANT, SPAN_START - 1, SPAN_END, MAX_INSTANT)
    assert (berlin.local_time(extremes) - extremes).tolist() == [HOUR] * 4
    for unit in Unit:
        index = berlin.unit_index(unit, extremes)
        assert (berlin.unit_start(unit, index) <= extremes).all()
        assert (berlin.unit_start(unit, index + 1) > extremes).all()
    a_thousand_years = 365_243 * DAY  # from 10000-01-01 local, with 243 leap days
    assert berlin.add_months(extremes[-1:], 12_000).tolist() == [MAX_INSTANT + a_thousand_years]


@pytest.mark.parametrize("name", ["", "Nowhere/Else", "europe/berlin", "../zones", "/etc/passwd", "user", "Europe"])
def test_unknown_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is not a time zone"):
        zone_for(name)


def test_rows_have_zones_of_their_own() -> None:
    texts = ["Europe/Berlin", "Nowhere/Else", "Asia/Tokyo", "America/Havana", "never used"]
    codes = np.array([2, -1, 0, 1, 2, 3, 0], dtype=np.int32)
    zones = zones_of_rows(codes, texts)
    assert isinstance(zones, Zones)
    each = [zone_for(texts[code]) if code in (0, 2, 3) else zone_for("UTC") for code in codes.tolist()]
    instants = parse_instant("2026-03-08T04:30:00Z") + np.arange(7) * 5 * DAY
    functions: list[Callable[[LocalTime, Instants], Instants]] = [
        lambda zone, part: zone.local_day(part),
        lambda zone, part: zone.local_time(part),
        lambda zone, part: zone.add_months(part, 5),
        lambda zone, part: zone.unit_index(Unit.WEEK, part),
        lambda zone, part: zone.unit_start(Unit.MONTH, part // (30 * DAY)),
        lambda zone, part: zone.day_start(part // DAY),
        lambda zone, part: zone.from_local(part),
    ]
    for function in functions:
        expected = [int(function(zone, instants[row : row + 1])[0]) for row, zone in enumerate(each)]
        assert function(zones, instants).tolist() == expected
    taken = np.array([5, 5, 0])
    expected = [int(each[row].local_day(instants[:1])[0]) for row in taken.tolist()]
    assert zones.take(taken).local_day(np.repeat(instants[:1], 3)).tolist() == expected


def test_one_zone_for_all_rows_is_that_zone() -> None:
    texts = ["Asia/Tokyo", "Nowhere/Else"]
    assert zones_of_rows(np.array([0, 0], dtype=np.int32), texts) is zone_for("Asia/Tokyo")
    for codes in ([], [-1], [1, -1]):
        zone = zones_of_rows(np.array(codes, dtype=np.int32), texts)
        assert isinstance(zone, Zone)
        assert zone.name == "UTC"
