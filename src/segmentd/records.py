"""What storage takes and gives: plain rows without behaviour. JSON is UTF-8 bytes, instants are microseconds UTC."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from segmentd.times import Micros

UserKeys = NDArray[np.int64]
"""Surrogate keys of users, strictly ascending, dtype int64."""


@dataclass(frozen=True, slots=True)
class State:
    """The last commit group: its revision (0 before the first) and its instant (MIN_INSTANT before the first)."""

    revision: int
    instant: Micros


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


@dataclass(frozen=True, slots=True)
class LoggedTransition:
    """A transition at its place in the log; `recorded_time` is the instant of its revision."""

    revision: int
    offset: int
    recorded_time: Micros
    transition: TransitionRecord


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
