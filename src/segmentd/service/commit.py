"""The atomic step: one instant, deadlines before it on the old data, one pass, one transaction, one revision."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from segmentd.engine.catalogue import Catalogue, State
from segmentd.engine.compile import check_kinds
from segmentd.engine.judging import EvaluationFailed
from segmentd.engine.memberships import Rows
from segmentd.engine.reevaluate import Work, reevaluate, walk_deadlines
from segmentd.engine.stage import Movements, Stage, in_order
from segmentd.errors import InvalidInput, SegmentdError, StorageFailed
from segmentd.records import MoveBatch
from segmentd.service.affected import Affected
from segmentd.service.change import Change
from segmentd.service.due_moves import DueMoves
from segmentd.service.live import Live
from segmentd.service.tail import Tail
from segmentd.service.written import Cause, Written
from segmentd.storage import Store
from segmentd.times import DAY, Clock, Micros

_log = logging.getLogger(__name__)
WAVE: Final = 32_768
"""About how many rows one commit walks. A larger wave of deadlines is several commits, cut between two instants where
that is possible, else between two users at one instant."""
WAVE_DAYS: Final = 100_000
"""And how many days of one row, so that a jump of years does not gather the moves of years in one commit."""


class Wave(NamedTuple):
    """The rows that one commit walks, the instant up to which it does, and where it ends inside of that instant.

    `walked_key`: of the users whose deadline is at `until`, only those up to this key are among `rows`; None: all are.
    """

    rows: Rows
    until: int
    walked_key: int | None = None


class Committer:
    """Makes commits on live data; used by the engine's thread alone."""

    def __init__(self, live: Live, store: Store, clock: Clock, tail: Tail, due_moves: DueMoves) -> None:
        self._live = live
        self._store = store
        self._clock = clock
        self._tail = tail
        self._due_moves = due_moves

    def next_instant(self) -> Micros:
        """The instant of the commit that follows at once: the clock's, and later than the last one.

        A wave of deadlines too large to ride along is walked before, in commits of its own. Raises as `step`.
        """
        instant = self._instant()
        rows = self._live.memberships.due(instant)
        if len(rows) and self._wave(rows, instant).until < instant:
            self.catch_up(instant)
        return self._instant()

    def catch_up(self, now: Micros) -> None:
        """Walk all deadlines at or before `now`, in as many commits as the wave needs. Raises as `step`."""
        while self.step(now):
            pass

    def step(self, now: Micros) -> bool:
        """Walk the deadlines at or before `now` as far as one commit goes; False where none was due.

        Raises MovesWait where that cannot be recorded, StorageFailed where memory is to be loaded anew.
        """
        memberships = self._live.memberships
        if memberships.next_deadline() > now:
            return False
        rows = memberships.due(now)
        if len(rows):
            self._walk(self._wave(rows, now))
        return bool(len(rows))

    def commit(self, change: Change, instant: Micros, replaced: frozenset[str] = frozenset()) -> int:
        """Make one revision of a change at an instant from `next_instant`; returns the revision.

        The plans of the segments `replaced` end with it: at its instant only their successors are judged.
        """
        work = self._begin()
        walk_deadlines(work, self._live.memberships.due(instant), instant)
        with self._live.writing:
            self._live.ahead = True
            try:
                revision = self._make(work, change, instant, replaced)
            except SegmentdError as error:
                self._live.ahead = isinstance(error, StorageFailed)  # a refusal changed nothing
                raise
            self._live.ahead = False
        return revision

    def _make(self, work: Work, change: Change, instant: Micros, replaced: frozenset[str]) -> int:
        revision = self._live.revision + 1
        with self._store.transaction():
            written = change.write(self._store, instant)
            self._recheck(work, written)
            self._judge(work, written, instant, replaced)
            recorded = self._advance(revision, instant)
            self._record(work, written, revision, instant)
            catalogue = self._without_failed(work)
            change.judged(self._store, work.stage, revision, instant)
        self._publish(work, lambda: change.published(catalogue), revision, instant)
        self._tell(revision, recorded)
        return revision

    def _wave(self, rows: Rows, now: Micros) -> Wave:
        """What one commit walks of the due rows."""
        horizons = self._live.memberships.horizons[rows]
        if len(rows) <= WAVE:
            until = min(now, int(horizons.min()) + WAVE_DAYS * DAY // len(rows))
            return Wave(rows[horizons <= until], until)
        until = int(np.partition(horizons, WAVE - 1)[WAVE - 1])
        chosen = rows[horizons <= until]
        if len(chosen) <= 2 * WAVE:
            return Wave(chosen, until)
        earlier = rows[horizons < until]
        if len(earlier):
            return Wave(earlier, until - 1)
        # So many at one instant: users do not depend on each other, so the instant may be cut between two of them.
        return Wave(chosen[:WAVE], until, self._live.user_key(int(chosen[WAVE - 1])))

    def _instant(self) -> Micros:
        return max(self._clock.now(), Micros(self._live.instant + 1))

    def _begin(self) -> Work:
        live = self._live
        stage = Stage(live.memberships)
        return Work(live.users, live.catalogue.plans, live.shadows, stage)

    def _walk(self, wave: Wave) -> None:
        """Walk these rows as a commit of its own, at the instant up to which it goes, where anything moved.

        A restart takes the last commit's instant for one up to which all deadlines were walked, or those of the users
        up to `walked_key`; so no later instant will do.
        """
        work = self._begin()
        walk_deadlines(work, wave.rows, wave.until + 1)
        live = self._live
        if not work.stage.moves and not work.failed:
            self._publish(work, lambda: live.catalogue, live.revision, live.instant)
            return
        instant, revision = Micros(wave.until), live.revision + 1
        try:
            with self._store.transaction():
                recorded = self._advance(revision, instant, wave.walked_key)
                self._record(work, Written(), revision, instant)
                catalogue = self._without_failed(work)
        except StorageFailed as error:
            raise self._due_moves.put_off(error) from error
        self._publish(work, lambda: catalogue, revision, instant)
        self._tell(revision, recorded)

    def _tell(self, revision: int, recorded: Micros) -> None:
        """Tell whoever waits for moves of a commit that is published."""
        self._tail.append(revision, recorded, self._store.take_appended())
        self._due_moves.recorded()

    def _advance(self, revision: int, instant: Micros, walked_key: int | None = None) -> Micros:
        """Record the commit; gives when, by the clock."""
        self._store.take_appended()  # what a failed commit left
        recorded = self._clock.now()
        self._store.advance(revision, instant, recorded, walked_key)
        return recorded

    def _recheck(self, work: Work, written: Written) -> None:
        """A kind that became known can show that a condition never could apply: its segment fails, and says so."""
        names = {name for _, name in written.kinds}
        for plan in self._live.catalogue.plans if names else ():
            properties = frozenset[str]().union(*plan.events.values())
            if names & (plan.attributes | properties):
                entry = self._live.catalogue.entries[plan.segment_id]
                try:
                    check_kinds(entry.definition.rule, self._live.schema)
                except InvalidInput as error:
                    work.failed[id(plan)] = EvaluationFailed(plan, error)
        _fail_dependants(work)

    def _judge(self, work: Work, written: Written, instant: Micros, replaced: frozenset[str]) -> None:
        """One pass at the instant: new rows for all plans, due rows for timed ones, written rows for readers."""
        live = self._live
        everything = [plan for plan in live.catalogue.plans if plan.segment_id not in replaced] + live.shadows
        affected = Affected.by(everything, written)
        due = live.memberships.due(instant)
        _, horizons = work.stage.read(due)
        due, new = due[horizons <= instant], written.new_rows()
        chosen = {id(plan) for each in affected for plan in each.plans}
        timed = [plan for plan in everything if plan.clock or id(plan) in chosen]
        # A row that is new or due is judged for more; of the others each for those that read what it wrote.
        judged = np.union1d(new, due)
        for rows, plans, afresh in (
            (new, everything, True),
            (_without(due, new), timed, True),
            *((_without(each.rows(written), judged), each.plans, False) for each in affected),
        ):
            reevaluate(work, plans, rows, np.full(len(rows), instant, dtype=np.int64), afresh=afresh)

    def _record(self, work: Work, written: Written, revision: int, instant: Micros) -> None:
        movements = in_order(work.stage.moves)
        if len(movements.rows):
            self._store.append_moves(revision, self._batch(movements, written, instant))

    def _batch(self, movements: Movements, written: Written, instant: Micros) -> MoveBatch:
        plans, owners, size = movements.plans, movements.owners, len(movements.rows)
        batch = MoveBatch(
            np.array([plan.segment_key for plan in plans], dtype=np.int64)[owners],
            np.array([plan.version for plan in plans], dtype=np.int64)[owners],
            self._live.user_keys(movements.rows),
            movements.entered,
            movements.at,
            [str(Cause.TIME)] * size,
            [None] * size,
        )
        if not written:  # as in a wave, where all moves may be at its instant
            return batch
        places = np.flatnonzero(movements.at == instant)
        owned = [plans[owner] for owner in owners[places].tolist()]
        causes = written.causes(movements.rows[places], owned)
        for place, (cause, message_id) in zip(places.tolist(), causes, strict=True):
            batch.causes[place], batch.message_ids[place] = cause, message_id
        return batch

    def _without_failed(self, work: Work) -> Catalogue:
        """Note segments that could not be judged; from this revision on they answer with the reason."""
        live = self._live
        _fail_dependants(work)
        live.shadow_failures.update(
            {id(plan): work.failed[id(plan)] for plan in live.shadows if id(plan) in work.failed}
        )
        failed = {plan.segment_id: work.failed[id(plan)] for plan in live.catalogue.plans if id(plan) in work.failed}
        return fail_segments(self._store, live.catalogue, failed)

    def _publish(self, work: Work, catalogue: Callable[[], Catalogue], revision: int, instant: Micros) -> None:
        live = self._live
        live.publication.prepare(live)
        with live.lock, live.publication:
            work.stage.publish(len(live.users))
            failed = [plan for plan in live.catalogue.plans if id(plan) in work.failed]
            before, live.catalogue = live.catalogue, catalogue()
            if live.catalogue is not before:
                live.memberships.foreseen = None  # it was worked out with other plans
            for plan in failed:
                live.memberships.release(plan.slot)
            live.published_rows = len(live.users)
            live.revision, live.instant = revision, instant
        live.memberships.sweep()
        for plan in failed:
            tell_failed(plan.segment_id, work.failed[id(plan)].message)


def _without(rows: Rows, others: Rows) -> Rows:
    """Those of the rows that are not among the others; both sorted and unique."""
    return np.setdiff1d(rows, others, assume_unique=True) if len(others) else rows


def _fail_dependants(work: Work) -> None:
    for plan in (*work.plans, *work.shadows):
        for target in plan.references:
            if id(target) in work.failed:
                work.failed.setdefault(id(plan), EvaluationFailed(plan, work.failed[id(target)]))


def tell_failed(name: str, reason: str) -> None:
    """Log that a segment answers no more; to be called once, when that begins."""
    _log.error("segment %s is failed: %s", name, reason)


def fail_segments(store: Store, catalogue: Catalogue, failed: dict[str, EvaluationFailed]) -> Catalogue:
    """The catalogue with these segments failed, each with its reason; recorded in the open transaction."""
    if not failed:
        return catalogue
    changed = {}
    for name, error in failed.items():
        entry = catalogue.entries[name]
        changed[name] = replace(entry, state=State.FAILED, reason=error.message, plan=None)
        definition = entry.definition
        store.set_segment_state(definition.segment_key, definition.version, State.FAILED, error.message)
    return catalogue.with_entries(changed)
