"""Behavioral conditions, slowly: one user at one instant, in plain Python, asking zoneinfo for local time."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import Any, Final

from tests.unit import local_time_oracle as clock

from segmentd.api import Condition, Duration, Kind, Model
from segmentd.testing import GivenEvent, GivenUser, instant
from segmentd.times import parse_duration
from segmentd_types.behavioral import BehavioralParams

MONEY: Final = frozenset(["revenue", "total"])
INSTANTS: Final = frozenset(["due"])
RELATIONS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "equals": operator.eq,
    "not_equals": operator.ne,
    "above": operator.gt,
    "at_least": operator.ge,
    "below": operator.lt,
    "at_most": operator.le,
    "in": lambda value, wanted: value in wanted,
    "between": lambda value, ends: ends[0] <= value <= ends[1],
    "any_of": lambda value, wanted: any(each in wanted for each in value),
}


def member(params: BehavioralParams, model: Model | None, user: GivenUser, at: int) -> bool:
    """Whether the user, who has visible events only, satisfies every measure."""
    zone = zone_of(user) if params.zone_name() == "user" else params.zone_name()
    own = zone_of(user)
    events = [
        event
        for event in user.events
        if event.name == params.event and counts(params, event.time, at, zone) and passes(params, event, at, own)
    ]
    return all(measured(params, events, at, zone))


def zone_of(user: GivenUser) -> str:
    name = user.attributes.get("timezone")
    return name if isinstance(name, str) and name not in ("", "Nowhere/Else") else "UTC"


def after(time: int, length: Duration, zone: str) -> int:
    return clock.add_months(zone, time, length.months) if length.months else time + length.micros


def counts(params: BehavioralParams, time: int, at: int, zone: str) -> bool:
    """Whether an event at `time` is in the window at the instant `at`."""
    if time > at:
        return False
    if params.within is not None:
        return at < after(time, params.within, zone)
    if params.during is not None:
        return clock.units_between(zone, params.during.unit, time, at) < params.during.count
    periods = [(each.from_, each.until) for each in params.periods or []] or [(params.from_, params.until)]
    return any((start is None or start <= time) and (end is None or time < end) for start, end in periods)


def passes(params: BehavioralParams, event: GivenEvent, at: int, zone: str) -> bool:
    return all(
        name in event.properties and holds(condition, stored(name, event.properties[name]), kind(name), at, zone)
        for name, condition in params.where.items()
    )


def kind(name: str) -> Kind:
    return Kind.MONEY if name in MONEY else Kind.INSTANT if name in INSTANTS else Kind.NUMBER


def stored(name: str, value: Any) -> Any:
    """Money in whole millionths, instants in microseconds."""
    if name in MONEY:
        return round(value * 1_000_000)
    return instant(value) if name in INSTANTS else value


def holds(condition: Condition, value: Any, of: Kind, at: int, zone: str) -> bool:
    """Whether a stored value satisfies every operator; a missing one only `missing`."""
    return all(one_holds(name, operand, value, of, at, zone) for name, operand in condition.given.items())


def one_holds(name: str, operand: Any, value: Any, of: Kind, at: int, zone: str) -> bool:
    if name in ("exists", "missing"):
        return (value is None) == (name == "missing")
    if value is None:
        return False
    if name == "within_last":
        return bool(value <= at < after(value, parse_duration(operand), zone))
    if name == "more_than_ago":
        return at >= after(value, parse_duration(operand), zone)
    return RELATIONS[name](value, wanted(operand, of))


def wanted(operand: Any, of: Kind) -> Any:
    if isinstance(operand, list):
        return [wanted(each, of) for each in operand]
    return round(operand * 1_000_000) if of is Kind.MONEY else operand


def measured(params: BehavioralParams, events: list[GivenEvent], at: int, zone: str) -> Iterable[bool]:
    """The answer of every measure that the parameters give."""
    count = params.counted()
    if count is not None:
        yield holds(count, len(events), Kind.NUMBER, at, zone)
    for measure, condition in params.totals():
        name = condition.property
        values = [stored(name, event.properties[name]) for event in events if name in event.properties]
        yield holds(condition, total(measure, values, kind(name)), kind(name), at, zone)
    if params.distinct is not None:
        yield holds(params.distinct, len(distinct(events, params.distinct.property)), Kind.NUMBER, at, zone)
    if params.distinct_days is not None:
        days = {clock.local_day(zone, event.time) for event in events}
        yield holds(params.distinct_days, len(days), Kind.NUMBER, at, zone)
    times = [event.time for event in events]
    if params.first is not None:
        yield holds(params.first, min(times, default=None), Kind.INSTANT, at, zone)
    if params.last is not None:
        yield holds(params.last, max(times, default=None), Kind.INSTANT, at, zone)


def distinct(events: list[GivenEvent], name: str) -> set[Any]:
    found = [event.properties[name] for event in events if name in event.properties]
    return {each for value in found for each in (value if isinstance(value, list) else [value])}


def total(measure: str, values: list[Any], of: Kind) -> Any:
    if measure == "sum":
        return added(values)
    if not values:
        return None
    if measure == "average":
        return added(values) // len(values) if of is Kind.MONEY else added(values) / len(values)
    return min(values) if measure == "min" else max(values)


def added(values: list[Any]) -> Any:
    """One after the other: Python's own sum compensates for rounding since 3.12."""
    result = 0
    for value in values:
        result += value
    return result
