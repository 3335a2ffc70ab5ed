from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.unit import local_time_oracle as clock

from segmentd.api import DAY, FOREVER, HOUR, MAX_INSTANT, Kind, Model
from segmentd.population.schema import Schema
from segmentd.testing import GivenEvent, GivenUser, check_segment_type, event, instant, judge, population, user
from segmentd.times import Micros, format_instant
from segmentd_types.lifecycle import Configuration, Lifecycle, LifecycleParams, Stage

LIFECYCLE = Lifecycle()
OPENED = "Application Opened"
NOW = instant("2026-11-21T10:00:00Z")
SHOP: dict[str, Any] = {
    "events": ["Order Completed", "Cart Viewed"],
    "new_within": "3d",
    "active_within": "2d",
    "away_for": "5d",
    "power_days": 2,
    "dormant_after": "4d",
    "lost_after": "6d",
    "time_zone": "America/Havana",
}


def stage_of(configuration: Configuration, who: GivenUser, at: int) -> Stage:
    """The first stage whose definition fits one user at one instant, line by line."""
    times = sorted(each.time for each in who.events if each.name in configuration.events and each.time <= at)
    recent = [time for time in times if at - time < configuration.active_within.micros]
    away = configuration.away_for.micros
    fits = {
        Stage.NEW: is_new(configuration, who, at),
        Stage.RESURRECTED: any(late in recent and late - early >= away for early, late in pairwise(times)),
        Stage.POWER: len({clock.local_day(zone_of(configuration, who), time) for time in recent})
        >= configuration.power_days,
        Stage.ACTIVE: bool(recent),
        Stage.NEVER_ACTIVE: not times,
        Stage.AT_RISK: bool(times) and at - times[-1] < configuration.dormant_after.micros,
        Stage.DORMANT: bool(times) and at - times[-1] < configuration.lost_after.micros,
        Stage.LOST: True,
    }
    return next(stage for stage, fit in fits.items() if fit)


def is_new(configuration: Configuration, who: GivenUser, at: int) -> bool:
    created = who.attributes.get("createdAt")
    return isinstance(created, str) and 0 <= at - instant(created) < configuration.new_within.micros


def zone_of(configuration: Configuration, who: GivenUser) -> str:
    if configuration.time_zone != "user":
        return configuration.time_zone
    own = who.attributes.get("timezone")
    return own if isinstance(own, str) and own not in ("", "Nowhere/Else") else "UTC"


def member(params: LifecycleParams, model: Model | None, who: GivenUser, at: int) -> bool:
    return stage_of(params.model, who, at) in params.stage


@st.composite
def someone(draw: st.DrawFn) -> GivenUser:
    days = st.sampled_from([0, 1, 2, 3, 4, 5, 6, 7, 14, 30, 37, 60, 180, 187, 210])
    beside = st.sampled_from([0, 0, 1, -1, HOUR, -HOUR, 12 * HOUR])
    names = st.sampled_from([OPENED, OPENED, "Order Completed", "Cart Viewed", "Else"])
    events = tuple(
        GivenEvent(draw(names), Micros(NOW - draw(days) * DAY + draw(beside))) for _ in range(draw(st.integers(0, 8)))
    )
    attributes: dict[str, Any] = {"timezone": draw(st.sampled_from(["Nowhere/Else", *clock.ZONES]))}
    if draw(st.booleans()):
        attributes["createdAt"] = format_instant(
            Micros(NOW + draw(st.integers(-1, 1)) * draw(days) * DAY + draw(beside))
        )
    return GivenUser("u", attributes, events)


@given(
    someone(),
    st.sampled_from(["default", SHOP]),
    st.lists(st.sampled_from(list(Stage)), min_size=1, max_size=3),
    st.sampled_from([0, -1, DAY, 3 * DAY, 7 * DAY, 30 * DAY]),
    st.data(),
)
def test_stages_equal_the_oracle_and_end_exactly_when_it_says(
    who: GivenUser, model: Any, stages: list[Stage], step: int, data: st.DataObject
) -> None:
    params = LifecycleParams.model_validate({"model": model, "stage": [stage.value for stage in stages]})
    at, hidden = NOW + step, [each.time for each in who.events]
    for _ in range(5):
        verdict = judge(LIFECYCLE, params, population([who], at))
        answer, until = bool(verdict.member[0]), int(verdict.holds_until[0])
        last = min(until - 1, at + 4000 * DAY)
        for moment in {at, last, data.draw(st.integers(at, last))}:
            assert member(params, None, who, moment) == answer
        if until > MAX_INSTANT:
            return
        if until not in hidden:
            assert member(params, None, who, until) != answer
        at = until


