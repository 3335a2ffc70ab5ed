"""The events of one user that a condition is about: what `selection.py` gives for a row, as plain values."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from segmentd.api import (
    FOREVER,
    UTC,
    Condition,
    Kind,
    LeftToEvaluate,
    OneEvents,
    OneUser,
    OneVerdict,
    Reader,
    Readers,
    Zone,
    all_of,
    one_value,
    one_zone,
    verdict_without,
    zone_for,
)
from segmentd_types.behavioral.parameters import BehavioralParams

_MOST_EVENTS: Final = 256
"""More events in the window than this are judged faster with arrays."""
JudgeKind: TypeAlias = Callable[[Kind, Any, OneUser], OneVerdict]


@dataclass(slots=True)
class OneSelection:
    """The events that count for one user: `places` among its events, oldest first, and when each stops to count.

    No filter changes its answer before `until`.
    """

    user: OneUser
    events: OneEvents
    places: Sequence[int]
    expires: list[int]
    until: int
    zone: Zone


def one_selector(params: BehavioralParams, readers: Readers) -> Callable[[OneUser], OneSelection]:
    """Selects the events that count for a user at its instant. Raises LeftToEvaluate where there are very many."""
    events_of, zone_of, window = readers.events(params.event), zone_reader(params, readers), params.window()
    passes = _filters(params, readers)

    def select(user: OneUser) -> OneSelection:
        events, zone, at = events_of(user), zone_of(user), user.at
        cutoff = window.cutoff_of(at, zone)
        low = 0 if cutoff is None else bisect_left(events.times, cutoff)
        if len(events.times) - low > _MOST_EVENTS:
            raise LeftToEvaluate
        expires = window.expiries_of(events.times[low:].tolist(), zone)
        places: Sequence[int] = range(low, low + len(expires))
        if expires and min(expires) <= at:
            places = [place for place, expiry in zip(places, expires, strict=True) if expiry > at]
            expires = [expiry for expiry in expires if expiry > at]
        selection = OneSelection(user, events, places, expires, FOREVER, zone)
        return passes(selection) if passes is not None and places else selection

    return select


def zone_reader(params: BehavioralParams, readers: Readers) -> Reader[Zone]:
    """The condition's local time; UTC where nothing depends on it."""
    name = params.zone_name() if params.needs_zone() else "UTC"
    if name == "user":
        return one_zone(readers)
    zone = zone_for(name) if name != "UTC" else UTC
    return lambda _: zone


def by_kind(condition: Condition, zone: Callable[[], Reader[Zone]]) -> JudgeKind:
    """Judges values of a kind that shows only at run time. Raises LeftToEvaluate where that needs arrays."""
    judges: dict[Kind, Callable[[Any, OneUser], OneVerdict] | None] = {}

    def judge(kind: Kind, value: Any, user: OneUser) -> OneVerdict:
        if kind not in judges:
            judges[kind] = one_value(kind, condition, zone)
        found = judges[kind]
        if found is None:
            raise LeftToEvaluate
        return found(value, user)

    return judge


def _filters(params: BehavioralParams, readers: Readers) -> Callable[[OneSelection], OneSelection] | None:
    """Keeps the events whose properties pass; until the first of all verdicts on them ends."""
    filters = [_filter(params.event, name, condition, readers) for name, condition in params.where.items()]
    if not filters:
        return None

    def passes(selection: OneSelection) -> OneSelection:
        judged = [each(selection) for each in filters]
        until: int = FOREVER
        places, expires = [], []
        for position, verdicts in enumerate(zip(*judged, strict=True)):
            member, holds = verdicts[0] if len(verdicts) == 1 else _together(verdicts)
            until = min(until, holds)
            if member:
                places.append(selection.places[position])
                expires.append(selection.expires[position])
        return OneSelection(selection.user, selection.events, places, expires, until, selection.zone)

    return passes


def _filter(
    event: str, name: str, condition: Condition, readers: Readers
) -> Callable[[OneSelection], list[OneVerdict]]:
    """The verdict on one property of each event that counts."""
    property_of, absent = readers.event_property(event, name), verdict_without(condition)
    judge = by_kind(condition, lambda: one_zone(readers))

    def judged(selection: OneSelection) -> list[OneVerdict]:
        found, places, user = property_of(selection.user), selection.places, selection.user
        if found is None:
            return [absent] * len(places)
        values = (found.value(place) for place in places)
        return [absent if value is None else judge(found.kind, value, user) for value in values]

    return judged


def _together(verdicts: tuple[OneVerdict, ...]) -> OneVerdict:
    return all_of([lambda _, each=each: each for each in verdicts])(None)  # type: ignore[misc]
