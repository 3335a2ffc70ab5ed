"""What is known of some users at one instant: their bits, judged on the spot where a horizon has passed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from segmentd.engine.catalogue import Catalogue, Entry, State
from segmentd.engine.judging import EvaluationFailed, Pass
from segmentd.engine.memberships import Rows, Words
from segmentd.engine.one_pass import FEW, FewRows
from segmentd.engine.plan import Plan
from segmentd.engine.reevaluate import StoredVerdicts, set_bits
from segmentd.errors import FailedPrecondition, NotFound, Reason, SegmentdError
from segmentd.service.live import Live
from segmentd.times import FOREVER, Instants, Micros


@dataclass(slots=True)
class Seen:
    """n users at one revision and instant: `words` uint64 (n, width), `horizons` int64 (n,), `known` bool (n,).

    A user nobody has written about has no bits and no horizon. Plans in `failed` have no answer.
    """

    catalogue: Catalogue
    revision: int
    at: Micros
    rows: Rows
    known: NDArray[np.bool_]
    words: Words
    horizons: Instants
    failed: dict[int, EvaluationFailed] = field(default_factory=dict)

    def members(self, plan: Plan) -> NDArray[np.bool_]:
        """Which of the users are members. Raises EvaluationFailed."""
        if id(plan) in self.failed:
            raise self.failed[id(plan)]
        return np.asarray((self.words[:, plan.slot >> 6] & np.uint64(1 << (plan.slot & 63))) != 0)

    def part(self, users: slice) -> Seen:
        """Some of the users, who stand one after another."""
        arrays = self.rows[users], self.known[users], self.words[users], self.horizons[users]
        return Seen(self.catalogue, self.revision, self.at, *arrays, self.failed)

    @property
    def overdue(self) -> NDArray[np.bool_]:
        """Whose horizon has passed."""
        return self.horizons <= self.at


def see(live: Live, user_ids: Sequence[str], now: Micros) -> Seen:
    """The published answers, stored or foreseen; any thread may ask. Those of `overdue` users may be out of date."""
    with live.lock:
        rows = np.fromiter(map(live.users.index.get, user_ids, repeat(-1)), np.int64, len(user_ids))
        rows[rows >= live.published_rows] = -1
        # Take is ten times as fast as an index of rows.
        words = live.memberships.words.take(rows, axis=0)
        horizons = live.memberships.horizons.take(rows)
        catalogue, revision, at = live.catalogue, live.revision, live.present(now)
        foreseen = live.memberships.foreseen  # larger arrays may take its place at any moment
        if foreseen is not None:
            foreseen.lay_over(rows, words, horizons, at)
    known = rows >= 0
    if not known.all():
        words[~known] = 0
        horizons[~known] = FOREVER
    return Seen(catalogue, revision, at, rows, known, words, horizons)


def judge_overdue(live: Live, seen: Seen) -> Seen:
    """The same with every overdue user judged at the instant of `seen`; on the engine's thread only."""
    overdue = np.flatnonzero(seen.overdue)
    if not len(overdue):
        return seen
    rows = seen.rows[overdue]
    at = np.full(len(rows), seen.at, dtype=np.int64)
    if len(rows) <= FEW:
        return _judge_few(live, seen, overdue, at)
    words, horizons = seen.words[overdue], np.full(len(rows), FOREVER, dtype=np.int64)
    judging = Pass(live.users.view(rows, at), at, StoredVerdicts(words, horizons))
    for plan in seen.catalogue.plans:
        if plan.clock:
            try:
                verdict = judging.verdict(plan)
            except EvaluationFailed as error:
                seen.failed[id(plan)] = error
                continue
            set_bits(words, plan.slot, verdict.member)
            horizons = np.minimum(horizons, verdict.holds_until)
    seen.words[overdue], seen.horizons[overdue] = words, horizons
    return seen


def _judge_few(live: Live, seen: Seen, overdue: Rows, at: Instants) -> Seen:
    """The same one by one."""
    few = FewRows(live.users.view(seen.rows[overdue], at), seen.words[overdue], np.full_like(at, FOREVER))
    horizons: list[int] = [FOREVER] * len(at)
    for plan, verdicts in few.judge(plan for plan in seen.catalogue.plans if plan.clock):
        if isinstance(verdicts, EvaluationFailed):
            seen.failed[id(plan)] = verdicts
            continue
        few.store(plan, verdicts)
        horizons = [min(*pair) for pair in zip(horizons, (until for _, until in verdicts), strict=True)]
    seen.words[overdue], seen.horizons[overdue] = few.words, horizons
    return seen


def active_plan(catalogue: Catalogue, segment_id: str) -> Plan:
    """The plan of an active segment. Raises NotFound, or FailedPrecondition with its state."""
    entry = catalogue.entries.get(segment_id)
    if entry is None:
        raise unknown_segment(segment_id)
    if entry.plan is None:
        raise inactive(segment_id, entry)
    return entry.plan


def unknown_segment(segment_id: str) -> NotFound:
    """The error for an id that no segment has."""
    return NotFound(Reason.SEGMENT_NOT_FOUND, f"there is no segment {segment_id!r}", {"segment_id": segment_id})


def inactive(segment_id: str, entry: Entry) -> SegmentdError:
    """The error that a segment answers with while it is not active."""
    reason = {
        State.PENDING: Reason.SEGMENT_PENDING,
        State.ARCHIVED: Reason.SEGMENT_ARCHIVED,
    }.get(entry.state, Reason.SEGMENT_FAILED)
    why = f": {entry.reason}" if entry.reason else ""
    return FailedPrecondition(reason, f"segment {segment_id} is {entry.state}{why}", {"segment_id": segment_id})
