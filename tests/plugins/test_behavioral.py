from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.plugins import behavioral_oracle as oracle
from tests.unit import local_time_oracle as clock

from segmentd.api import DAY, FOREVER, HOUR, MAX_INSTANT, Kind, zone_for
from segmentd.population.schema import Schema
from segmentd.testing import GivenEvent, GivenUser, check_segment_type, event, instant, judge, population, user
from segmentd_types.behavioral import Behavioral, BehavioralParams

BEHAVIORAL = Behavioral()
E = "Order Completed"
NOW = instant("2026-11-21T10:00:00Z")
KINDS = {(E, "due"): Kind.INSTANT, (E, "size"): Kind.NUMBER, (E, "sku"): Kind.TEXT, (E, "tags"): Kind.TAGS}

WINDOWS: list[dict[str, Any]] = [
    {},
    {"within": "7d"},
    {"within": "36h"},
    {"within": "1mo"},
    {"within": "1y", "time_zone": "America/Havana"},
    {"during": {"unit": "day"}},
    {"during": {"unit": "day", "count": 3, "time_zone": "Pacific/Apia"}},
    {"during": {"unit": "week", "count": 2}, "time_zone": "UTC"},
    {"during": {"unit": "month", "time_zone": "America/Sao_Paulo"}},
    {"during": {"unit": "quarter", "count": 2}},
    {"during": {"unit": "year", "time_zone": "Europe/Berlin"}},
    {"from": "2026-03-29T01:00:00Z"},
    {"until": "2026-11-20T00:00:00Z"},
    {"periods": [{"from": "2026-11-01T00:00:00Z", "until": "2026-11-08T00:00:00Z"}, {"from": "2026-11-20T00:00:00Z"}]},
]
MEASURES: list[dict[str, Any]] = [
    {},
    {"count": {"equals": 0}},
    {"count": {"at_least": 2}},
    {"count": {"in": [1, 3]}},
    {"sum": {"property": "revenue", "at_least": 10}},
    {"sum": {"property": "size", "between": [-1, 2.5]}},
    {"average": {"property": "revenue", "above": 3.5}},
    {"average": {"property": "size", "at_most": 1}},
    {"min": {"property": "revenue", "below": 2}},
    {"max": {"property": "size", "at_least": 2}},
    {"max": {"property": "size", "missing": True}},
    {"distinct": {"property": "sku", "at_least": 2}},
    {"distinct": {"property": "tags", "equals": 2}},
    {"distinct": {"property": "size", "not_equals": 1}},
    {"distinct": {"property": "revenue", "at_most": 1}},
    {"distinct_days": {"at_least": 2}},
    {"first": {"within_last": "3d"}},
    {"last": {"more_than_ago": "2d"}},
    {"last": {"within_last": "1mo"}},
    {"last": {"missing": True}},
    {"count": {"at_least": 1}, "sum": {"property": "revenue", "below": 20}, "last": {"within_last": "5d"}},
]
FILTERS: list[dict[str, Any]] = [
    {},
    {},
    {"where": {"sku": {"in": ["A", "B"]}}},
    {"where": {"revenue": {"at_least": 3.5}, "sku": {"not_equals": "A"}}},
    {"where": {"due": {"within_last": "2d"}}},
    {"where": {"due": {"more_than_ago": "1mo"}}},
    {"where": {"tags": {"any_of": ["x"]}}},
]
CHANGES = [
    change
    for name in clock.ZONES
    for change in zone_for(name)._starts.tolist()
    if instant("2010-01-01T00:00:00Z") < change < instant("2027-01-01T00:00:00Z")
]


@st.composite
def properties(draw: st.DrawFn, time: int) -> dict[str, Any]:
    due = clock.EPOCH + (time + draw(st.sampled_from([0, -DAY, DAY, HOUR]))) * clock.MICROSECOND
    found: dict[str, Any] = {
        "revenue": draw(st.sampled_from([0, 0.5, 3.5, 7, 10.000001, -2])),
        "size": draw(st.sampled_from([0, -0.0, 0.1, 0.2, 1, 2, 1e16, -1e16])),
        "sku": draw(st.sampled_from("ABC")),
        "tags": draw(st.lists(st.sampled_from("xyz"), unique=True)),
        "due": due.isoformat(),
    }
    return {name: value for name, value in found.items() if draw(st.integers(0, 3))}


