"""What storage takes and gives: plain rows without behaviour. JSON is UTF-8 bytes, instants are microseconds UTC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segmentd.times import MIN_INSTANT, Instants, Micros

UserKeys = NDArray[np.int64]
"""Surrogate keys of users, strictly ascending, dtype int64."""


@dataclass(frozen=True, slots=True)
class State:
    """The last commit: its revision (0 before the first) and its instant (MIN_INSTANT before the first).

    `walked_key` is set where a wave was cut inside this instant: users up to this key are judged at it.
    """

    revision: int
    instant: Micros
    walked_key: int | None = None


@dataclass(frozen=True, slots=True)
class ProfileRecord:
    """One user's attributes, each a JSON object: as given, as derived, and the times of those from event context.

    `create_time` is when the user was first written about, `update_time` when an attribute last changed.
    """

    user_key: int
    attributes: bytes = b"{}"
    derived: bytes = b"{}"
    times: bytes = b"{}"
    create_time: Micros = Micros(0)
    update_time: Micros = Micros(0)


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One event. `event_key` grows with arrival and is 0 until the event is stored.

    `time` is the effective time; `digest` is 16 bytes over the content as sent; `rate` is the
    currency rate applied at ingest, as decimal text.
    """

    user_key: int
    name: str
    time: Micros
    received: Micros
    properties: bytes = b"{}"
    context: bytes | None = None
    message_id: str | None = None
    digest: bytes | None = None
    rate: str | None = None
    event_key: int = 0


@dataclass(slots=True)
class EventBatch:
    """Events that come together, in order of arrival: a list for each field of EventRecord, of equal length."""

    received: Micros
    names: list[str] = field(default_factory=list)
    times: list[Micros] = field(default_factory=list)
    properties: list[bytes] = field(default_factory=list)
    contexts: list[bytes | None] = field(default_factory=list)
    message_ids: list[str | None] = field(default_factory=list)
    digests: list[bytes | None] = field(default_factory=list)
    rates: list[str | None] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True, slots=True)
class KindRecord:
    """The kind of a name. `scope` is empty for an attribute, else the event whose property `name` is."""

    scope: str
    name: str
    kind: str
    declared: bool


@dataclass(frozen=True, slots=True)
class SegmentRecord:
    """One version of a segment.

    `definition` is JSON text; `type_versions` and `models` are JSON objects: segment type to its
    version, model key to model version, as this version was last judged with.
    """

    segment_key: int
    segment_id: str
    version: int
    definition: str
    state: str
    state_reason: str
    author: str
    note: str
    create_time: Micros
    type_versions: bytes = b"{}"
    models: bytes = b"{}"


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """One fitted version of a model: its parameters and data as JSON; `size` counts the users it was fitted on."""

    model_key: str
    version: int
    type: str
    params: bytes
    data: bytes
    size: int
    summary: bytes
    fit_time: Micros


@dataclass(frozen=True, slots=True)
class TransitionRecord:
    """One user entered or left one segment at `effective_time`."""

    segment_key: int
    segment_version: int
    user_key: int
    entered: bool
    effective_time: Micros
    cause: str
    message_id: str | None = None


class Position(NamedTuple):
    """A place in the log: the last move that was seen. Moves are ordered by revision, then offset (from 0)."""

    revision: int
    offset: int


END_OFFSET: Final = 2**62
"""(r, END_OFFSET) is the end of revision r, however many moves it has."""
START: Final = Position(0, -1)
"""Before every move."""


class LogStart(NamedTuple):
    """Up to which commit the log was compacted: its revision and instant; (0, MIN_INSTANT) where it never was.

    `position` is the last move that is no longer told: who has seen it has missed nothing.
    """

    revision: int
    instant: Micros
    position: Position = START


BEGINNING: Final = LogStart(0, MIN_INSTANT)
"""The start of a log that was never compacted."""


@dataclass(frozen=True, slots=True)
class LoggedTransition:
    """A transition at its place in the log; `recorded_time` is what the clock showed when it was committed."""

    revision: int
    offset: int
    recorded_time: Micros
    transition: TransitionRecord

    @property
    def position(self) -> Position:
        """Where to read on."""
        return Position(self.revision, self.offset)


@dataclass(frozen=True, slots=True, eq=False)
class MoveBatch:
    """n moves of one commit in log order, a column each; `user_keys` are in any order."""

    segment_keys: NDArray[np.int64]
    versions: NDArray[np.int64]
    user_keys: NDArray[np.int64]
    entered: NDArray[np.bool_]
    effective_times: Instants
    causes: list[str]
    message_ids: list[str | None]

    def __len__(self) -> int:
        return len(self.user_keys)

    @classmethod
    def of(cls, moves: Sequence[TransitionRecord]) -> MoveBatch:
        """The same moves as columns."""
        return cls(
            np.array([each.segment_key for each in moves], np.int64),
            np.array([each.segment_version for each in moves], np.int64),
            np.array([each.user_key for each in moves], np.int64),
            np.array([each.entered for each in moves], np.bool_),
            np.array([each.effective_time for each in moves], np.int64),
            [each.cause for each in moves],
            [each.message_id for each in moves],
        )


def _nobody() -> UserKeys:
    return np.empty(0, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class SwitchRecord:
    """A whole segment goes from one version to another at once; version 0 stands for none.

    `left` and `entered` are int64[n] user keys, strictly ascending, and share no key.
    """

    revision: int
    segment_key: int
    from_version: int
    to_version: int
    effective_time: Micros
    cause: str
    entered: UserKeys = field(default_factory=_nobody)
    left: UserKeys = field(default_factory=_nobody)


@dataclass(frozen=True, slots=True)
class UserListRecord:
    """A user list; who is in it is stored apart. `update_time` is when it or its users last changed."""

    list_key: int
    list_id: str
    description: str
    create_time: Micros
    update_time: Micros


@dataclass(frozen=True, slots=True)
class GroupRecord:
    """An exclusive group; `definition` is JSON text."""

    group_id: str
    version: int
    definition: str
    create_time: Micros
    update_time: Micros


@dataclass(frozen=True, slots=True)
class Tombstone:
    """What is left of an erased id: when it was erased, and the surrogate keys that the user had in the log."""

    erase_time: Micros
    user_keys: tuple[int, ...] = ()
