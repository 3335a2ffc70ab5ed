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
from segmentd.population.dataset import Dataset
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
        self.order = {id(plan): place for place, plan in enumerate((*self.plans, *self.shadows))}

    def clocked(self) -> list[Plan]:
        """The plans whose answers change as time passes."""
        return [plan for plan in (*self.plans, *self.shadows) if plan.clock]


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
    shadows = {id(plan) for plan in work.shadows}
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
        entered = verdict.member.take(changed)
        work.stage.counts[plan.slot] += 2 * np.count_nonzero(entered) - len(changed)
        if len(changed) and id(plan) not in shadows:
            moves = Moves(plan, work.order[id(plan)], rows.take(changed), entered, at[changed])
            work.stage.moves.append(moves)
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
    shadows = {id(plan) for plan in work.shadows}
    for plan, verdicts in few.judge([plan for plan in plans if id(plan) not in work.failed]):
        if isinstance(verdicts, EvaluationFailed):
            work.failed.setdefault(id(plan), verdicts)
            continue
        for place, (_, until) in enumerate(verdicts):
            horizon[place] = min(horizon[place], until)
        changed = few.store(plan, verdicts)
        if changed:
            entered = np.array([verdicts[place][0] for place in changed])
            work.stage.counts[plan.slot] += 2 * np.count_nonzero(entered) - len(changed)
            if id(plan) not in shadows:
                work.stage.moves.append(Moves(plan, work.order[id(plan)], rows[changed], entered, at[changed]))
    work.stage.write(rows, few.words, np.array(horizon, dtype=np.int64))


def walk_deadlines(work: Work, rows: Rows, before: int) -> None:
    """Judge each row at its own horizon, again and again until none is due before the instant `before`.

    `rows` are those that may be due.
    """
    plans = work.clocked()
    while len(rows):
        _, horizons = work.stage.read(rows)
        due = horizons < before
        rows = rows[due]
        reevaluate(work, plans, rows, horizons[due], afresh=True)


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