@st.composite
def someone(draw: st.DrawFn, around: int) -> GivenUser:
    """Events at equal times, a whole number of units apart, and a microsecond beside."""
    steps = st.sampled_from([0, HOUR, DAY, 2 * DAY, 3 * DAY, 7 * DAY, 28 * DAY, 31 * DAY, 365 * DAY, 366 * DAY])
    times = [
        around - draw(st.integers(-1, 3)) * draw(steps) + draw(st.sampled_from([0, 0, 1, -1, HOUR, -HOUR, 12 * HOUR]))
        for _ in range(draw(st.integers(0, 6)))
    ]
    events = [GivenEvent(E, time, draw(properties(time))) for time in times]  # type: ignore[arg-type]  # plain ints
    zone = draw(st.sampled_from([None, "Nowhere/Else", *clock.ZONES]))
    return GivenUser("u", {} if zone is None else {"timezone": zone}, tuple(events))


MOMENTS = (st.sampled_from(CHANGES) | st.just(NOW)).flatmap(
    lambda base: st.sampled_from([0, -1, 1, DAY, HOUR, 12 * HOUR, 7 * DAY, 28 * DAY, 365 * DAY]).map(
        lambda step: base + step
    )
)


@given(st.sampled_from(WINDOWS), st.sampled_from(MEASURES), st.sampled_from(FILTERS), MOMENTS, st.data())
def test_answers_equal_the_oracle_until_they_no_longer_hold(
    window: dict[str, Any], measure: dict[str, Any], filters: dict[str, Any], at: int, data: st.DataObject
) -> None:
    given_ = {"event": E, **window, **measure, **filters}
    params = BehavioralParams.model_validate(given_)
    who = data.draw(someone(at))
    for _ in range(4):
        verdict = judge(BEHAVIORAL, params, population([who], at, properties=KINDS))
        member, until = bool(verdict.member[0]), int(verdict.holds_until[0])
        assert until > at
        last = min(until, at + 4000 * DAY) - 1
        for moment in {at, last, data.draw(st.integers(at, last))}:
            assert oracle.member(params, None, visible(who, moment), moment) == member
        if until > MAX_INSTANT:
            return
        at = until


def visible(who: GivenUser, at: int) -> GivenUser:
    events = sorted((each for each in who.events if each.time <= at), key=lambda each: each.time)
    return GivenUser(who.user_id, who.attributes, tuple(events))


@pytest.mark.parametrize("window", WINDOWS)
def test_every_window_keeps_the_contract(window: dict[str, Any]) -> None:
    check([{"event": E, **window, **measure} for measure in ({"count": {"at_least": 2}}, MEASURES[-1])])


@pytest.mark.parametrize("measure", MEASURES)
def test_every_measure_keeps_the_contract(measure: dict[str, Any]) -> None:
    check([{"event": E, **window, **measure} for window in ({"within": "7d"}, {})])


@pytest.mark.parametrize("filters", FILTERS[2:])
def test_every_filter_keeps_the_contract(filters: dict[str, Any]) -> None:
    check([{"event": E, "within": "7d", "count": {"at_least": 2}, **filters}])


def check(examples: list[dict[str, Any]]) -> None:
    values: dict[str, list[Any]] = {
        "timezone": [*clock.ZONES, "Nowhere/Else"],
        "revenue": [0, 3.5, 7, 10.000001, -2],
        "size": [0, 0.1, 0.2, 1, 2, 1e16, -1e16],
        "sku": ["A", "B", "C"],
    }
    check_segment_type(BEHAVIORAL, examples, oracle=oracle.member, values=values, properties=KINDS)


def orders(*times: str, **properties_: Any) -> GivenUser:
    return user("ada", {}, *(event(E, time, properties_) for time in times))


