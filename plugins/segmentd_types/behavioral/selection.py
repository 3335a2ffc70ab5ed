"""The events that a condition is about: those in its window whose properties pass its filters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from segmentd.api import (
    FOREVER,
    UTC,
    Counted,
    Events,
    Instants,
    LocalTime,
    Population,
    Verdict,
    counted_events,
    instants_of_events,
    judge_conditions,
    row_minimum,
    user_zones,
    zone_for,
)
from segmentd_types.behavioral.parameters import BehavioralParams


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """The events that count for n users; no filter changes its answer before `until` int64 (n,)."""

    events: Events
    counted: Counted
    until: Instants
    zones: LocalTime

    @property
    def times(self) -> Instants:
        """The times of the events that count, int64 (k,)."""
        return self.events.times[self.counted.positions]

    def local(self) -> LocalTime:
        """Local time for the events that count."""
        return self.zones.take(self.counted.rows)


def select(params: BehavioralParams, users: Population, at: Instants) -> Selection:
    """The events that count for each user at its instant."""
    zones = zones_of(params, users)
    events = users.events(params.event)
    until: Instants = np.broadcast_to(np.int64(FOREVER), (len(users),))
    if not params.where or not len(events.times):
        return Selection(events, counted_events(events, params.window(), at, zones), until, zones)
    passed = _filtered(params, users, events, at)
    if passed.lasting:
        return Selection(events, counted_events(events, params.window(), at, zones, passed.member), until, zones)
    counted = counted_events(events, params.window(), at, zones)
    holds = passed.holds_until[counted.positions]
    if len(holds) and holds.min() < FOREVER:
        until = row_minimum(holds, counted.offsets, FOREVER)
    return Selection(events, counted.only(passed.member[counted.positions]), until, zones)


def zones_of(params: BehavioralParams, users: Population) -> LocalTime:
    """The condition's local time for each user; UTC where nothing depends on it."""
    if not params.needs_zone():
        return UTC
    name = params.zone_name()
    return user_zones(users) if name == "user" else zone_for(name)


def _filtered(params: BehavioralParams, users: Population, events: Events, at: Instants) -> Verdict:
    """Judge all events by their properties, each at the instant of its user and in its user's time zone."""
    instants = instants_of_events(events, at)
    return judge_conditions(events, params.where.items(), instants, lambda: user_zones(users).take(events.rows))
