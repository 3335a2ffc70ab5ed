"""The one primitive that changes memberships, and the walk over deadlines that is built on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from segmentd.engine.judging import EvaluationFailed, Pass
from segmentd.engine.memberships import Rows, Words
from segmentd.engine.one_pass import FEW, FewRows
from segmentd.engine.plan import Plan
from segmentd.engine.stage import Moves, Stage
from segmentd.niceness import give_way
from segmentd.population.dataset import Dataset
from segmentd.population.foreseen import NOTHING
from segmentd.population.verdict import Verdict
from segmentd.times import FOREVER, Instants


@dataclass(slots=True)
class Work:
    """What a commit judges with: the users, the plans in force in dependency order, those that only shadow.

    Plans that cannot be evaluated are collected in `failed`; their bits stay as they are.
    """

    users: Dataset
    plans: Sequence[Plan]
    shadows: Sequence[Plan]
    stage: Stage
    failed: dict[int, EvaluationFailed] = field(default_factory=dict)
    order: dict[int, int] = field(init=False)

    def __post_init__(self) -> None:
        self.order = {id(plan): place for place, plan in enumerate(self.plans)}

    def clocked(self) -> list[Plan]:
        """The plans whose answers change as time passes."""
        return [plan for plan in (*self.plans, *self.shadows) if plan.clock]

    def note(self, plan: Plan, rows: Rows, entered: NDArray[np.bool_], at: Instants) -> None:
        """These rows entered or left at these instants; a plan that only shadows makes no moves."""
        self.stage.counts[plan.slot] += 2 * np.count_nonzero(entered) - len(rows)
        order = self.order.get(id(plan))
        if len(rows) and order is not None:
            self.stage.moves.append(Moves(plan, order, rows, entered, at))


def reevaluate(work: Work, plans: Sequence[Plan], rows: Rows, at: Instants, *, afresh: bool) -> None:
    """Judge `rows` (sorted, unique), each at its own instant, and stage new bits, horizons and moves.

    `plans` stand in dependency order. With `afresh` they include all that depend on time for these rows, and
    the horizon is theirs alone; else the horizon only comes closer.
    """
    if not len(rows):
        return
    if len(rows) <= FEW:
        _reevaluate_few(work, plans, rows, at, afresh=afresh)
        return
    words, horizons = work.stage.read(rows)
    at = _same(at)
    judging = Pass(work.users.view(_span(rows), at), at, StoredVerdicts(words, horizons))
    horizon = np.full(len(rows), FOREVER, dtype=np.int64) if afresh else horizons.copy()
    for plan in plans:
        if id(plan) in work.failed:
            continue
        try:
            verdict = judging.verdict(plan)
        except EvaluationFailed as error:
            work.failed.setdefault(id(plan), error)
            continue
        if not verdict.lasting:
            np.minimum(horizon, verdict.holds_until, out=horizon)
        changed = set_bits(words, plan.slot, verdict.member)
        work.note(plan, rows.take(changed), verdict.member.take(changed), at[changed])
    work.stage.write(rows, words, horizon)


def _same(at: Instants) -> Instants:
    """The instants, as one where they are all the same: most of what looks at them is quicker then."""
    return np.broadcast_to(at[0], at.shape) if bool((at == at[0]).all()) else at


def _span(rows: Rows) -> Rows | slice:
    """The rows, as a slice where none between them is left out: columns need not be copied then."""
    first, last = int(rows[0]), int(rows[-1])
    return slice(first, last + 1) if last - first + 1 == len(rows) else rows


def _reevaluate_few(work: Work, plans: Sequence[Plan], rows: Rows, at: Instants, *, afresh: bool) -> None:
    """The same one by one."""
    words, horizons = work.stage.read(rows)
    few = FewRows(work.users.view(rows, at), words, horizons)
    horizon = [FOREVER] * len(rows) if afresh else horizons.tolist()
    for plan, verdicts in few.judge([plan for plan in plans if id(plan) not in work.failed]):
        if isinstance(verdicts, EvaluationFailed):
            work.failed.setdefault(id(plan), verdicts)
            continue
        for place, (_, until) in enumerate(verdicts):
            horizon[place] = min(horizon[place], until)
        changed = few.store(plan, verdicts)
        if changed:
            work.note(plan, rows[changed], np.array([verdicts[place][0] for place in changed]), at[changed])
    work.stage.write(rows, few.words, np.array(horizon, dtype=np.int64))


def walk_deadlines(work: Work, rows: Rows, before: int) -> None:
    """Judge each row at its own horizon, again and again until none is due before the instant `before`.

    `rows` are those that may be due; nothing is staged about them yet.
    """
    plans = work.clocked()
    _take_foreseen(work, plans, rows, before)
    while len(rows):
        _, horizons = work.stage.read(rows)
        due = horizons < before
        rows = rows[due]
        reevaluate(work, plans, rows, horizons[due], afresh=True)


def foresee(work: Work, rows: Rows) -> tuple[Words, Instants] | None:
    """What these rows (sorted, unique) will be from their own horizons on, and until when; None where a plan fails.

    `work` is of no use afterwards.
    """
    _, horizons = work.stage.read(rows)
    reevaluate(work, work.clocked(), rows, horizons, afresh=True)
    return None if work.failed else work.stage.read(rows)


def _take_foreseen(work: Work, plans: Sequence[Plan], rows: Rows, before: int) -> None:
    """The first step of the walk for those of whom its outcome is known already."""
    foreseen = work.stage.foreseen
    if foreseen is None or not len(rows):
        return
    words, horizons = work.stage.read(rows)
    later = foreseen.horizons[rows]
    known = np.flatnonzero((horizons < before) & (later != NOTHING))
    if not len(known):
        return
    rows, words, at = rows[known], words[known], _same(horizons[known])
    ahead = foreseen.words[rows]
    differ = np.bitwise_or.reduce(words ^ ahead, axis=0).tolist()
    for plan in plans:
        give_way()
        if not differ[plan.slot >> 6] >> (plan.slot & 63) & 1:
            continue
        member = _bits(ahead, plan.slot)
        changed = set_bits(words, plan.slot, member)
        work.note(plan, rows.take(changed), member.take(changed), at[changed])
    work.stage.write(rows, words, later[known])


class StoredVerdicts:
    """What is known of plans that the pass does not judge: their bits, trusted as long as the row's horizon."""

    def __init__(self, words: Words, horizons: Instants) -> None:
        self._words = words
        self._horizons = horizons

    def verdict(self, plan: Plan) -> Verdict:
        member = _bits(self._words, plan.slot)
        return Verdict(member, self._horizons) if plan.clock else Verdict.forever(member)


def _bits(words: Words, slot: int) -> NDArray[np.bool_]:
    return np.asarray((words[:, slot >> 6] & np.uint64(1 << (slot & 63))) != 0)


def set_bits(words: Words, slot: int, member: NDArray[np.bool_]) -> Rows:
    """Set one slot's bits and return the positions where they changed."""
    differ = _bits(words, slot) != member
    words[:, slot >> 6] ^= np.multiply(differ, np.uint64(1 << (slot & 63)), dtype=np.uint64)
    return np.flatnonzero(differ)
