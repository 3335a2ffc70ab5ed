"""Looking up memberships: which segments is this user in, right now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, TypeVar

import numpy as np

from segmentd.engine.explain import Explainer, Explanation
from segmentd.engine.one_pass import one_by_one
from segmentd.engine.plan import Fitted, Plan
from segmentd.errors import SegmentdError
from segmentd.service.engine import Engine
from segmentd.service.seen import Seen, active_plan, inactive, judge_overdue, see
from segmentd.service.segment_info import SegmentSpec
from segmentd.times import FOREVER, Instants, Micros

T = TypeVar("T")
MAX_LOOKAHEAD: Final = 256
"""How many successive horizons are judged in the search for the end of a membership."""


class Check(NamedTuple):
    """One answer, and the models by which it was judged. `holds_until` may be early, never late."""

    member: bool
    revision: int
    at: Micros
    holds_until: Micros
    user_known: bool
    models: tuple[Fitted, ...] = ()


@dataclass(frozen=True, slots=True)
class Leaves:
    """When a membership ends if nothing is written; `at_least` where the search was cut off there."""

    time: Micros
    at_least: bool = False


@dataclass(frozen=True, slots=True)
class UserSegments:
    """The segments that one user is in, and those without an answer."""

    seen: Seen
    members: list[tuple[Plan, SegmentSpec]]
    errors: dict[str, SegmentdError]
    leaves: Mapping[str, Leaves]
    more: bool = False
    """Whether there are others beyond the last of `members`."""


@dataclass(frozen=True, slots=True)
class MembersPage:
    """Some members of a segment, by surrogate key; behind `after` the next page begins, None on the last one."""

    user_ids: list[str]
    total: int
    revision: int
    at: Micros
    after: int | None


@dataclass(frozen=True, slots=True)
class Explained:
    """Why one user is a member or not; no tree for a user nobody has written about."""

    check: Check
    version: int
    tree: Explanation | None
    leaves: Leaves | None


class Memberships:
    """Questions about memberships. Answers come from published bits; what is overdue is judged on the spot."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._live = engine.live
        self._clock = engine.clock

    @property
    def revision(self) -> int:
        """The newest published revision."""
        return self._live.revision

    async def at_least(self, min_revision: int) -> None:
        """Wait until a revision is published."""
        if not self._engine.revisions.reached(min_revision):
            await asyncio.wrap_future(self._engine.revisions.wait(min_revision))

    async def check(self, user_id: str, segment_id: str) -> Check:
        """Whether one user is in one segment."""
        live = self._live
        now = self._clock.now()
        with live.lock:
            plan = active_plan(live.catalogue, segment_id)
            at = live.present(now)
            row = live.users.index.get(user_id, -1)
            if not 0 <= row < live.published_rows:
                return Check(False, live.revision, at, FOREVER, user_known=False)
            horizon = int(live.memberships.horizons[row])
            if at < horizon:
                member = live.memberships.bit(plan.slot, row)
                holds_until = Micros(horizon) if plan.clock else FOREVER
                return Check(member, live.revision, at, holds_until, user_known=True, models=plan.all_models)
        return _check(await self.see([user_id]), segment_id)

    async def see(self, user_ids: Sequence[str]) -> Seen:
        """All memberships of several users at one instant."""
        seen = see(self._live, user_ids, self._clock.now())
        if not seen.overdue.any():
            return seen
        # Off the engine's thread, which may be busy with the deadlines of a million others.
        judged = await asyncio.to_thread(self._judge_aside, user_ids)
        return judged if judged is not None else await self._on_engine(lambda: self._see_exactly(user_ids))

    async def user_segments(
        self, user_id: str, labels: Mapping[str, str], after: str, limit: int, *, with_leaves: bool
    ) -> UserSegments:
        """At most `limit` segments with these labels that one user is in, by id, those beyond `after`.

        Errors stand in the same range of ids: up to the last segment listed, and on the last page all.
        """
        if with_leaves:
            return await self._on_engine(lambda: self._user_segments_with_leaves(user_id, labels, after, limit))
        return self._listed(await self.see([user_id]), labels, after, limit)

    async def members(self, segment_id: str, after: int, limit: int) -> MembersPage:
        """At most `limit` members of a segment whose surrogate key is beyond `after`, and how many there are."""
        return await self._on_engine(lambda: self._members(segment_id, after, limit))

    async def explain(self, user_id: str, segment_id: str, *, with_leaves: bool) -> Explained:
        """Why one user is in one segment or not."""
        return await self._on_engine(lambda: self._explain(user_id, segment_id, with_leaves))

    def size(self, segment_id: str) -> int:
        """The stored number of members of an active segment; moves due this moment may be outstanding."""
        with self._live.lock:
            plan = active_plan(self._live.catalogue, segment_id)
            return int(self._live.memberships.counts[plan.slot])

    async def _on_engine(self, run: Callable[[], T]) -> T:
        return await asyncio.wrap_future(self._engine.thread.call(run))

    def _judge_aside(self, user_ids: Sequence[str]) -> Seen | None:
        """`_see_exactly` on any thread; None where the columns are ahead of what is published."""
        with self._live.writing:
            return None if self._live.ahead else self._see_exactly(user_ids)

    def _see_exactly(self, user_ids: Sequence[str]) -> Seen:
        return judge_overdue(self._live, see(self._live, user_ids, self._clock.now()))

    def _user_segments_with_leaves(
        self, user_id: str, labels: Mapping[str, str], after: str, limit: int
    ) -> UserSegments:
        seen = self._see_exactly([user_id])
        listed = self._listed(seen, labels, after, limit)
        return replace(listed, leaves={plan.segment_id: self._leaves(seen, plan) for plan, _ in listed.members})

    def _listed(self, seen: Seen, labels: Mapping[str, str], after: str, limit: int) -> UserSegments:
        segments = self._live.segments  # they may be newer than what was seen

        def spec_of(name: str) -> SegmentSpec | None:
            info = segments.get(name)
            return None if info is None else info.spec

        return list_segments(seen, spec_of, labels, after, limit)

    def _members(self, segment_id: str, after: int, limit: int) -> MembersPage:
        live = self._live
        at = self._engine.tick()
        plan = active_plan(live.catalogue, segment_id)
        rows = np.flatnonzero(live.memberships.bits(plan.slot, slice(0, len(live.users))))
        keys = live.user_keys(rows)  # unlike rows, they are the same after a restart
        start = int(np.searchsorted(keys, after, side="right"))
        page = rows[start : start + limit]
        more = start + limit < len(rows)
        ids = [live.users.user_ids[row] for row in page.tolist()]
        return MembersPage(ids, len(rows), live.revision, at, live.user_key(int(page[-1])) if more else None)

    def _explain(self, user_id: str, segment_id: str, with_leaves: bool) -> Explained:
        seen = self._see_exactly([user_id])
        plan = active_plan(seen.catalogue, segment_id)
        check = _check(seen, segment_id)
        if not check.user_known:
            return Explained(check, plan.version, None, None)
        at = np.array([seen.at], dtype=np.int64)
        tree = Explainer(self._live.users.view(seen.rows, at), at).plan(plan)
        leaves = self._leaves(seen, plan) if with_leaves and check.member else None
        return Explained(check, plan.version, tree, leaves)

    def _leaves(self, seen: Seen, plan: Plan) -> Leaves:
        """Judge one member at successive horizons until it is none."""
        at: Instants = np.array([seen.at], dtype=np.int64)
        for _ in range(MAX_LOOKAHEAD):
            [user] = one_by_one(self._live.users.view(seen.rows, at))
            member, until = user.verdict(plan)
            if not member:
                return Leaves(Micros(int(at[0])))
            if until == FOREVER:
                return Leaves(FOREVER)
            at = np.array([until], dtype=np.int64)
        return Leaves(Micros(int(at[0])), at_least=True)


