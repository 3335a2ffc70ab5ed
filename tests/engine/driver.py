"""The engine driven by hand: no thread, so that a test decides what happens between two steps."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from tests.engine import toys
from tests.engine.inline import Inline, run

from segmentd.engine.catalogue import State
from segmentd.engine.plan import Plan
from segmentd.plugins.host import Plugins
from segmentd.population.kinds import Json
from segmentd.records import LoggedTransition
from segmentd.service.engine import Engine
from segmentd.service.engine_thread import Outcome
from segmentd.service.items import EventWrite, ProfileWrite, prepare_event, prepare_profile
from segmentd.service.seen import Seen, judge_overdue, see
from segmentd.service.segment_info import SegmentSpec
from segmentd.service.segments import Segments
from segmentd.service.switch import Edit
from segmentd.service.value_types import Currencies
from segmentd.storage import Store
from segmentd.storage.opening import connect
from segmentd.storage.session import Session
from segmentd.times import FOREVER, FrozenClock, Micros

START = Micros(1_700_000_000_000_000)


@dataclass(frozen=True, slots=True)
class Move:
    """A transition as people see it; the instant is counted from START."""

    segment: str
    user: str
    entered: bool
    at: int
    cause: str

    def __repr__(self) -> str:
        sign = "+" if self.entered else "-"
        return f"{sign}{self.segment}:{self.user}@{self.at} {self.cause}"


class Driver:
    """One engine on one database; instants are counted from START."""

    def __init__(self, path: str | Path = ":memory:", plugins: Plugins | None = None, clock: int = 0) -> None:
        self.store = _in_memory() if path == ":memory:" else Store.open(path)
        self.clock = FrozenClock(Micros(START + clock))
        self.plugins = plugins or toys.plugins()
        self._read: tuple[int, int] | None = None
        self._open()

    def _open(self) -> None:
        self.engine = Engine(self.store, self.plugins, self.clock, Currencies())
        self.segments = Segments(self.engine)
        self.background = Inline()
        self.engine.thread = self.background  # type: ignore[assignment]  # the engine itself uses `background` only
        self.engine._catch_up()

    def restart(self, plugins: Plugins | None = None, clock: int | None = None) -> None:
        """Forget everything in memory, let the clock run on, and open the same database again."""
        self.plugins = plugins or self.plugins
        if clock is not None:
            self.clock = FrozenClock(Micros(START + clock))
        self._open()

    @property
    def now(self) -> int:
        """The present as readers see it."""
        return self.engine.live.present(self.clock.now()) - START

    @property
    def last(self) -> int:
        """The instant of the last revision."""
        return self.engine.live.instant - START

    def write(self, *writes: EventWrite | ProfileWrite) -> Outcome:
        """One commit group."""
        return self.engine.write_group(
            [prepare_event(each) if isinstance(each, EventWrite) else prepare_profile(each) for each in writes]
        )

    def event(self, user: str, name: str = "E", at: int | None = None, **more: Any) -> Outcome:
        """One event in a commit of its own."""
        return self.write(event(user, name, at, **more))

    def profile(self, user: str, **attributes: Json) -> Outcome:
        """One profile in a commit of its own."""
        return self.write(ProfileWrite(user, attributes))

    def move(self, to: int, *, tick: bool = True) -> None:
        """Move the clock, and make the moves that are due."""
        self.clock.move_to(Micros(START + to))
        if tick:
            self.engine.tick()

    def look_ahead(self) -> None:
        """Work out beforehand what most of all will be at their next deadline, other ones at each revision."""
        live = self.engine.live
        near = np.flatnonzero(live.memberships.horizons < FOREVER)
        self.engine.foresight._foresee(near[(near + live.revision) % 4 > 0], FOREVER - 1)

    def define(self, name: str, rule: Json, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> int:
        """Create or change a segment, at once; the revision."""
        return run(self.edit(name, rule, include, exclude))

    def edit(
        self, name: str, rule: Json, include: Sequence[str] = (), exclude: Sequence[str] = ()
    ) -> Generator[None, None, int]:
        """The same as steps, to be made by `next`."""
        spec = SegmentSpec(name, rule=rule, include=tuple(include), exclude=tuple(exclude))
        spec.check()
        return self.engine._edited(lambda: self._definition(spec))

    def archive(self, name: str) -> int:
        """All members leave."""
        return run(self.engine._edited(lambda: self.segments._edits.archival(name, "", "", "")))

    def _definition(self, spec: SegmentSpec) -> Edit:
        entry = self.engine.live.catalogue.entries.get(spec.segment_id)
        if entry is not None and entry.state is not State.ARCHIVED:
            return self.segments._edits.update(spec, {"rule", "include", "exclude"}, "", "", "")
        return self.segments._edits.creation(spec, "", "")

    def see(self, *users: str, exactly: bool = True) -> Seen:
        """What a reader sees; judged on the spot where a horizon has passed."""
        seen = see(self.engine.live, users, self.clock.now())
        return judge_overdue(self.engine.live, seen) if exactly else seen

    def member(self, name: str, user: str) -> bool:
        """Whether the user is in the segment now."""
        return bool(self.see(user).members(self.plan(name))[0])

    def stored(self, name: str) -> set[str]:
        """The members by the stored bits, whatever the clock says."""
        live = self.engine.live
        bits = live.memberships.bits(self.plan(name).slot, slice(0, len(live.users)))
        assert live.memberships.counts[self.plan(name).slot] == bits.sum()
        return {user for user, here in zip(live.users.user_ids, bits.tolist(), strict=True) if here}

    def plan(self, name: str) -> Plan:
        """The plan of an active segment."""
        entry = self.engine.live.catalogue.entries[name]
        assert entry.plan is not None, f"{name} is {entry.state}: {entry.reason}"
        return entry.plan

    def state(self, name: str) -> str:
        """Its state and the reason."""
        entry = self.engine.live.catalogue.entries[name]
        return f"{entry.state}: {entry.reason}" if entry.reason else str(entry.state)

    def horizon(self, user: str) -> int:
        """Until when the stored bits of a user are trusted."""
        live = self.engine.live
        return int(live.memberships.horizons[live.users.index[user]]) - START

    def logged(self) -> list[LoggedTransition]:
        """What the log has beyond what was read before."""
        found = self.store.transitions(self._read, 1_000_000)
        if found:
            self._read = found[-1].revision, found[-1].offset
        return found

    def moves(self) -> list[Move]:
        """The same as people see it."""
        return [move for revision in self.grouped() for move in revision]

    def grouped(self) -> list[list[Move]]:
        """The same, revision by revision."""
        segments = {info.segment_key: name for name, info in self.engine.live.segments.items()}
        users = self.engine.live.users
        found: dict[int, list[Move]] = {}
        for each in self.logged():
            move = each.transition
            [row] = self.engine.live.rows_of(np.array([move.user_key]))
            found.setdefault(each.revision, []).append(
                Move(
                    segments[move.segment_key],
                    users.user_ids[row],
                    move.entered,
                    move.effective_time - START,
                    move.cause,
                )
            )
        return list(found.values())

    def close(self) -> None:
        """Close the database."""
        self.store.close()


@cache
def _template() -> Store:
    return Store.open(":memory:")


def _in_memory() -> Store:
    """An empty database, copied: making the schema anew takes longer than many a history."""
    connection = connect(None)
    _template()._session.connection.backup(connection)
    return Store(Session(connection), None)


def event(user: str, name: str = "E", at: int | None = None, **more: Any) -> EventWrite:
    """An event at an instant counted from START, or at its receipt."""
    return EventWrite(user, name, time=None if at is None else Micros(START + at), **more)


def tally(event: str = "E", at_least: int = 1, within: int | None = None, **more: Json) -> dict[str, Json]:
    """A count in a window."""
    return {"tally": {"event": event, "at_least": at_least, "within": within, **more}}


def since(event: str = "E", age: int = 100) -> dict[str, Json]:
    """The last event is so old."""
    return {"since": {"event": event, "age": age}}


def has(attribute: str, equals: str) -> dict[str, Json]:
    """An attribute is this text."""
    return {"has": {"attribute": attribute, "equals": equals}}


def every(*children: Mapping[str, Json]) -> dict[str, Json]:
    """All of them."""
    return {"all": [dict(child) for child in children]}


def some(*children: Mapping[str, Json]) -> dict[str, Json]:
    """Any of them."""
    return {"any": [dict(child) for child in children]}


def negated(child: Mapping[str, Json]) -> dict[str, Json]:
    """Not."""
    return {"not": dict(child)}


def ref(name: str) -> dict[str, Json]:
    """Another segment."""
    return {"segment": name}


def named(moves: Iterable[Move]) -> list[str]:
    """Moves as text."""
    return [repr(move) for move in moves]