@given(someone(), st.sampled_from(["default", SHOP]))
def test_every_user_is_in_exactly_one_stage(who: GivenUser, model: Any) -> None:
    users = population([who], NOW)
    found = [judge(LIFECYCLE, {"model": model, "stage": stage.value}, users).member[0] for stage in Stage]
    assert sum(map(bool, found)) == 1


@pytest.mark.parametrize("stage", list(Stage))
def test_every_stage_keeps_the_contract(stage: Stage) -> None:
    values = {"timezone": [*clock.ZONES, "Nowhere/Else"]}
    examples: list[dict[str, Any]] = [{"stage": stage.value}, {"stage": [stage.value, "lost"], "model": SHOP}]
    check_segment_type(LIFECYCLE, examples, oracle=member, values=values)


@pytest.mark.parametrize(
    ("stage", "age", "until"),
    [("active", 7, 0), ("at_risk", 7, 23), ("at_risk", 30, 0), ("dormant", 30, 150), ("dormant", 180, 0)],
)
def test_an_age_at_a_cut_belongs_to_the_older_stage(stage: str, age: int, until: int) -> None:
    users = population([user("ada", {}, event(OPENED, NOW - age * DAY))], NOW)
    verdict = judge(LIFECYCLE, {"stage": stage}, users)
    assert (verdict.member[0], verdict.holds_until[0]) == ((True, NOW + until * DAY) if until else (False, FOREVER))


@pytest.mark.parametrize(("gap", "stage"), [(30 * DAY, "resurrected"), (30 * DAY - 1, "active")])
def test_who_was_away_exactly_that_long_is_resurrected(gap: int, stage: str) -> None:
    users = population([user("ada", {}, event(OPENED, NOW - gap), event(OPENED, NOW))], NOW)
    assert judge(LIFECYCLE, {"stage": stage}, users).member[0]


def test_a_list_of_stages_holds_over_the_change_from_one_to_the_other() -> None:
    users = population([user("ada", {}, event(OPENED, NOW))], NOW)
    verdict = judge(LIFECYCLE, {"stage": ["at_risk", "active", "dormant"]}, users)
    assert (verdict.member[0], verdict.holds_until[0]) == (True, NOW + 180 * DAY)
    lost = judge(LIFECYCLE, {"stage": "lost"}, users)
    assert (lost.member[0], lost.holds_until[0]) == (False, NOW + 180 * DAY)


def test_the_stage_is_explained() -> None:
    users = population([user("ada", {}, event(OPENED, NOW - 40 * DAY))], NOW)
    (reason,) = LIFECYCLE.explain(LifecycleParams.model_validate({"stage": ["active", "lost"]}), None, users, users.at)
    assert (reason.observed, reason.operator, reason.threshold, reason.member) == (
        "dormant",
        "in",
        "active, lost",
        False,
    )


@pytest.mark.parametrize(
    ("params", "path", "words"),
    [
        ({}, ("stage",), "required"),
        ({"stage": "asleep"}, ("stage",), "is not a stage"),
        ({"stage": []}, ("stage",), "write a stage"),
        ({"stage": ["new", 3]}, ("stage",), "is not a stage"),
        ({"stage": "new", "model": "shop"}, ("model",), "no configuration 'shop'"),
        ({"stage": "new", "model": {"events": []}}, ("model", "events"), "at least 1"),
        ({"stage": "new", "model": {"lost_after": "6mo"}}, ("model",), "fixed lengths"),
        ({"stage": "new", "model": {"lost_after": "30d"}}, ("model",), "must be shorter"),
        ({"stage": "new", "model": {"power_days": 9}}, ("model",), "never 9 days"),
        ({"stage": "new", "model": {"time_zone": "Mars"}}, ("model", "time_zone"), "not a time zone"),
        ({"stage": "new", "model": {"window": "7d"}}, ("model", "window"), "not permitted"),
    ],
)
def test_bad_parameters_are_refused_where_they_stand(params: dict[str, Any], path: tuple[str, ...], words: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        LifecycleParams.model_validate(params)
    faults = refusal.value.errors()
    assert [(fault["loc"], words in fault["msg"]) for fault in faults] == [(path, True)], faults


def test_a_sign_up_that_is_no_instant_is_refused() -> None:
    params = LifecycleParams.model_validate({"stage": "new"})
    schema = Schema()
    assert not list(LIFECYCLE.check(params, schema))
    schema.set_attribute("createdAt", Kind.TEXT)
    assert len(list(LIFECYCLE.check(params, schema))) == 1
