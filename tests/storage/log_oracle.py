"""The log as a plain list of moves, and steps that write both."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TypeAlias

import numpy as np
from hypothesis import strategies as st

from segmentd.records import (
    BEGINNING,
    LoggedTransition,
    LogStart,
    MoveBatch,
    Position,
    SwitchRecord,
    TransitionRecord,
    UserKeys,
)
from segmentd.storage import Store
from segmentd.storage.opening import connect
from segmentd.storage.session import Session
from segmentd.times import Micros

SEGMENTS = (1, 2, 3)
USERS = tuple(range(1, 11))


@dataclass(frozen=True)
class Single:
    """One user moves so long after the move before."""

    segment: int
    user: int
    entered: bool
    later: int
    message: bool


@dataclass(frozen=True)
class Run:
    """These users move alike, as in a wave."""

    segment: int
    users: frozenset[int]
    entered: bool
    later: int


@dataclass(frozen=True)
class Change:
    """A switch of a segment: who leaves and who enters."""

    segment: int
    left: frozenset[int]
    entered: frozenset[int]


_segments, _users = st.sampled_from(SEGMENTS), st.frozensets(st.sampled_from(USERS))
SINGLES = st.builds(Single, _segments, st.sampled_from(USERS), st.booleans(), st.integers(0, 2), st.booleans())
RUNS = st.builds(Run, _segments, _users, st.booleans(), st.integers(0, 2))
CHANGES = st.builds(Change, _segments, _users, _users)
COMMITS = st.tuples(st.lists(SINGLES | RUNS, max_size=6), st.lists(CHANGES, max_size=2))


Steps: TypeAlias = tuple[Sequence[Single | Run], Sequence[Change]]
"""What one revision does: moves, then switches."""


@dataclass
class LogOracle:
    """`log` has what is still told, `lost` what was compacted, both in order."""

    instants: list[Micros] = field(default_factory=lambda: [Micros(0)])
    log: list[LoggedTransition] = field(default_factory=list)
    lost: list[LoggedTransition] = field(default_factory=list)
    start: LogStart = BEGINNING

    def commit(self, store: Store, steps: Steps) -> None:
        """Write a revision to both."""
        revision, now = len(self.instants), self.instants[-1] + 1
        moves: list[TransitionRecord] = []
        for step in steps[0]:
            now += step.later
            users = sorted(step.users) if isinstance(step, Run) else [step.user]
            message = f"m{now}" if isinstance(step, Single) and step.message else None
            cause = "EVENT" if message else "TIME"
            moves += [
                TransitionRecord(step.segment, revision, user, step.entered, Micros(now), cause, message)
                for user in users
            ]
        instant, recorded = Micros(now), Micros(now + 1000)
        with store.transaction():
            store.advance(revision, instant, recorded)
            store.append_moves(revision, MoveBatch.of(moves))
            for change in steps[1]:
                left, entered = change.left - change.entered, change.entered
                store.append_switch(
                    SwitchRecord(
                        revision, change.segment, 1, revision, instant, "DEFINITION", keys(entered), keys(left)
                    )
                )
                moves += [
                    TransitionRecord(change.segment, revision, user, here, instant, "DEFINITION")
                    for users, here in ((left, False), (entered, True))
                    for user in sorted(users)
                ]
        self.log += [LoggedTransition(revision, offset, recorded, move) for offset, move in enumerate(moves)]
        self.instants.append(instant)

    def note_start(self, revision: int) -> None:
        """The log was compacted up to this revision."""
        self.lost += [each for each in self.log if each.revision <= revision]
        self.log = [each for each in self.log if each.revision > revision]
        position = max((each.position for each in self.lost), default=BEGINNING.position)
        self.start = LogStart(revision, self.instants[revision], max(position, self.start.position))

    def forget(self, users: Collection[int]) -> None:
        """No move tells of these users any more."""
        self.log = [each for each in self.log if each.transition.user_key not in users]
        self.lost = [each for each in self.lost if each.transition.user_key not in users]

    def members(self, segment: int, instant: Micros) -> list[int]:
        """By replay of every move up to the instant."""
        found: dict[int, bool] = {}
        for each in (*self.lost, *self.log):
            move = each.transition
            if move.segment_key == segment and move.effective_time <= instant:
                found[move.user_key] = move.entered
        return sorted(user for user, here in found.items() if here)

    def wanted(
        self, after: Position, segments: Collection[int] | None, users: Collection[int] | None
    ) -> list[LoggedTransition]:
        """What a filtered reader sees."""
        return [
            each
            for each in self.log
            if each.position > after
            and (segments is None or each.transition.segment_key in segments)
            and (users is None or each.transition.user_key in users)
        ]


@cache
def _template() -> Store:
    return Store.open(":memory:")


def empty_store() -> Store:
    """In memory, copied: making the schema anew takes longer than many a history."""
    connection = connect(None)
    _template()._session.connection.backup(connection)
    return Store(Session(connection), None)


def keys(users: Collection[int]) -> UserKeys:
    """Sorted, as an array."""
    return np.array(sorted(users), np.int64)
