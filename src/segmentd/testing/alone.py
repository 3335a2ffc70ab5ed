"""The rule that a type which can judge one user without arrays says the same there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from segmentd.plugins.segment_type import speaks_for
from segmentd.population.one_user import JudgeOne, LeftToEvaluate
from segmentd.population.readers import Readers
from segmentd.testing.snapshot import snapshot
from segmentd.testing.trial import Trial
from segmentd.times import MAX_INSTANT, Micros

if TYPE_CHECKING:
    from segmentd.population.one_user import OneUser

_STEPS: Final = 3


def one_without_arrays(trial: Trial) -> None:
    """What `for_one` returns gives what `evaluate` gives, now and at the deadlines that follow, and changes nothing."""
    rule, rows, at = "for_one agrees with evaluate", trial.cohort.rows, trial.cohort.at
    readers = Readers(trial.cohort.dataset.layout, trial.reads, trial.segment_type.name)
    judge: JudgeOne | None = trial.guard(rule, lambda: trial.segment_type.for_one(trial.params, trial.model, readers))
    if judge is None or not speaks_for(trial.segment_type, "for_one", "evaluate"):
        return
    before = snapshot(trial.cohort.dataset, trial.params)
    for _ in range(_STEPS):
        verdict = trial.verdict(rule, rows, at)
        view = trial.cohort.dataset.view(rows, at)
        for place, row in enumerate(rows.tolist()):
            expected = bool(verdict.member[place]), int(verdict.holds_until[place])
            for found in (_judged(trial, judge, view.one(place)) for _ in range(2)):
                if found is not None and (found != expected or tuple(map(type, found)) != (bool, int)):
                    moment = Micros(int(at[place]))
                    trial.broken(rule, f"one user is judged {found!r}, as a row {expected!r}", row, moment)
        kept = trial.kept(rule, rows, at).holds_until
        again = kept <= MAX_INSTANT
        rows, at = rows[again], np.asarray(kept[again])
    if snapshot(trial.cohort.dataset, trial.params) != before:
        trial.broken(rule, "it changed the users or the parameters")


def _judged(trial: Trial, judge: JudgeOne, user: OneUser) -> tuple[bool, int] | None:
    """What is said of one user; None where that is left to `evaluate`."""

    def ask() -> tuple[bool, int] | None:
        try:
            return judge(user)
        except LeftToEvaluate:
            return None

    found: tuple[bool, int] | None = trial.guard("for_one judges without an error", ask)
    return found
