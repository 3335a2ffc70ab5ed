"""Faults planted in writes, commits, edits and starts."""

from __future__ import annotations

from typing import Final

from tests.engine.mutant import Mutant

SERVICE: Final = (
    Mutant(
        "service/ingest.py",
        "return now if time is None or now < time <= now + CLOCK_SKEW else time",
        "return now if time is None or now < time < now + CLOCK_SKEW else time",
        "five minutes ahead are no skew any more",
    ),
    Mutant(
        "service/ingest.py",
        "return now if time is None or now < time <= now + CLOCK_SKEW else time",
        "return now if time is None else time",
        "a clock that is a little ahead makes events of the future",
    ),
    Mutant(
        "service/ingest.py",
        "            return _repeated(message_id, self._digests(item, digest), self._messages[message_id])",
        "            pass",
        "a repeated message is stored again",
    ),
    Mutant(
        "service/ingest.py",
        "written.row(live.add_user(user_id, key)).new = True",
        "written.row(live.add_user(user_id, key))",
        "a new user is judged only for what was written",
    ),
    Mutant(
        "service/ingest.py",
        "self._types.settle(kept=False)",
        "self._types.settle(kept=True)",
        "a refused item decides kinds",
    ),
    Mutant(
        "service/commit.py",
        "return max(self._clock.now(), Micros(self._live.instant + 1))",
        "return max(self._clock.now(), self._live.instant)",
        "two commits have one instant",
    ),
    Mutant(
        "service/commit.py",
        "        walk_deadlines(work, self._live.memberships.due(instant), instant)\n",
        "",
        "a commit does not meet the deadlines before it",
    ),
    Mutant(
        "service/commit.py",
        "(_without(due, new), timed, True),",
        "(_without(due, new), [plan for each in affected for plan in each.plans], True),",
        "a write at a deadline's instant hides the deadline",
    ),
    Mutant(
        "service/commit.py",
        "timed = [plan for plan in everything if plan.clock or id(plan) in chosen]",
        "timed = [plan for plan in everything if plan.clock]",
        "a row that is due is not judged for what was written about it",
    ),
    Mutant(
        "service/commit.py",
        "instant, revision = Micros(wave.until), live.revision + 1",
        "instant, revision = max(Micros(wave.until), self._instant()), live.revision + 1",
        "a wave is committed as if all deadlines before the clock were met",
    ),
    Mutant(
        "service/commit.py",
        "walk_deadlines(work, wave.rows, wave.until + 1)",
        "walk_deadlines(work, wave.rows, wave.until)",
        "the last instant of a walk is left out",
    ),
    Mutant(
        "service/commit.py",
        "places = np.flatnonzero(movements.at == instant)",
        "places = np.arange(size)",
        "what time did before a write is put down to the write",
    ),
    Mutant(
        "service/commit.py",
        "catalogue = self._without_failed(work)\n            change.judged(self._store, work.stage, revision, instant)",
        "change.judged(self._store, work.stage, revision, instant)\n            catalogue = self._without_failed(work)",
        "what fails in the pass of a switch is served",
    ),
    Mutant(
        "service/commit.py",
        "if plan.segment_id not in replaced]",
        "]",
        "the old version moves users at the instant at which it ends",
    ),
    Mutant(
        "service/commit.py",
        "            change.judged(self._store, work.stage, revision, instant)\n        self._publish(",
        "            change.judged(self._store, work.stage, revision, instant)\n            self._publish(",
        "bits are published before COMMIT",
    ),
    Mutant(
        "service/commit.py",
        "        for target in plan.references:\n            if id(target) in work.failed:",
        "        for target in plan.references:\n            if id(target) in ():",
        "dependants of a failed segment go on",
    ),
    Mutant(
        "service/aside.py",
        "self.names = self._candidate.dependants([*edit.entries, *edit.again])",
        "self.names = [*edit.entries, *edit.again]",
        "dependants are not switched with an edit",
    ),
    Mutant(
        "service/switch.py",
        "entered=live.user_keys(np.flatnonzero(new_bits & ~old_bits)),",
        "entered=live.user_keys(np.flatnonzero(new_bits)),",
        "members of both versions enter again",
    ),
    Mutant(
        "service/aside.py",
        "if self._live.memberships is not self._memberships:",
        "if False:",
        "an edit outlives a start from disk, with slots that are others' now",
    ),
    Mutant(
        "service/event_loading.py",
        "(*needed, *(plan.events for plan in live.shadows))",
        "needed",
        "a question takes away the events of an edit under way",
    ),
    Mutant(
        "service/loading.py",
        "state is State.ACTIVE and same",
        "state is State.ACTIVE",
        "a type whose version grew is not judged anew",
    ),
    Mutant(
        "service/loading.py",
        "live.revision, live.instant = state.revision, state.instant",
        "live.revision = state.revision",
        "a restart forgets the last instant",
    ),
    Mutant(
        "service/seen.py",
        "return self.horizons <= self.at",
        "return self.horizons < self.at",
        "a reader trusts the bits at the horizon itself",
    ),
    Mutant(
        "service/seen.py",
        "rows[rows >= live.published_rows] = -1",
        "pass",
        "a reader sees users of a commit that is still open",
    ),
    Mutant(
        "service/affected.py",
        "return [cls(*reads, found[reads]) for reads in sorted(found, key=lambda each: sum(map(len, each)))]",
        "return [cls(*reads, found[reads]) for reads in sorted(found, key=lambda each: -sum(map(len, each)))]",
        "who refers to a segment is judged before it",
    ),
    Mutant(
        "service/affected.py",
        "return written.rows_of(self.attributes, self.events)",
        "return written.rows_of(self.attributes, frozenset([*self.events][:1]))",
        "of the events that a segment reads, one name is news",
    ),
    Mutant(
        "service/written.py",
        "if name in plan.events:",
        "if True:",
        "an event is the cause of what it does not concern",
    ),
    Mutant(
        "service/commit.py",
        "        self._store.take_appended()  # what a failed commit left\n",
        "",
        "watchers are told of the moves of a commit that failed",
    ),
    Mutant(
        "service/commit.py",
        "            raise self._due_moves.put_off(error) from error\n",
        "            raise\n",
        "a wave that cannot be recorded does not wait",
    ),
    Mutant(
        "service/commit.py",
        "        self._due_moves.recorded()\n",
        "",
        "the wait of moves does not end with a commit that succeeds",
    ),
    Mutant(
        "service/due_moves.py",
        "        if self._store.state().revision != self._live.revision:\n            raise error\n",
        "",
        "a commit that is in the database although it failed is made again",
    ),
    Mutant(
        "service/due_moves.py",
        "        if not self.wait():\n",
        "        if True:\n",
        "each question makes the wait of moves longer",
    ),
    Mutant(
        "service/loading.py",
        "bound[name] = entry if failed else Entry",
        "bound[name] = Entry",
        "a failed segment waits to be judged after a start from disk that found no room",
    ),
)
