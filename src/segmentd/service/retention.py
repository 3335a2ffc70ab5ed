"""How long events are kept: declaring it by name, and taking out those that were kept long enough."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from segmentd.engine.catalogue import State
from segmentd.errors import FailedPrecondition, InvalidInput, Reason, SegmentdError
from segmentd.limits import id_fault
from segmentd.service.change import Change
from segmentd.service.engine import Engine
from segmentd.service.live import Live
from segmentd.service.reach import ALL_TIME, fixed_duration, needing, reach_words
from segmentd.service.written import Written
from segmentd.storage import Store
from segmentd.storage.retention import StoredName
from segmentd.times import Micros


@dataclass(frozen=True, slots=True)
class EventDeclaration:
    """For how long the events of a name are kept, as a duration such as 400d; "" is for ever."""

    name: str
    keep: str


@dataclass(frozen=True, slots=True)
class DeclaredEvents:
    """An error for each declaration that is refused, in order, and the revision that has the others."""

    results: list[SegmentdError | None]
    revision: int


@dataclass(slots=True)
class _Keep(Change):
    """A commit that changes for how long events are kept."""

    live: Live
    keeps: dict[str, str] = field(default_factory=dict)

    def write(self, store: Store, instant: Micros) -> Written:
        """Record it; nobody's answer depends on it."""
        for name, keep in self.keeps.items():
            store.set_keep(name, keep)
            self.live.keeps.pop(name, None)
            if keep:
                self.live.keeps[name] = fixed_duration(keep).micros
        return Written()


class Retention:
    """The use cases of ProfileService that are about event names."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._live = engine.live

    async def names(self) -> tuple[list[StoredName], int]:
        """All event names with their counts and retention, by name, and the revision they are of."""
        engine = self._engine
        return await asyncio.wrap_future(engine.thread.call(lambda: (engine.store.stored_names(), self._live.revision)))

    async def declare(self, declarations: Sequence[EventDeclaration], *, validate_only: bool = False) -> DeclaredEvents:
        """Change for how long events are kept; what was kept long enough is taken out soon after.

        With `validate_only`, only say what would be refused.
        """
        declare = self._validate if validate_only else self._declare
        return await asyncio.wrap_future(self._engine.thread.change(lambda: declare(declarations)))

    def _validate(self, declarations: Sequence[EventDeclaration]) -> DeclaredEvents:
        wanted: dict[str, str] = {}
        return DeclaredEvents([self._result(each, wanted) for each in declarations], self._live.revision)

    def _declare(self, declarations: Sequence[EventDeclaration]) -> DeclaredEvents:
        engine, live = self._engine, self._live
        wanted: dict[str, str] = {}
        results = [self._result(each, wanted) for each in declarations]
        known = {each.name: each.keep for each in engine.store.stored_names()}
        changed = {name: keep for name, keep in wanted.items() if known.get(name, "") != keep}
        if changed:
            engine.committer.commit(_Keep(live, changed), engine.committer.next_instant())
            engine.revisions.publish(live.revision)
            engine.pruning.hurry()
        return DeclaredEvents(results, live.revision)

    def _result(self, declaration: EventDeclaration, wanted: dict[str, str]) -> SegmentdError | None:
        try:
            self._check(declaration, wanted)
        except SegmentdError as error:
            return error
        wanted[declaration.name] = declaration.keep
        return None

    def _check(self, declaration: EventDeclaration, wanted: dict[str, str]) -> None:
        name, keep = declaration.name, declaration.keep
        fault = id_fault(name)
        if fault is not None:
            raise InvalidInput.at("name", fault)
        if wanted.get(name, keep) != keep:
            raise InvalidInput.at("keep", f"{name} is kept for {wanted[name] or 'ever'} earlier in the same request")
        try:
            length = fixed_duration(keep).micros if keep else None
        except ValueError as error:
            raise InvalidInput.at("keep", str(error)) from None
        if length is not None:
            self._check_needs(name, keep, length)

    def _check_needs(self, name: str, keep: str, length: Micros) -> None:
        live = self._live
        rules = {
            segment_id: entry.definition.rule
            for segment_id, entry in live.catalogue.entries.items()
            if entry.state is not State.ARCHIVED
        }
        segments = needing(rules, live.shadows, name, length)
        if segments:
            raise FailedPrecondition(
                Reason.RETENTION_TOO_SHORT,
                f"{name} cannot be kept for {keep} only: {', '.join(map(_looks, segments, segments.values()))}",
                {"event": name, "segments": ",".join(segments)},
            )


def _looks(segment_id: str, reach: int) -> str:
    return f"{segment_id} looks back for ever" if reach >= ALL_TIME else f"{segment_id} looks {reach_words(reach)} back"