def until(params: dict[str, Any], who: GivenUser, at: int = NOW) -> tuple[bool, int]:
    verdict = judge(BEHAVIORAL, {"event": E, **params}, population([who], at, properties=KINDS))
    return bool(verdict.member[0]), int(verdict.holds_until[0])


def test_a_count_holds_until_the_event_that_matters_expires() -> None:
    who = orders("2026-11-18T00:00:00Z", "2026-11-19T00:00:00Z", "2026-11-20T00:00:00Z")
    assert until({"within": "7d"}, who) == (True, instant("2026-11-27T00:00:00Z"))
    assert until({"within": "7d", "count": {"at_least": 2}}, who) == (True, instant("2026-11-26T00:00:00Z"))
    assert until({"within": "7d", "count": {"at_least": 4}}, who) == (False, FOREVER)
    assert until({"within": "7d", "count": {"below": 2}}, who) == (False, instant("2026-11-26T00:00:00Z"))
    assert until({"within": "7d", "count": {"equals": 3}}, who) == (True, instant("2026-11-25T00:00:00Z"))
    assert until({"count": {"equals": 3}}, who) == (True, FOREVER)


def test_days_and_values_fade_with_their_last_event() -> None:
    who = user(
        "ada",
        {},
        event(E, "2026-11-19T08:00:00Z", {"sku": "A"}),
        event(E, "2026-11-19T20:00:00Z", {"sku": "B"}),
        event(E, "2026-11-20T08:00:00Z", {"sku": "A"}),
    )
    assert until({"within": "7d", "distinct_days": {"at_least": 2}}, who) == (True, instant("2026-11-26T20:00:00Z"))
    distinct = {"property": "sku", "at_least": 2}
    assert until({"within": "7d", "distinct": distinct}, who) == (True, instant("2026-11-26T20:00:00Z"))


def test_an_extreme_holds_as_long_as_an_event_has_it() -> None:
    times = ("2026-11-18T00:00:00Z", "2026-11-19T00:00:00Z", "2026-11-20T00:00:00Z")
    who = user("ada", {}, *(event(E, time, {"size": size}) for time, size in zip(times, (3, 5, 1), strict=True)))
    largest = {"within": "7d", "max": {"property": "size", "at_least": 5}}
    assert until(largest, who) == (True, instant("2026-11-26T00:00:00Z"))


def test_without_events_only_what_asks_for_nothing_is_true() -> None:
    nobody = user("ada")
    true: list[dict[str, Any]] = [
        {"count": {"equals": 0}},
        {"sum": {"property": "revenue", "equals": 0}},
        {"last": {"missing": True}},
    ]
    false: list[dict[str, Any]] = [
        {},
        {"min": {"property": "size", "at_most": 0}},
        {"last": {"more_than_ago": "1d"}},
    ]
    assert [until(params, nobody) for params in true] == [(True, FOREVER)] * len(true)
    assert [until(params, nobody) for params in false] == [(False, FOREVER)] * len(false)


def test_money_is_added_exactly() -> None:
    who = user("ada", {}, *(event(E, NOW - each, {"revenue": 0.1}) for each in range(3)))
    assert until({"sum": {"property": "revenue", "equals": 0.3}}, who)[0]
    assert until({"average": {"property": "revenue", "equals": 0.1}}, who)[0]
    rich = user("ada", {}, *(event(E, NOW - each, {"revenue": 1e11}) for each in range(100)))
    assert until({"sum": {"property": "revenue", "at_least": 1e10}}, rich)[0]


def test_a_sum_beyond_all_floats_is_infinite() -> None:
    who = user("ada", {}, *(event(E, NOW - each, {"size": 1.7e308}) for each in range(3)))
    assert until({"sum": {"property": "size", "above": 1.7e308}}, who)[0]
    assert until({"average": {"property": "size", "above": 1.7e308}}, who)[0]


