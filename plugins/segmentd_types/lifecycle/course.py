"""The course of users through the stages: all that decides their stage at any later instant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from segmentd.api import FOREVER, USER_ZONE, Instants, LocalTime, Population, row_maximum, user_zones, zone_for
from segmentd_types.lifecycle.parameters import ORDER, Configuration

SIGNED_UP: Final = "createdAt"
_NOT_YET: Final = FOREVER
_LONG_AGO: Final = -(2**61)


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """All that decides the stages of n users from now on, if they do nothing; instants int64 (n,).

    New is [signed_up, new_until); resurrected and power end at their instants; the rest goes by the last activity.
    """

    signed_up: Instants
    new_until: Instants
    resurrected_until: Instants
    power_until: Instants
    active_until: Instants
    at_risk_until: Instants
    dormant_until: Instants
    ever: NDArray[np.bool_]

    def stages(self, at: Instants) -> NDArray[np.int8]:
        """The stage of each user at an instant from now on, as a position in the order of stages, int8 (n,)."""
        fits = (
            (self.signed_up <= at) & (at < self.new_until),
            at < self.resurrected_until,
            at < self.power_until,
            at < self.active_until,
            at < self.at_risk_until,
            at < self.dormant_until,
            self.ever,
        )
        stages = np.full(len(self.ever), len(ORDER) - 1, dtype=np.int8)
        for place in reversed(range(len(fits))):
            stages[fits[place]] = place
        return stages

    def turns(self) -> tuple[Instants, ...]:
        """Every instant at which a stage can end or begin."""
        by_activity = (self.resurrected_until, self.power_until, self.active_until, self.at_risk_until)
        return (self.signed_up, self.new_until, *by_activity, self.dormant_until)


def course_of(configuration: Configuration, users: Population) -> Course:
    """What decides the stages of these users, from their key events so far."""
    offsets, times = _activity(configuration.events, users)
    recent = configuration.active_within.micros
    last = row_maximum(times, offsets, _LONG_AGO)
    ever = offsets[1:] > offsets[:-1]
    signed_up = users.instant(SIGNED_UP)
    return Course(
        signed_up=np.where(signed_up.present, signed_up.values, _NOT_YET),
        new_until=np.where(signed_up.present, signed_up.values + configuration.new_within.micros, _LONG_AGO),
        resurrected_until=_return(offsets, times, configuration.away_for.micros) + recent,
        power_until=_day_from_last(offsets, times, configuration.power_days, _local(configuration, users)) + recent,
        active_until=last + recent,
        at_risk_until=last + configuration.dormant_after.micros,
        dormant_until=last + configuration.lost_after.micros,
        ever=ever,
    )


def _local(configuration: Configuration, users: Population) -> LocalTime:
    return user_zones(users) if configuration.time_zone == USER_ZONE else zone_for(configuration.time_zone)


def _activity(names: list[str], users: Population) -> tuple[NDArray[np.int64], Instants]:
    """The times of all key events, those of row i at [offsets[i], offsets[i+1]), oldest first."""
    tables = [users.events(name) for name in dict.fromkeys(names)]
    if len(tables) == 1:
        return tables[0].offsets, tables[0].times
    rows = np.concatenate([table.rows for table in tables])
    times = np.concatenate([table.times for table in tables])
    order = np.lexsort((times, rows))
    return np.sum([table.offsets for table in tables], axis=0), times[order]


def _return(offsets: NDArray[np.int64], times: Instants, away: int) -> Instants:
    """When each user last came back: the last event that is so much later than the one before it, int64 (n,)."""
    back = np.zeros(len(times), dtype=np.bool_)
    back[1:] = times[1:] - times[:-1] >= away
    back[offsets[:-1][offsets[:-1] < len(times)]] = False  # the first event of a row has none before it
    return row_maximum(np.where(back, times, _LONG_AGO), offsets, _LONG_AGO)


def _day_from_last(offsets: NDArray[np.int64], times: Instants, number: int, local: LocalTime) -> Instants:
    """The last event on the n-th last local day with any, int64 (n,); long ago where there are fewer days."""
    rows = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    days = local.take(rows).local_day(times)
    last = np.ones(len(times), dtype=np.bool_)
    last[:-1] = (days[1:] != days[:-1]) | (rows[1:] != rows[:-1])
    ends = times[last]
    places = np.concatenate(([0], np.cumsum(last)))[offsets]
    enough = places[1:] - places[:-1] >= number
    result = np.full(len(offsets) - 1, _LONG_AGO)
    result[enough] = ends[places[1:][enough] - number]
    return result
