"""Looking up memberships in a worker: what the engine published, as it would say it itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import time_ns

from segmentd.engine.catalogue import Catalogue, Entry, State
from segmentd.engine.compile import Definition
from segmentd.engine.plan import Fitted, Joint, Plan
from segmentd.engine.rule import AnyOf
from segmentd.mapping.elsewhere import Elsewhere, Why
from segmentd.mapping.hashing import Digest, default_digest
from segmentd.mapping.manifest import SegmentLine
from segmentd.mapping.reader import Reader
from segmentd.mapping.view import Bit, Interpreted
from segmentd.plugins.segment_type import Model
from segmentd.service.memberships import Check, UserSegments, list_segments
from segmentd.service.seen import Seen, active_plan
from segmentd.service.segment_info import SegmentSpec
from segmentd.times import Clock, Micros

__all__ = ["Elsewhere", "MappedMemberships", "Why"]

_NOTHING = Model({}, 0, {})
_RULE = AnyOf(())
_ROOT = Joint(conjunction=False, children=())


@dataclass(frozen=True, slots=True)
class _Known:
    """The segments of one generation: plans and rules are empty, for nobody is judged here."""

    catalogue: Catalogue
    specs: Mapping[str, SegmentSpec]


class MappedMemberships:
    """The questions of `service.memberships.Memberships` that stored bits answer; Elsewhere for all that they do not.

    One thread asks.
    """

    def __init__(self, directory: Path, clock: Clock | None = None, digest: Digest = default_digest) -> None:
        """`clock` is that of the wall, which the engine's takes the place of where it is frozen.

        Raises FileNotFoundError where there is no such directory.
        """
        now = _wall_clock if clock is None else clock.now
        self._reader: Reader[_Known, tuple[Fitted, ...]] = Reader(directory, _interpret, now, digest)

    @property
    def revision(self) -> int:
        """The newest published revision."""
        return self._reader.revision

    def refresh(self) -> None:
        """Give up files that were replaced; to be called now and then where nobody asks anything."""
        self._reader.refresh()

    async def at_least(self, min_revision: int) -> None:
        """Nobody waits here: raises Elsewhere where the revision is not published yet."""
        if min_revision > self._reader.revision:
            raise Elsewhere(Why.REVISION)

    def check_now(self, user_id: str, segment_id: str) -> Check:
        """Whether one user is in one segment."""
        try:
            member, revision, at, holds_until, known, models = self._reader.check(user_id, segment_id)
        except KeyError:
            active_plan(self._reader.catalogue.catalogue, segment_id)  # says why
            raise
        return Check(member, revision, Micros(at), Micros(holds_until), known, models or ())

    async def check(self, user_id: str, segment_id: str) -> Check:
        """Whether one user is in one segment."""
        return self.check_now(user_id, segment_id)

    def see_now(self, user_ids: Sequence[str]) -> Seen:
        """All memberships of several users at one instant."""
        return self._see(user_ids)[0]

    async def see(self, user_ids: Sequence[str]) -> Seen:
        """All memberships of several users at one instant."""
        return self.see_now(user_ids)

    async def user_segments(
        self, user_id: str, labels: Mapping[str, str], after: str, limit: int, *, with_leaves: bool
    ) -> UserSegments:
        """At most `limit` segments with these labels that one user is in, by id, those beyond `after`."""
        if with_leaves:
            raise Elsewhere(Why.UNMAPPED)
        seen, specs = self._see([user_id])
        return list_segments(seen, specs.get, labels, after, limit)

    def _see(self, user_ids: Sequence[str]) -> tuple[Seen, Mapping[str, SegmentSpec]]:
        found, revision, at, rows, words, horizons = self._reader.see(user_ids)
        return Seen(found.catalogue, revision, Micros(at), rows, rows >= 0, words, horizons), found.specs


def _wall_clock() -> int:
    return time_ns() // 1_000


def _interpret(lines: Sequence[SegmentLine]) -> Interpreted[_Known, tuple[Fitted, ...]]:
    entries = {line.segment_id: _entry(line) for line in lines}
    specs = {line.segment_id: SegmentSpec(line.segment_id, name=line.name, labels=line.labels) for line in lines}
    plans = {name: entry.plan for name, entry in entries.items() if entry.plan is not None}
    bits = {name: Bit(plan.slot >> 6, plan.slot & 63, plan.clock, plan.all_models) for name, plan in plans.items()}
    return Interpreted(_Known(Catalogue(entries), specs), bits)


def _entry(line: SegmentLine) -> Entry:
    definition = Definition(line.segment_id, line.segment_key, line.version, _RULE, frozenset(), frozenset())
    return Entry(definition, State(line.state), line.reason, _plan(line) if line.slot >= 0 else None)


def _plan(line: SegmentLine) -> Plan:
    nobody: frozenset[str] = frozenset()
    models = tuple(Fitted(each.key, each.version, _NOTHING, each.fit_time) for each in line.models)
    return Plan(
        line.segment_id, line.segment_key, line.version, line.slot, _ROOT, nobody, nobody, nobody, {}, line.clock,
        (), (), models,
    )  # fmt: skip
