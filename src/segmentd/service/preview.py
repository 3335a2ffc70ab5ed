"""What an edit would change: judged aside for all users, then thrown away."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmentd.engine.catalogue import Entry, State
from segmentd.engine.judging import EvaluationFailed, Pass
from segmentd.engine.plan import Fitted
from segmentd.population.dataset import Dataset
from segmentd.service.aside import Aside, Edit
from segmentd.service.commit import Committer
from segmentd.service.live import Live
from segmentd.service.segment_info import SegmentInfo
from segmentd.storage import Store
from segmentd.times import Clock, Micros


@dataclass(frozen=True, slots=True)
class Change:
    """What an edit would do to one segment.

    `size` is the number of members after it, None where the segment would not answer; then nobody moves. The samples
    are the first of those who would move, by the order in which they became known.
    """

    segment_id: str
    state: State
    reason: str
    models: tuple[Fitted, ...]
    size: int | None
    entering: int = 0
    leaving: int = 0
    entering_sample: tuple[str, ...] = ()
    leaving_sample: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """What an edit would do, as of a revision and an instant: to its own segments and to all that refer to them.

    `new_users` are those who are not known and would be created, because a definition includes them.
    """

    changes: tuple[Change, ...]
    infos: Mapping[str, SegmentInfo]
    new_users: int
    revision: int
    at: Micros


class Trial:
    """One edit from its start to its preview. `run` is stepped by the engine's thread."""

    def __init__(
        self, live: Live, store: Store, clock: Clock, committer: Committer, edit: Edit, sample_size: int
    ) -> None:
        self._live = live
        self._clock = clock
        self._committer = committer
        self._aside = Aside(live, store, clock, committer, edit)
        self._sample_size = sample_size
        self._infos = edit.infos

    def run(self) -> Generator[None, None, Preview]:
        """Judge aside, one chunk a step, compare, and leave everything as it was."""
        try:
            yield from self._aside.judge()
            return self._compare()
        finally:
            self._aside.abandon()

    def _compare(self) -> Preview:
        """At the present, with all moves made that are due."""
        live = self._live
        self._committer.catch_up(live.present(self._clock.now()))
        at = live.present(self._clock.now())
        included = {user for info in self._infos.values() for user in info.spec.include}
        newcomers = sorted(included - live.users.index.keys())
        members = self._newcomers(newcomers, at)
        self._aside.mark_failed()
        changes = tuple(self._change(name, newcomers, members) for name in self._aside.names)
        return Preview(changes, self._infos, len(newcomers), live.revision, at)

    def _newcomers(self, newcomers: Sequence[str], at: Micros) -> dict[str, NDArray[np.bool_]]:
        """Which of the users who would be created would be members of each segment, bool (newcomers,)."""
        users = Dataset()
        for user in newcomers:
            users.add_user(user)
        view = users.everyone(at)
        judging = Pass(view, view.at)
        members: dict[str, NDArray[np.bool_]] = {}
        for name, entry in self._aside.bound.items():
            if entry.plan is None:
                continue
            try:
                members[name] = judging.verdict(entry.plan).member
            except EvaluationFailed as error:
                self._live.shadow_failures.setdefault(id(entry.plan), error)
        return members

    def _change(self, name: str, newcomers: Sequence[str], members: dict[str, NDArray[np.bool_]]) -> Change:
        entry = self._aside.bound[name]
        if entry.plan is None:
            return Change(name, entry.state, entry.reason, (), None)
        live = self._live
        rows = slice(0, len(live.users))
        new = live.memberships.bits(entry.plan.slot, rows)
        old = self._old(live.catalogue.entries.get(name), name, rows)
        ids = live.users.user_ids
        entering, leaving = np.flatnonzero(new & ~old), np.flatnonzero(old & ~new)
        created = [newcomers[place] for place in np.flatnonzero(members[name]).tolist()]
        sample = [*(ids[row] for row in entering[: self._sample_size].tolist()), *created]
        return Change(
            name,
            entry.state,
            entry.reason,
            entry.plan.all_models,
            int(np.count_nonzero(new)) + len(created),
            len(entering) + len(created),
            len(leaving),
            tuple(sample[: self._sample_size]),
            tuple(ids[row] for row in leaving[: self._sample_size].tolist()),
        )

    def _old(self, entry: Entry | None, name: str, rows: slice) -> NDArray[np.bool_]:
        if entry is not None and entry.plan is not None:
            return self._live.memberships.bits(entry.plan.slot, rows)
        return self._aside.logged_members(name)
