"""The rule that an event which is older than the reach of a condition matters no more."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from segmentd.population.build import GivenUser, build_dataset
from segmentd.testing.given import AttributeKinds, PropertyKinds, schema
from segmentd.testing.trial import Cohort, Trial
from segmentd.times import FOREVER, MAX_INSTANT, Instants, Micros

if TYPE_CHECKING:
    from segmentd.population.dataset import Dataset

_STEPS: Final = 4


def old_events_do_not_matter(trial: Trial) -> None:
    """Answers are the same without the events older than `reach`, now and whenever one comes to be so old."""
    rule, rows, at = "events beyond reach do not matter", trial.cohort.rows, trial.cohort.at
    if not trial.reads.reach:
        return
    _whole(trial, rule)
    for _ in range(_STEPS):
        verdict = trial.kept(rule, rows, at)
        kept = replace(trial, cohort=_without_old(trial, rows, at)).kept(rule, np.arange(len(rows)), at)
        for place in np.flatnonzero(kept.member != verdict.member)[:1].tolist():
            moment, row = Micros(int(at[place])), int(rows[place])
            trial.broken(rule, f"member is {verdict.member[place]}, without older events not", row, moment)
        at = np.array([_next_old(trial, row, moment) for row, moment in zip(rows.tolist(), at.tolist(), strict=True)])
        rows, at = rows[at <= MAX_INSTANT], at[at <= MAX_INSTANT]
        if not len(rows):
            return


def _whole(trial: Trial, rule: str) -> None:
    for name, reach in trial.reads.reach.items():
        if name not in trial.reads.events:
            trial.broken(rule, f"reach names {name}, which is not among the events that are read")
        if type(reach) is not int or reach <= 0:
            trial.broken(rule, f"the reach of {name} is {reach!r}, not a number of microseconds")


def _next_old(trial: Trial, row: int, at: int) -> int:
    """The next instant at which an event of this user comes to be older than its reach, or FOREVER."""
    reach = trial.reads.reach
    ends = (each.time + reach[each.name] for each in trial.cohort.users[row].events if each.name in reach)
    return min((end for end in ends if end > at), default=FOREVER)


def _without_old(trial: Trial, rows: np.ndarray[tuple[int], np.dtype[np.int64]], at: Instants) -> Cohort:
    """The users at these rows without the events that are too old for their instants."""
    users = [
        _young(trial, trial.cohort.users[row], moment) for row, moment in zip(rows.tolist(), at.tolist(), strict=True)
    ]
    attributes, properties = _kinds(trial.cohort.dataset)
    return Cohort(trial.cohort.name, tuple(users), build_dataset(users, schema(attributes, properties)), at)


def _young(trial: Trial, user: GivenUser, at: int) -> GivenUser:
    reach = trial.reads.reach
    kept = [each for each in user.events if each.name not in reach or at < each.time + reach[each.name]]
    return replace(user, events=tuple(kept))


def _kinds(dataset: Dataset) -> tuple[AttributeKinds, PropertyKinds]:
    attributes = {name: column.kind for name, column in dataset.columns.items()}
    tables = dataset.tables.items()
    return attributes, {(event, name): each.kind for event, table in tables for name, each in table.columns.items()}
