"""The rules that verdicts keep, each tried on one condition and some users."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from segmentd.population.verdict import Verdict
from segmentd.testing.alone import one_without_arrays
from segmentd.testing.reaching import old_events_do_not_matter
from segmentd.testing.snapshot import snapshot
from segmentd.testing.trial import Positions, Trial, frozen_copy
from segmentd.times import FOREVER, MAX_INSTANT, Instants, Micros, format_instant

if TYPE_CHECKING:
    from collections.abc import Callable

    from segmentd.plugins.segment_type import Reason
    from segmentd.population.build import GivenUser

_STEPS: Final = 3


def shapes_and_dtypes(trial: Trial) -> None:
    """`member` bool (n,), `holds_until` int64 (n,)."""
    rule, at = "shapes and dtypes", trial.cohort.at
    verdict = trial.verdict("judges without an error", trial.cohort.rows, at)
    if not isinstance(verdict, Verdict):
        trial.broken(rule, f"evaluate returned {type(verdict).__name__}, expected a Verdict")
    for name, dtype in (("member", np.bool_), ("holds_until", np.int64)):
        array = getattr(verdict, name)
        found = type(array).__name__
        if isinstance(array, np.ndarray):
            found = f"{array.dtype}{list(array.shape)}"
        if found != f"{np.dtype(dtype)}{list(at.shape)}":
            trial.broken(rule, f"{name} is {found}, expected {np.dtype(dtype)}{list(at.shape)}")


def later_than_at(trial: Trial) -> None:
    """`holds_until[i] > at[i]`."""
    rule = "holds_until is later than at"
    verdict = trial.verdict(rule, trial.cohort.rows, trial.cohort.at)
    for row in np.flatnonzero(verdict.holds_until <= trial.cohort.at)[:1].tolist():
        trial.broken(rule, f"holds_until is {format_instant(Micros(int(verdict.holds_until[row])))}", row)


def clock_declared(trial: Trial) -> None:
    """A verdict that ends by itself comes from a condition whose reads declare clock or events."""
    rule = "a verdict that ends is declared as clock"
    if trial.reads.clock or trial.reads.events:
        return
    verdict = trial.verdict(rule, trial.cohort.rows, trial.cohort.at)
    for row in np.flatnonzero(verdict.holds_until != FOREVER)[:1].tolist():
        trial.broken(rule, "holds_until is not FOREVER, and reads() declares neither clock nor events", row)


def inputs_unchanged(trial: Trial) -> None:
    """Neither the population nor `at` is written to."""
    rule = "inputs are unchanged"
    cohort, at = trial.cohort, frozen_copy(trial.cohort.at)
    before = snapshot(cohort.dataset, trial.params)
    trial.verdict(rule, slice(0, len(at)), at)  # a slice shares its memory with the dataset
    if at.tobytes() != cohort.at.tobytes():
        trial.broken(rule, "evaluate changed at")
    for name, content in snapshot(cohort.dataset, trial.params).items():
        if before.get(name) != content:
            trial.broken(rule, f"evaluate changed {name}")


def same_answer_twice(trial: Trial) -> None:
    """Equal input, equal answer."""
    rule, rows, at = "the same answer twice", trial.cohort.rows, trial.cohort.at
    first = trial.verdict(rule, rows, at)
    trial.all_equal(rule, trial.verdict(rule, rows, at), first, rows, "when judged again")


def subsets(trial: Trial) -> None:
    """Each row alone, and rows in any choice and order, are judged as with all others."""
    rule, rows, at = "subset invariance", trial.cohort.rows, trial.cohort.at
    whole = trial.verdict(rule, rows, at)
    choice = random.Random(len(rows))  # noqa: S311  (test data, no secret)
    alone = [[row] for row in rows.tolist()]
    some = [choice.sample(rows.tolist(), len(rows) * share // 4) for share in (1, 2, 3, 4)]
    for chosen in filter(None, alone + some):
        part = np.array(chosen, dtype=np.int64)
        expected = Verdict(whole.member[part], whole.holds_until[part])
        said = "when judged alone" if len(part) == 1 else f"among {len(part)} rows"
        trial.all_equal(rule, trial.verdict(rule, part, at[part]), expected, part, said)


def stability(trial: Trial) -> None:
    """The answer stays within [at, holds_until): tried just after, midway and at the last, step by step."""
    rule, rows, at = "stable until holds_until", trial.cohort.rows, trial.cohort.at
    for _ in range(_STEPS):
        verdict = trial.kept(rule, rows, at)
        last = np.minimum(verdict.holds_until - 1, MAX_INSTANT)
        for probe in (np.minimum(at + 1, last), at + (last - at) // 2, last):
            _same_members(trial, rule, verdict, rows, probe)
        again = verdict.holds_until <= MAX_INSTANT
        rows, at = rows[again], verdict.holds_until[again]
        if not len(rows):
            return


def _same_members(trial: Trial, rule: str, verdict: Verdict, rows: Positions, probe: Instants) -> None:
    later = trial.kept(rule, rows, probe)
    for first in np.flatnonzero(later.member != verdict.member)[:1].tolist():
        until = format_instant(Micros(int(verdict.holds_until[first])))
        now = format_instant(Micros(int(probe[first])))
        said, turned = verdict.member[first], later.member[first]
        trial.broken(rule, f"member {said} until {until}, but {turned} at {now}", int(rows[first]))


def explanation(trial: Trial) -> None:
    """One row is explained by reasons that all hold exactly if the user is a member."""
    rule, at = "explain agrees with evaluate", trial.cohort.at
    whole = trial.verdict(rule, trial.cohort.rows, at)
    for row in trial.cohort.rows.tolist():
        one = trial.cohort.rows[row : row + 1]
        users = trial.locked(trial.cohort.dataset.view(one, at[one]))
        explain = partial(trial.segment_type.explain, trial.params, trial.model, users, at[one])
        reasons: tuple[Reason, ...] = trial.guard(rule, explain)
        if not reasons:
            trial.broken(rule, "explain gave no reason", row)
        if not all(map(_sound, reasons)):
            trial.broken(rule, f"a Reason holds four texts and True or False; found {reasons!r}", row)
        if all(reason.member for reason in reasons) != bool(whole.member[row]):
            trial.broken(rule, f"member is {whole.member[row]}, and the reasons are {reasons!r}", row)


def _sound(reason: Reason) -> bool:
    texts = (reason.subject, reason.operator, reason.observed, reason.threshold)
    return all(type(text) is str for text in texts) and type(reason.member) is bool


def oracle(trial: Trial) -> None:
    """The author's slow function says the same, at the first instant and at the deadlines that follow."""
    if trial.oracle is None:
        return
    rule, rows, at = "the oracle agrees", trial.cohort.rows, trial.cohort.at
    for _ in range(_STEPS):
        verdict = trial.kept(rule, rows, at)
        for place, row in enumerate(rows.tolist()):
            moment = Micros(int(at[place]))
            visible = _visible(trial.cohort.users[row], moment)
            expected = trial.oracle(trial.params, trial.model, visible, moment)
            member = bool(verdict.member[place])
            if member != bool(expected):
                trial.broken(rule, f"member is {member}, the oracle says {expected}", row, moment)
        again = verdict.holds_until <= MAX_INSTANT
        rows, at = rows[again], verdict.holds_until[again]
        if not len(rows):
            return


def _visible(user: GivenUser, at: Micros) -> GivenUser:
    events = sorted((each for each in user.events if each.time <= at), key=lambda each: each.time)
    return replace(user, events=tuple(events))


VERDICT_RULES: Final[tuple[Callable[[Trial], None], ...]] = (
    shapes_and_dtypes,
    later_than_at,
    clock_declared,
    inputs_unchanged,
    same_answer_twice,
    subsets,
    stability,
    explanation,
    oracle,
    old_events_do_not_matter,
    one_without_arrays,
)
