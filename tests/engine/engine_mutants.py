"""Faults planted in judging, deadlines and stored memberships."""

from __future__ import annotations

from typing import Final

from tests.engine.mutant import Mutant

ENGINE: Final = (
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
        "for place, plan in enumerate(self.plans)}",
        "for place, plan in enumerate((*self.plans, *self.shadows))}",
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
        "engine/settling.py",
        "memberships.lower_horizons(start, horizons)",
        "pass",
        "what is judged aside, or at a start, has no deadlines",
    ),
    Mutant(
        "engine/settling.py",
        "horizons = verdict.holds_until if horizons is None else np.minimum(horizons, verdict.holds_until)",
        "horizons = verdict.holds_until",
        "of what is judged aside, or at a start, the last segment's deadlines count alone",
    ),
    Mutant(
        "engine/memberships.py",
        "            self.foreseen.horizons[rows] = NOTHING\n",
        "            pass\n",
        "what was foreseen outlives what is written about the user",
    ),
    Mutant(
        "engine/reevaluate.py",
        "    known = np.flatnonzero((horizons < before) & (later != NOTHING))\n",
        "    known = np.flatnonzero((horizons <= before) & (later != NOTHING))\n",
        "a deadline at the instant of a commit is met by what was foreseen without what the commit writes",
    ),
)
