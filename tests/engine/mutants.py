"""Faults planted in the engine, one at a time; the tests beside this file have to notice each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Mutant:
    """`file` below src/segmentd; `original` occurs in it exactly once, `planted` stands in its place."""

    file: str
    original: str
    planted: str
    why: str


MUTANTS: Final = (
    Mutant(
        "population/verdict.py",
        "earliest = np.minimum(self.holds_until, other.holds_until)",
        "earliest = np.maximum(self.holds_until, other.holds_until)",
        "a conjunction that is true is trusted until the last of its ends",
    ),
    Mutant(
        "population/verdict.py",
        "_unless(self.member, self.holds_until), _unless(other.member, other.holds_until)",
        "_unless(other.member, self.holds_until), _unless(self.member, other.holds_until)",
        "a false conjunction is trusted as long as its true operand",
    ),
    Mutant(
        "population/verdict.py",
        "return Verdict(~self.member, self.holds_until)",
        "return Verdict(~self.member, np.full_like(self.holds_until, FOREVER))",
        "NOT forgets until when it holds",
    ),
    Mutant(
        "population/views.py",
        "hidden = times > (at[0] if at.strides == (0,) else np.repeat(at, np.diff(offsets)))",
        "hidden = times >= (at[0] if at.strides == (0,) else np.repeat(at, np.diff(offsets)))",
        "an event at the instant itself is hidden",
    ),
    Mutant(
        "population/views.py",
        "np.minimum.at(self.first_hidden, rows[hidden], times[hidden])",
        "np.maximum.at(self.first_hidden, rows[hidden], times[hidden])",
        "nobody notes when a hidden event appears",
    ),
    Mutant(
        "population/event_table.py",
        'np.searchsorted(self._times[start : start + length], time, side="right"))',
        "length)",
        "events stand in order of arrival instead of time",
    ),
    Mutant(
        "population/event_table.py",
        "data[new : new + length] = data[old : old + length]",
        "data[new : new + length - 1] = data[old : old + length - 1]",
        "a row that moves to a larger room leaves its last event behind",
    ),
    Mutant(
        "engine/judging.py",
        "verdict = verdict.until(self._users.first_hidden(event))",
        "pass",
        "a hidden event does not cut the horizon",
    ),
    Mutant(
        "engine/judging.py",
        "for ids, member in ((plan.include, True), (plan.exclude, False)):",
        "for ids, member in ((plan.exclude, False), (plan.include, True)):",
        "include beats exclude",
    ),
    Mutant(
        "engine/judging.py",
        "return reduce(Verdict.__and__ if node.conjunction else Verdict.__or__, verdicts)",
        "return reduce(Verdict.__or__ if node.conjunction else Verdict.__or__, verdicts)",
        "`all` means `any`",
    ),
    Mutant(
        "engine/compile.py",
        "bool(clock),",
        "any(bool(reads.clock or reads.events) for reads in sources),",
        "a segment of segments does not depend on time",
    ),
    Mutant(
        "engine/compile.py",
        "*((plan.attributes, plan.events) for plan in binder.plans),",
        "*((plan.attributes, dict[str, frozenset[str]]()) for plan in binder.plans),",
        "dependants are not judged when an event comes",
    ),
    Mutant(
        "engine/compile.py",
        "(condition.key, model.version if model else 0)",
        "(condition.segment_type.name, model.version if model else 0)",
        "conditions of one type share one verdict",
    ),
    Mutant(
        "engine/reevaluate.py",
        "horizon = np.full(len(rows), FOREVER, dtype=np.int64) if afresh else horizons.copy()",
        "horizon = np.full(len(rows), FOREVER, dtype=np.int64)",
        "a write forgets the horizons of the segments that it does not touch",
    ),
    Mutant(
        "engine/reevaluate.py",
        "horizon = np.full(len(rows), FOREVER, dtype=np.int64) if afresh else horizons.copy()",
        "horizon = horizons.copy()",
        "a deadline that was met stays the horizon",
    ),
    Mutant(
        "engine/reevaluate.py",
        "np.minimum(horizon, verdict.holds_until, out=horizon)",
        "np.maximum(horizon, verdict.holds_until, out=horizon)",
        "the horizon of a row is the latest of its segments",
    ),
    Mutant(
        "engine/reevaluate.py",
        "due = horizons < before",
        "due = horizons <= before",
        "deadlines at the instant of a commit are met on the old data",
    ),
    Mutant(
        "engine/reevaluate.py",
        "reevaluate(work, plans, rows, horizons[due], afresh=True)",
        "reevaluate(work, plans, rows, np.full(len(rows), before - 1), afresh=True)",
        "deadlines are judged at the end of the walk",
    ),
    Mutant(
        "engine/reevaluate.py",
        "if len(changed) and id(plan) not in shadows:",
        "if len(changed):",
        "what is judged aside is in the log before it is served",
    ),
    Mutant(
        "engine/reevaluate.py",
        "member = _bits(self._words, plan.slot)",
        "member = ~_bits(self._words, plan.slot)",
        "stored answers are taken the other way round",
    ),
    Mutant(
        "engine/reevaluate.py",
        "return [plan for plan in (*self.plans, *self.shadows) if plan.clock]",
        "return [plan for plan in self.plans if plan.clock]",
        "deadlines do not reach what is judged aside",
    ),
    Mutant(
        "engine/reevaluate.py",
        "horizon[place] = min(horizon[place], until)",
        "horizon[place] = max(horizon[place], until)",
        "one by one, the horizon of a row is the latest of its segments",
    ),
    Mutant(
        "engine/reevaluate.py",
        "horizon = [FOREVER] * len(rows) if afresh else horizons.tolist()",
        "horizon = [FOREVER] * len(rows)",
        "one by one, a write forgets the horizons of the segments that it does not touch",
    ),
    Mutant(
        "engine/one_plan.py",
        "until = min(until, events(user).first_hidden)",
        "pass",
        "one by one, a hidden event does not cut the horizon",
    ),
    Mutant(
        "engine/one_plan.py",
        "return verdict if plan.include.isdisjoint(ids) else ALWAYS",
        "return verdict",
        "one by one, nobody is included by name",
    ),
    Mutant(
        "engine/one_plan.py",
        "return NEVER if user.gone else verdict",
        "return verdict",
        "one by one, who was removed may be a member",
    ),
    Mutant(
        "engine/one_pass.py",
        "self.rows[place].turn(slot)",
        "pass",
        "one by one, a bit that changed is not stored",
    ),
    Mutant(
        "population/one_verdict.py",
        "return deciding, latest",
        "return deciding, earliest",
        "one by one, a decided answer is trusted as long as the operands that do not decide",
    ),
    Mutant(
        "engine/stage.py",
        "sequence = np.lexsort((rows, entered, order, at))",
        "sequence = np.lexsort((rows, entered, at, order))",
        "transitions are ordered by segment before instant",
    ),
    Mutant(
        "engine/stage.py",
        "sequence = np.lexsort((rows, entered, order, at))",
        "sequence = np.lexsort((order, entered, rows, at))",
        "transitions of one instant are ordered by row before segment",
    ),
    Mutant(
        "engine/stage.py",
        "words[staged] = self._words[places[staged]]",
        "pass",
        "the second judgement of a commit begins with the bits before the first",
    ),
    Mutant(
        "engine/memberships.py",
        "return self._free.pop()",
        "return self._free[-1]",
        "two segments share a slot",
    ),
    Mutant(
        "engine/memberships.py",
        "found.append(np.flatnonzero(self.horizons[start : start + BLOCK] <= limit) + start)",
        "found.append(np.flatnonzero(self.horizons[start : start + BLOCK] < limit) + start)",
        "a horizon that is due at the very instant is overlooked",
    ),
    Mutant(
        "engine/memberships.py",
        "np.minimum.at(self._minima, rows // BLOCK, horizons)",
        "pass",
        "a new horizon does not become the next deadline",
    ),
    Mutant(
        "engine/catalogue.py",
        "graph.add(name, *(target for target in targets if target in entries))",
        "graph.add(name)",
        "segments are judged in the order in which they were made",
    ),
    Mutant(
        "engine/models.py",
        "max(1, 2 * self.latest[key].model.size - last.size)",
        "max(1, 4 * self.latest[key].model.size - last.size)",
        "a model is refitted too late",
    ),
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
        "engine/settling.py",
        "memberships.lower_horizons(start, horizons)",
        "pass",
        "what is judged aside, or at a start, has no deadlines",
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
        "engine/settling.py",
        "horizons = verdict.holds_until if horizons is None else np.minimum(horizons, verdict.holds_until)",
        "horizons = verdict.holds_until",
        "of what is judged aside, or at a start, the last segment's deadlines count alone",
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
)
