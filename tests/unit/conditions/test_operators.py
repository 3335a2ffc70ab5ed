"""Every operator, on every kind that it applies to, answers what plain Python answers, one value at a time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.unit.conditions.slow_conditions import EPOCH, holds

from segmentd.api import (
    FOREVER,
    Condition,
    Json,
    Kind,
    check_condition,
    explain_condition,
    judge_condition,
    operators_of,
    parse_instant,
    user_zones,
)
from segmentd.conditions.operators import OPERATORS
from segmentd.testing import event, population, user

ZONES = ["UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Apia"]
RELATIVE = ("within_last", "more_than_ago", "within_next", "anniversary")
NUMBERS = st.sampled_from([-1, 0, 0.1, 1, 1.5, 2, 10**9, 10**15 + 1])
AMOUNTS = st.sampled_from([-1, 0, 0.1, 0.123456, 1, 1.5, 19.99, 10**9])
TEXTS = st.sampled_from(["", "a", "A", "Straße", "STRASSE", "abc", "ABCabc", "é", "1.2", "\x00", "🙂"])
VERSIONS = st.sampled_from(
    ["1", "1.0", "v1.0.0", "1.2", "1.10", "1.2.3.4.5", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-2", "1.0.0-11", "1.0+b"]
)
DATES = st.sampled_from(
    ["1990-05-17", "2004-02-29", "2026-03-28", "2026-03-29", "2026-10-25", "2018-11-04", "2030-01-31"]
)
INSTANTS = st.sampled_from(
    ["2025-08-31T12:00:00Z", "2026-02-28T00:30:00+01:00", "2026-03-01T04:05:06.000007Z", "2026-11-21T10:00:00Z"]
)
DURATIONS = st.sampled_from(["1s", "36h", "1d", "7d", "2w", "1mo", "6mo", "1y"])
FIXED = st.sampled_from(["1h", "1d", "7d", "30d", "360d"])
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "number": NUMBERS,
    "money": AMOUNTS,
    "flag": st.booleans(),
    "text": TEXTS | VERSIONS,
    "date": DATES,
    "instant": INSTANTS,
    "tags": st.lists(st.sampled_from(["a", "A", "b", "ß", "ss", "c"]), max_size=4),
}


SAMPLES: dict[str, Any] = {
    **dict.fromkeys(["exists", "missing"], True),
    **dict.fromkeys(["equals", "not_equals", "above", "at_least", "below", "at_most", "size"], 1),
    "in": [1],
    "not_in": [1],
    "between": [1, 2],
    "version_equals": "1.0",
    "anniversary": {"today": True},
    **dict.fromkeys(["contains", "starts_with", "ends_with", "matches"], "a"),
    "any_of": ["a"],
    "all_of": ["a"],
    "none_of": ["a"],
    **dict.fromkeys(["before", "after"], "2026-01-01"),
    **dict.fromkeys(["within_last", "more_than_ago", "within_next"], "1d"),
}


def operands(kind: str, operator: str) -> st.SearchStrategy[Any]:  # noqa: PLR0911  (one for each shape)
    values = VALUES[kind]
    if operator in ("exists", "missing"):
        return st.just(True)
    if operator in ("in", "not_in"):
        return st.lists(values, min_size=1, max_size=12)
    if operator == "between":
        return st.tuples(values, values).map(sorted) if kind != "text" else _version_bounds()
    if kind == "text":
        return _text_operand(operator)
    if operator in ("any_of", "all_of", "none_of"):
        return st.lists(st.sampled_from(["a", "B", "SS", "z"]), min_size=1, max_size=3)
    if operator == "size":
        return st.integers(0, 3) | st.fixed_dictionaries({"at_least": st.integers(0, 3), "below": st.integers(0, 5)})
    if operator == "anniversary":
        form = st.fixed_dictionaries({"within_next": FIXED}) | st.fixed_dictionaries({"within_last": FIXED})
        return st.just({"today": True}) | form
    return DURATIONS if operator in RELATIVE else values


def _text_operand(operator: str) -> st.SearchStrategy[Any]:
    if operator in ("above", "at_least", "below", "at_most", "version_equals"):
        return VERSIONS
    if operator == "matches":
        return st.sampled_from(["^a", "c$", "a|b", r"\d+\.\d", "[A-C]{3}", "^$"])
    if operator in ("contains", "starts_with", "ends_with"):
        part = st.sampled_from(["a", "AB", "ss", "ße", "1.", "🙂"])
        return part | st.lists(part, min_size=1, max_size=3)
    return TEXTS


def _version_bounds() -> st.SearchStrategy[list[str]]:
    return st.sampled_from([["1.0", "1.2"], ["1.0.0-alpha", "1.0.0"], ["1.2", "v1.10"], ["1", "1.0"]])


SOONEST, LATEST = datetime(2025, 6, 1, tzinfo=EPOCH.tzinfo), datetime(2027, 6, 1, tzinfo=EPOCH.tzinfo)


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, list[Any], dict[str, Any], datetime, list[str]]:
    kind = draw(st.sampled_from(sorted(VALUES)))
    applicable = [name for name in OPERATORS if Kind(kind) in OPERATORS[name]]
    names = draw(st.lists(st.sampled_from(applicable), min_size=1, max_size=2, unique=True))
    condition = {name: draw(operands(kind, name)) for name in names}
    caseless = {"equals", "in", "not_in", "not_equals", "contains", "starts_with", "ends_with"}
    if kind in ("text", "tags") and (caseless | {"any_of", "all_of", "none_of"}) & set(names):
        condition["ignore_case"] = draw(st.booleans())
    values = draw(st.lists(st.none() | VALUES[kind], max_size=6))
    at = EPOCH + timedelta(microseconds=draw(st.integers(micros(SOONEST), micros(LATEST))))
    return kind, values, condition, at, draw(st.lists(st.sampled_from(ZONES), min_size=6, max_size=6))


def micros(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def moment(instant: int) -> datetime:
    return EPOCH + timedelta(microseconds=instant)


@given(cases())
@example(("text", ["Straße", "STRASSE", None], {"in": ["strasse"], "ignore_case": True}, EPOCH, ZONES))
@example(("date", ["2004-02-29"], {"anniversary": {"today": True}}, datetime(2026, 3, 1, tzinfo=EPOCH.tzinfo), ZONES))
@example(("tags", [["a", "A"], ["a"], []], {"all_of": ["A", "b"], "ignore_case": True}, EPOCH, ZONES))
def test_answers_are_those_of_plain_python_until_they_end(
    case: tuple[str, list[Any], dict[str, Any], datetime, list[str]],
) -> None:
    kind, values, given_condition, at, zones = case
    condition = Condition.model_validate(given_condition)
    users = population(
        [user(f"u{row}", {"x": value, "timezone": zones[row]}) for row, value in enumerate(values)],
        micros(at),
        {"x": Kind(kind)},
    )
    verdict = judge_condition(users, "x", condition, users.at)
    for row, value in enumerate(values):

        def slow(instant: datetime, value: Any = value, zone: str = zones[row]) -> bool:
            return holds(kind, value, given_condition, instant, zone)

        now, until = slow(at), int(verdict.holds_until[row])
        assert bool(verdict.member[row]) == now, (value, zones[row])
        assert until > micros(at)
        if until != FOREVER:
            assert slow(moment(until - 1)) == now
            if len(given_condition) == 1:
                assert slow(moment(until)) != now
        for years in (1, 3):
            later = at + timedelta(days=365 * years)
            assert until <= micros(later) or slow(later) == now


@given(cases())
def test_each_row_is_judged_alone_as_with_others(
    case: tuple[str, list[Any], dict[str, Any], datetime, list[str]],
) -> None:
    kind, values, given_condition, at, zones = case
    condition = Condition.model_validate(given_condition)
    given_users = [user(f"u{row}", {"x": value, "timezone": zones[row]}) for row, value in enumerate(values)]
    together = population(given_users, micros(at), {"x": Kind(kind)})
    verdict = judge_condition(together, "x", condition, together.at)
    for row, each in enumerate(given_users):
        alone = population([each], micros(at), {"x": Kind(kind)})
        single = judge_condition(alone, "x", condition, alone.at)
        assert (single.member[0], single.holds_until[0]) == (verdict.member[row], verdict.holds_until[row])
        reasons = explain_condition(alone, "x", condition, alone.at)
        assert all(reason.member for reason in reasons) == single.member[0]


@pytest.mark.parametrize("operator", [name for name in OPERATORS if name != "missing"])
def test_every_operator_but_missing_is_false_where_nobody_has_a_value(operator: str) -> None:
    condition = Condition.model_validate({operator: SAMPLES[operator]})
    users = population([user("u1")], "2026-11-21T10:00:00Z")
    verdict = judge_condition(users, "x", condition, users.at)
    assert not verdict.member[0]
    assert verdict.holds_until[0] == FOREVER


def test_missing_is_true_where_nobody_has_a_value() -> None:
    users = population([user("u1")], "2026-11-21T10:00:00Z")
    assert judge_condition(users, "x", Condition(missing=True), users.at).member[0]
    assert not judge_condition(users, "x", Condition(exists=True), users.at).member[0]


def test_conditions_judge_event_properties_with_the_zones_of_their_users() -> None:
    def bought(day: str) -> Any:
        return event("Bought", "2026-11-01T00:00:00Z", {"delivered": day, "note": "Gift"})

    users = population(
        [user("u1", {"timezone": "Asia/Tokyo"}, bought("2026-11-20")), user("u2", {}, bought("2026-11-20"))],
        "2026-11-20T23:30:00Z",
        properties={("Bought", "delivered"): Kind.DATE},
    )
    events = users.events("Bought")
    condition = Condition.model_validate({"within_last": "1d"})
    verdict = judge_condition(
        events, "delivered", condition, users.at[events.rows], lambda: user_zones(users).take(events.rows)
    )
    assert verdict.member.tolist() == [False, True]
    assert verdict.holds_until.tolist() == [FOREVER, parse_instant("2026-11-21T00:00:00Z")]
    noted = judge_condition(events, "note", Condition(equals="Gift"), users.at[events.rows])
    assert noted.member.all()


@pytest.mark.parametrize("kind", list(Kind))
def test_what_cannot_apply_to_a_kind_is_refused_when_it_is_checked_and_when_it_is_judged(kind: Kind) -> None:
    some: dict[str, Json] = {"number": 1, "money": 1, "flag": True, "text": "a", "tags": ["a"], "date": "2026-01-01"}
    users = population([user("u", {"x": some.get(kind, "2026-01-01T00:00:00Z")})], 0, {"x": kind})
    for name in OPERATORS:
        condition = Condition.model_validate({name: SAMPLES[name]})
        faults = check_condition(kind, condition)
        if name not in operators_of(kind):
            assert [fault.path for fault in faults] == [(name,)]
            with pytest.raises(ValueError, match="cannot apply"):
                judge_condition(users, "x", condition, users.at)
        assert check_condition(None, condition) == ()


@pytest.mark.parametrize(
    ("kind", "condition", "path"),
    [
        (Kind.NUMBER, {"equals": "1"}, ("equals",)),
        (Kind.NUMBER, {"equals": True}, ("equals",)),
        (Kind.NUMBER, {"at_least": "1.0"}, ("at_least",)),
        (Kind.FLAG, {"equals": 1}, ("equals",)),
        (Kind.TEXT, {"equals": 1}, ("equals",)),
        (Kind.TEXT, {"in": ["a", 2]}, ("in", 1)),
        (Kind.TEXT, {"at_least": 17.2}, ("at_least",)),
        (Kind.TEXT, {"between": [1, 2]}, ("between",)),
        (Kind.DATE, {"in": ["2026-01-01", "soon"]}, ("in", 1)),
        (Kind.DATE, {"before": "2026-01-01T00:00:00Z"}, ("before",)),
        (Kind.INSTANT, {"after": "2026-01-01"}, ("after",)),
        (Kind.INSTANT, {"equals": "2026-01-01T00:00:00"}, ("equals",)),
        (Kind.MONEY, {"equals": 1e300}, ("equals",)),
    ],
)
def test_nothing_is_coerced(kind: Kind, condition: dict[str, Any], path: tuple[str | int, ...]) -> None:
    assert [fault.path for fault in check_condition(kind, Condition.model_validate(condition))] == [path]


def test_an_instant_equals_the_same_instant_at_another_offset() -> None:
    users = population([user("u", {"createdAt": "2026-01-01T12:00:00Z"})], 0)
    same = Condition(equals="2026-01-01T13:00:00+01:00")
    assert judge_condition(users, "createdAt", same, users.at).member[0]


def test_many_choices_are_searched_and_few_compared_alike() -> None:
    users = population([user(f"u{n}", {"x": n / 2}) for n in range(60)], 0)
    many = Condition.model_validate({"in": list(range(0, 40, 2))})
    expected = [n / 2 in set(range(0, 40, 2)) for n in range(60)]
    assert judge_condition(users, "x", many, users.at).member.tolist() == expected
    others = Condition.model_validate({"not_in": list(range(0, 40, 2))})
    assert judge_condition(users, "x", others, users.at).member.tolist() == np.logical_not(expected).tolist()