def _check(seen: Seen, segment_id: str) -> Check:
    plan = active_plan(seen.catalogue, segment_id)
    member = bool(seen.members(plan)[0])
    holds_until = Micros(int(seen.horizons[0])) if plan.clock else FOREVER
    return Check(member, seen.revision, seen.at, holds_until, bool(seen.known[0]), plan.all_models)


def list_segments(
    seen: Seen, spec_of: Callable[[str], SegmentSpec | None], labels: Mapping[str, str], after: str, limit: int
) -> UserSegments:
    """At most `limit` segments with these labels that the only user of `seen` is in, by id, those beyond `after`."""
    members: list[tuple[Plan, SegmentSpec]] = []
    errors: dict[str, SegmentdError] = {}
    for name in sorted(seen.catalogue.entries):
        spec = spec_of(name) if name > after else None
        if spec is None or (labels and not labels.items() <= dict(spec.labels).items()):
            continue
        entry = seen.catalogue.entries[name]
        if entry.plan is None:
            if entry.state != "archived":
                errors[name] = inactive(name, entry)
            continue
        try:
            member = bool(seen.members(entry.plan)[0])
        except SegmentdError as error:
            errors[name] = error
            continue
        if member and len(members) == limit:
            errors = {name: error for name, error in errors.items() if name <= members[-1][0].segment_id}
            return UserSegments(seen, members, errors, {}, more=True)
        if member:
            members.append((entry.plan, spec))
    return UserSegments(seen, members, errors, {})
