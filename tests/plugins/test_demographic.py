"""`demographic`: ages exact to the microsecond, and who people are."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.unit.conditions.slow_conditions import EPOCH, age, one

from segmentd.api import FOREVER, Kind, parse_instant
from segmentd.population.schema import Schema
from segmentd.testing import check_segment_type, judge, population, user
from segmentd_types.demographic import Demographic, language_of

EXAMPLES: list[dict[str, Any]] = [
    {"gender": {"equals": "female"}, "age": {"between": [25, 34]}},
    {"age": {"at_least": 18}},
    {"age": {"in": [18, 21, 30]}},
    {"age": {"not_equals": 40, "below": 65}},
    {"age": {"exists": True}},
    {"age": {"missing": True}},
    {"birthday": {"anniversary": {"within_next": "7d"}}},
    {"birthday": {"before": "1990-01-01"}},
    {"income": {"at_least": 50_000}},
    {"language": {"in": ["de", "fr"]}},
    {"occupation": {"contains": "engineer", "ignore_case": True}, "household_size": {"at_most": 2}},
]
CONDITIONS = [{"at_least": 18}, {"between": [25, 34]}, {"below": 30}, {"not_equals": 7}, {"in": [0, 8, 18]}]


def test_keeps_the_contract() -> None:
    check_segment_type(Demographic(), EXAMPLES)


def micros(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


@given(
    st.dates(date(1980, 1, 1), date(2028, 12, 31)) | st.sampled_from([date(2004, 2, 29), date(2008, 2, 29)]),
    st.integers(micros(datetime(2020, 1, 1, tzinfo=EPOCH.tzinfo)), micros(datetime(2030, 1, 1, tzinfo=EPOCH.tzinfo))),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Pacific/Apia"]),
    st.sampled_from(CONDITIONS),
)
@example(date(2008, 2, 29), parse_instant("2026-03-01T04:59:59.999999Z"), "America/New_York", {"at_least": 18})
def test_an_age_is_exact_until_the_birthday_that_changes_the_answer(
    birthday: date, at: int, zone: str, condition: dict[str, Any]
) -> None:
    users = population([user("u", {"birthday": birthday.isoformat(), "timezone": zone})], at)
    verdict = judge(Demographic(), {"age": condition}, users)

    def slow(instant: int) -> bool:
        moment = EPOCH + timedelta(microseconds=instant)
        years = age(birthday, moment, ZoneInfo(zone))
        ((operator, operand),) = condition.items()
        return years >= 0 and one("number", years, operator, operand, False, moment, ZoneInfo(zone))

    now, until = slow(at), int(verdict.holds_until[0])
    assert verdict.member[0] == now
    if until == FOREVER:
        assert slow(at + 100 * 366 * 86_400 * 10**6) == now
    else:
        assert until > at
        assert slow(until - 1) == now
        # a birth ahead ends the verdict, whether or not an age of 0 changes the answer
        assert slow(until) != now or birthday > (EPOCH + timedelta(microseconds=at)).date() - timedelta(days=2)


def test_who_is_born_on_29_february_turns_18_on_1_march() -> None:
    at = "2026-02-28T12:00:00Z"
    users = population([user("u", {"birthday": "2008-02-29", "timezone": "Europe/Berlin"})], at)
    verdict = judge(Demographic(), {"age": {"at_least": 18}}, users)
    assert not verdict.member[0]
    assert verdict.holds_until[0] == parse_instant("2026-02-28T23:00:00Z")


def test_the_birthday_wins_over_a_given_age_and_a_birthday_ahead_does_not_count() -> None:
    given_users = [
        user("both", {"birthday": "2000-01-01", "age": 70}),
        user("age", {"age": 70}),
        user("unborn", {"birthday": "2030-01-01", "age": 70}),
        user("unborn alone", {"birthday": "2030-01-01"}),
        user("nothing"),
    ]
    users = population(given_users, "2026-11-21T10:00:00Z")
    verdict = judge(Demographic(), {"age": {"at_least": 65}}, users)
    assert verdict.member.tolist() == [False, True, True, False, False]
    birth = parse_instant("2030-01-01T00:00:00Z")
    assert verdict.holds_until.tolist() == [parse_instant("2065-01-01T00:00:00Z"), FOREVER, birth, birth, FOREVER]


def test_a_birthday_in_the_next_seven_days() -> None:
    days = ["1990-11-20", "1990-11-21", "1990-11-28", "1990-11-29", "1990-12-01"]
    users = population([user(day, {"birthday": day}) for day in days], "2026-11-21T10:00:00Z")
    verdict = judge(Demographic(), {"birthday": {"anniversary": {"within_next": "7d"}}}, users)
    assert verdict.member.tolist() == [False, True, True, False, False]
    assert verdict.holds_until[1] == parse_instant("2026-11-22T00:00:00Z")
    assert verdict.holds_until[3] == parse_instant("2026-11-22T00:00:00Z")


def test_income_is_judged_as_a_number_or_as_money() -> None:
    for kind in (Kind.NUMBER, Kind.MONEY):
        users = population([user("a", {"income": 49_999.99}), user("b", {"income": 50_000})], 0, {"income": kind})
        assert judge(Demographic(), {"income": {"at_least": 50_000}}, users).member.tolist() == [False, True]


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        ("de-AT", "de"),
        ("DE", "de"),
        ("pt_BR.UTF-8", "pt"),
        ("zh-Hant-TW", "zh"),
        ("fil", "fil"),
        ("", None),
        ("1-2", None),
        ("english", None),
    ],
)
def test_the_language_of_a_locale(locale: str, language: str | None) -> None:
    assert language_of(locale) == language


def test_a_language_given_wins_over_the_locale() -> None:
    users = population([user("a", {"language": "fr", "locale": "de-AT"}), user("b", {"locale": "de-AT"})], 0)
    assert judge(Demographic(), {"language": {"equals": "de"}}, users).member.tolist() == [False, True]


def test_an_age_needs_a_date_and_operators_on_numbers() -> None:
    schema = Schema()
    text = Demographic().Params.model_validate({"age": {"contains": "1"}})
    assert [fault.path for fault in Demographic().check(text, schema)] == [("age", "contains")]
    schema.set_attribute("birthday", Kind.TEXT)
    number = Demographic().Params.model_validate({"age": {"above": 1}})
    assert [fault.path for fault in Demographic().check(number, schema)] == [("age",)]


def test_explains_an_age_by_the_birthday() -> None:
    users = population([user("u", {"birthday": "2000-01-01"})], "2026-11-21T10:00:00Z")
    sound = Demographic().Params.model_validate({"age": {"at_least": 18, "below": 20}})
    reasons = Demographic().explain(sound, None, users, users.at)
    assert [(each.observed, each.operator, each.threshold, each.member) for each in reasons] == [
        ("26 (born 2000-01-01)", "at_least", "18", True),
        ("26 (born 2000-01-01)", "below", "20", False),
    ]