def test_a_neighbour_does_not_change_a_sum() -> None:
    small = [GivenUser(f"u{number}", {}, (event(E, NOW, {"size": 0.1}),)) for number in range(3)]
    huge = GivenUser("huge", {}, (event(E, NOW, {"size": 1e16}), event(E, NOW, {"size": -1e16})))
    params = {"event": E, "sum": {"property": "size", "equals": 0.1}}
    found = judge(BEHAVIORAL, params, population([small[0], huge, *small[1:]], NOW, properties=KINDS))
    assert found.member.tolist() == [True, False, True, True]


def test_expiries_by_months_need_not_come_in_order() -> None:
    who = orders("2026-08-30T20:00:00Z", "2026-08-31T01:00:00Z")
    at = instant("2026-09-01T00:00:00Z")
    params = {"within": "6mo", "time_zone": "UTC", "count": {"equals": 2}}
    assert until(params, who, at) == (True, instant("2027-02-28T01:00:00Z"))
    params = {"within": "6mo", "time_zone": "UTC", "count": {"at_least": 1}}
    assert until(params, who, at) == (True, instant("2027-02-28T20:00:00Z"))


def test_a_day_fades_with_whichever_of_its_events_expires_last() -> None:
    """Both lie in the hour that Berlin's clocks show twice: the earlier event at 02:30, the later at 02:10."""
    who = orders("2026-10-25T00:30:00Z", "2026-10-25T01:10:00Z")
    params = {"within": "1mo", "time_zone": "Europe/Berlin", "distinct_days": {"at_least": 1}}
    assert until(params, who) == (True, instant("2026-11-25T01:30:00Z"))


def test_both_zeros_are_one_value() -> None:
    who = user("ada", {}, event(E, NOW, {"size": 0.0}), event(E, NOW, {"size": -0.0}))
    assert until({"distinct": {"property": "size", "equals": 1}}, who) == (True, FOREVER)


def test_explanations_say_what_was_found_and_asked_for() -> None:
    params = BehavioralParams.model_validate(
        {"event": E, "count": {"at_least": 2}, "sum": {"property": "revenue", "above": 5}, "last": {"missing": True}}
    )
    users = population([orders("2026-11-20T00:00:00Z", revenue=7.5)], NOW)
    count, total, last = BEHAVIORAL.explain(params, None, users, users.at)
    assert (count.observed, count.operator, count.threshold, count.member) == ("1", "at_least", "2", False)
    assert (total.subject, total.observed, total.member) == (f"{E}: sum of revenue", "7.5", True)
    assert (last.observed, last.member) == ("2026-11-20T00:00:00Z", False)


