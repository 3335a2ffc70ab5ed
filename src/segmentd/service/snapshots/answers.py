"""Bits and horizons from a snapshot; whoever was written about since, or is overdue, is judged anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from segmentd.engine.judging import EvaluationFailed, Pass
from segmentd.engine.plan import Plan
from segmentd.engine.reevaluate import set_bits
from segmentd.population.verdict import Verdict
from segmentd.population.views import UsersView
from segmentd.service.live import Live
from segmentd.service.snapshots.facts import plan_digest
from segmentd.service.snapshots.restoring import Snapshot
from segmentd.times import FOREVER, Instants

_CHUNK = 65_536
Failures = dict[str, EvaluationFailed]


def restore_answers(live: Live, snapshot: Snapshot, at: Callable[[int, int], Instants]) -> Failures:
    """Bits and horizons of all rows; `at` gives the instants as of which rows from the first to before the second are.

    The snapshot has been told what was written since. Gives the segments that could not be judged.
    """
    words, horizons = snapshot.answers()
    kept, fresh = _plans(live, snapshot)
    failed: Failures = {}
    for start in range(0, len(live.users), _CHUNK):
        stop = min(start + _CHUNK, len(live.users))
        old = slice(start, min(stop, snapshot.rows))
        _copy(live, kept, words[old], start)
        instants = at(start, stop)
        overdue = snapshot.touched[start:stop].copy()
        overdue[: max(0, old.stop - start)] |= horizons[old] <= instants[: max(0, old.stop - start)]
        live.memberships.lower_horizons(start, np.where(overdue[: len(horizons[old])], FOREVER, horizons[old]))
        if fresh:
            users = live.users.view(slice(start, stop), instants)
            _judge_new(live, fresh, users, start, failed)
        rows = np.flatnonzero(overdue) + start
        if len(rows):
            _judge_rows(live, [plan for plan, _ in kept], rows, instants[rows - start], failed)
    return failed


def _plans(live: Live, snapshot: Snapshot) -> tuple[list[tuple[Plan, int]], list[Plan]]:
    """The plans whose answers the snapshot has, each with its slot there, and the others."""
    kept: list[tuple[Plan, int]] = []
    fresh: list[Plan] = []
    for plan in live.catalogue.plans:
        slot = snapshot.facts.plans.get(plan_digest(plan, live.surroundings))
        if slot is None or plan.attributes & snapshot.stale_lists:
            fresh.append(plan)
        else:
            kept.append((plan, slot))
    return kept, fresh


def _copy(live: Live, plans: Sequence[tuple[Plan, int]], words: NDArray[np.uint64], start: int) -> None:
    for plan, slot in plans:
        member = (words[:, slot >> 6] & np.uint64(1 << (slot & 63))) != 0
        live.memberships.fill(plan.slot, start, member)


def _judge_new(live: Live, plans: Sequence[Plan], users: UsersView, start: int, failed: Failures) -> None:
    """Judge plans of which nothing is known, for all rows."""
    judging = Pass(users, users.at)
    for plan in plans:
        verdict = _verdict(judging, plan, failed)
        if verdict is not None:
            live.memberships.fill(plan.slot, start, verdict.member)
            live.memberships.lower_horizons(start, verdict.holds_until)


def _judge_rows(live: Live, plans: Sequence[Plan], rows: NDArray[np.int64], at: Instants, failed: Failures) -> None:
    """Judge some rows for the plans of which something is known about all the others."""
    memberships = live.memberships
    words, horizons = memberships.words[rows], memberships.horizons[rows]
    judging = Pass(live.users.view(rows, at), at)
    for plan in plans:
        verdict = _verdict(judging, plan, failed)
        if verdict is not None:
            changed = set_bits(words, plan.slot, verdict.member)
            memberships.counts[plan.slot] += 2 * np.count_nonzero(verdict.member[changed]) - len(changed)
            np.minimum(horizons, verdict.holds_until, out=horizons)
    memberships.store(rows, words, horizons)


def _verdict(judging: Pass, plan: Plan, failed: Failures) -> Verdict | None:
    try:
        return judging.verdict(plan)
    except EvaluationFailed as error:
        failed.setdefault(plan.segment_id, error)
        return None
