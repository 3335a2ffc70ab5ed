"""Faults planted in what moves users otherwise than by writes and time; the state machine has to notice each."""

from __future__ import annotations

from typing import Final

from tests.engine.mutant import Mutant

MUTANTS: Final = (
    Mutant(
        "service/commit.py",
        "return Wave(chosen[:WAVE], until, self._live.user_key(int(chosen[WAVE - 1])))",
        "return Wave(chosen[:WAVE], until)",
        "a wave that is cut inside its instant is recorded as complete",
    ),
    Mutant(
        "service/commit.py",
        "return Wave(earlier, until - 1)",
        "return Wave(earlier, until)",
        "a wave that ends before an instant is recorded as of that instant",
    ),
    Mutant(
        "service/loading.py",
        "*_chunks(walked, len(live.users), Micros(live.instant - 1)),",
        "*_chunks(walked, len(live.users), live.instant),",
        "a restart takes a wave that was cut for complete",
    ),
    Mutant(
        "service/merging.py",
        "written.row(into).merged = True",
        "written.row(into)",
        "who absorbed somebody is not judged anew",
    ),
    Mutant(
        "service/merging.py",
        "written.row(row).removed = Cause.MERGE",
        "written.row(row).removed = Cause.ERASURE",
        "who is absorbed leaves for the wrong cause",
    ),
    Mutant(
        "service/merging.py",
        "store.append_transitions(revision, unanswered_moves(self._live, store, stage, keys, instant, Cause.MERGE))",
        "pass",
        "who is absorbed stays in segments that wait to be judged",
    ),
    Mutant(
        "service/merging.py",
        "live.users.set_attributes(into, dict.fromkeys(listed, (Kind.FLAG, 1)))",
        "pass",
        "lists of who is absorbed count for the survivor only after a restart",
    ),
    Mutant(
        "service/merging.py",
        "users.index.update(dict.fromkeys(ids, survivor))",
        "pass",
        "the id of who is absorbed does not lead to the survivor",
    ),
    Mutant(
        "storage/identity.py",
        '"UPDATE users SET survivor_key = ?2 WHERE user_key = ?1 OR survivor_key = ?1",',
        '"UPDATE users SET survivor_key = ?2 WHERE user_key = ?1",',
        "a chain of merges ends with its second link",
    ),
    Mutant(
        "population/dataset.py",
        "for each in (row, *self._other_rows.pop(row, ())):",
        "for each in (row,):",
        "ids that were merged into an erased user are not forgotten",
    ),
    Mutant(
        "service/erasing.py",
        "if (user, segment) not in told",
        "if True",
        "an erased user leaves twice",
    ),
    Mutant(
        "service/erasing.py",
        "for moved in _history(store, keys)",
        "for moved in ()",
        "who resumes is not told of segments that an erased user had left before",
    ),
    Mutant(
        "service/erasing.py",
        "                if (key, definition.segment_key) not in seats and store.member_at(",
        "                if False and store.member_at(",
        "who was in a segment since before the log began does not leave it by erasure",
    ),
    Mutant(
        "service/identity.py",
        "        engine.committer.catch_up(Micros(instant - 1))\n",
        "",
        "what an erased user did by time is logged behind the erasure",
    ),
    Mutant(
        "service/identity.py",
        "            engine.tail.clear()",
        "            pass",
        "erased users stay in memory",
    ),
    Mutant(
        "storage/forgetting.py",
        "            self._forget_in_baselines(key)\n",
        "",
        "erased users stay in baselines",
    ),
    Mutant(
        "storage/forgetting.py",
        "pack(rest), pack_gaps(missing)))",
        "pack(rest), None))",
        "an erasure shifts the positions of others",
    ),
    Mutant(
        "service/tail.py",
        "_replace(begin=self._begin_at(held, low), low=low)",
        "_replace(low=low)",
        "who falls behind the tail misses what was overwritten",
    ),
    Mutant(
        "service/tail.py",
        "return held.begin if low == held.low else self._columns.position(low - 1)",
        "return held.begin if low == held.low else self._columns.position(low)",
        "the first move of the tail is skipped at the seam",
    ),
    Mutant(
        "service/tail_columns.py",
        "((switch.left, 0), (switch.entered, 1))",
        "((switch.entered, 1), (switch.left, 0))",
        "memory and log order a switch differently",
    ),
    Mutant(
        "service/log_pages.py",
        "return moves, moves[-1].position if len(moves) == limit else max(after, published)",
        "return moves, max(after, published)",
        "a full page from the log passes over the rest of its revision",
    ),
    Mutant(
        "service/log_pages.py",
        "else max(after, published)",
        "else max(after, published._replace(revision=published.revision + 1))",
        "a reader at the end of the log passes over the next revision",
    ),
    Mutant(
        "storage/log_reads.py",
        "    if after < start.position:",
        "    if after < START:",
        "a position that was compacted away is resumed with a gap",
    ),
    Mutant(
        "storage/compaction.py",
        "end = min(ends, default=(until, END_OFFSET))",
        "end = max(ends, default=(until, END_OFFSET))",
        "compaction takes out what it has not folded in",
    ),
    Mutant(
        "storage/log.py",
        "            offset += len(keys)\n",
        "",
        "who entered in a switch takes the places of who left",
    ),
    Mutant(
        "service/watching.py",
        "position = Position(snapshot.revision, END_OFFSET)",
        "position = Position(snapshot.revision, -1)",
        "what a snapshot has is told again",
    ),
    Mutant(
        "service/list_change.py",
        "first_new = len(live.users)",
        "first_new = len(live.users) + 1",
        "a user who is made by a list is judged for it alone",
    ),
    Mutant(
        "service/switch.py",
        "old_bits = self._bits(old_plan, stage) if old_plan is not None else self._aside.logged_members(name)",
        "old_bits = self._bits(old_plan, stage)",
        "who was in a segment that could not be judged enters it again",
    ),
)