@pytest.mark.parametrize(
    ("params", "path", "words"),
    [
        ({}, ("event",), "required"),
        ({"event": ""}, ("event",), "at least 1"),
        ({"event": E, "within": "7 days"}, ("within",), "is not a duration"),
        ({"event": E, "within": 7}, ("within",), "write a duration"),
        ({"event": E, "within": None}, ("within",), "leave it out"),
        ({"event": E, "where": None}, ("where",), "leave it out"),
        ({"event": E, "within": "7d", "during": {"unit": "day"}}, (), "only one of within, during"),
        ({"event": E, "within": "7d", "until": "2026-01-01T00:00:00Z"}, (), "only one of within, from and until"),
        ({"event": E, "during": {"unit": "fortnight"}}, ("during", "unit"), "'day'"),
        ({"event": E, "during": {"unit": "day", "count": 0}}, ("during", "count"), "greater than"),
        ({"event": E, "during": {"unit": "year", "count": 1001}}, ("during",), "longer than 1000 years"),
        ({"event": E, "during": {"unit": "day", "time_zone": "Mars"}}, ("during", "time_zone"), "not a time zone"),
        ({"event": E, "time_zone": "europe/berlin"}, ("time_zone",), "not a time zone"),
        ({"event": E, "from": "2026-01-01"}, ("from",), "no offset"),
        ({"event": E, "from": "2026-01-02T00:00:00Z", "until": "2026-01-02T00:00:00Z"}, (), "earlier than until"),
        ({"event": E, "periods": []}, ("periods",), "at least 1"),
        ({"event": E, "periods": [{}]}, ("periods", 0), "from, until, or both"),
        ({"event": E, "count": {}}, ("count",), "at least one of"),
        ({"event": E, "count": 3}, ("count",), "dictionary"),
        ({"event": E, "count": {"matches": "x"}}, ("count",), "cannot apply to number"),
        ({"event": E, "count": {"at_least": "3"}}, ("count",), "number"),
        ({"event": E, "count": {"at_least": -5}}, ("count",), "at_least: a count is never negative"),
        ({"event": E, "count": {"in": [1, -2]}}, ("count",), "in: a count is never negative"),
        ({"event": E, "distinct_days": {"between": [-1, 2]}}, ("distinct_days",), "between: a count is never negative"),
        ({"event": E, "sum": {"at_least": 3}}, ("sum", "property"), "required"),
        ({"event": E, "sum": {"property": "revenue"}}, ("sum",), "at least one of"),
        ({"event": E, "last": {"at_least": 3}}, ("last",), "cannot apply to instant"),
        ({"event": E, "where": {"sku": {"equal": "A"}}}, ("where", "sku", "equal"), "not permitted"),
        ({"event": E, "counts": {"at_least": 1}}, ("counts",), "not permitted"),
    ],
)
def test_bad_parameters_are_refused_where_they_stand(
    params: dict[str, Any], path: tuple[str | int, ...], words: str
) -> None:
    with pytest.raises(ValidationError) as refusal:
        BehavioralParams.model_validate(params)
    faults = refusal.value.errors()
    assert [(fault["loc"], words in fault["msg"]) for fault in faults] == [(path, True)], faults


def kinds_faults(params: dict[str, Any]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    schema = Schema()
    for (name, key), kind in KINDS.items():
        schema.set_property(name, key, kind)
    for fault in BEHAVIORAL.check(BehavioralParams.model_validate({"event": E, **params}), schema):
        yield fault.path, fault.message


def test_what_cannot_apply_to_known_kinds_is_refused() -> None:
    assert [path for path, _ in kinds_faults({"sum": {"property": "sku", "at_least": 1}})] == [("sum", "property")]
    assert [path for path, _ in kinds_faults({"where": {"sku": {"above": 1}}})] == [("where", "sku", "above")]
    assert not list(kinds_faults({"sum": {"property": "unheard of", "at_least": 1}}))
    assert not list(kinds_faults({"distinct": {"property": "tags", "at_least": 1}}))


def test_reads_name_everything() -> None:
    def attributes(**params: Any) -> frozenset[str]:
        return BEHAVIORAL.reads(BehavioralParams.model_validate({"event": E, **params})).attributes

    nobody_asks: list[dict[str, Any]] = [{"within": "7d"}, {"within": "6mo", "time_zone": "UTC"}, {}]
    for params in nobody_asks:
        assert attributes(**params) == frozenset()
    local: list[dict[str, Any]] = [
        {"within": "6mo"},
        {"during": {"unit": "day"}},
        {"distinct_days": {"at_least": 2}},
        {"where": {"due": {"within_last": "1d"}}, "time_zone": "UTC"},
    ]
    for params in local:
        assert attributes(**params) == frozenset(["timezone"])
    read = {"event": E, "where": {"a": {"equals": 1}}, "sum": {"property": "b", "above": 1}}
    assert BEHAVIORAL.reads(BehavioralParams.model_validate(read)).events == {E: frozenset(["a", "b"])}


def test_rows_at_instants_of_their_own_are_judged_as_alone() -> None:
    users = [orders("2026-11-14T10:00:00Z", "2026-11-20T00:00:00Z"), user("nobody"), orders("2026-11-14T10:00:00Z")]
    instants = [NOW, NOW, NOW - 1]
    verdict = judge(BEHAVIORAL, {"event": E, "within": "7d"}, population(users, instants))
    assert verdict.member.tolist() == [True, False, True]
    assert verdict.holds_until.tolist() == [instant("2026-11-27T00:00:00Z"), FOREVER, NOW]
    assert verdict.holds_until.dtype == np.int64
