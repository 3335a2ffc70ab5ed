"""What is told of a consumer and of its dead letters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from segmentd.service.log_naming import NamedMove
from segmentd.storage.consumers import ConsumerRecord, DeadLetterRecord
from segmentd.times import Micros


class ConsumerState(StrEnum):
    """Whether a consumer is told of changes."""

    ACTIVE = "ACTIVE"
    RETRYING = "RETRYING"
    DISABLED = "DISABLED"
    ABSENT = "ABSENT"


@dataclass(frozen=True, slots=True)
class Attempts:
    """The batch that waits: when its first change was recorded, and when it is tried again; None: no such thing."""

    oldest: Micros | None = None
    next_time: Micros | None = None


@dataclass(frozen=True, slots=True)
class ConsumerView:
    """One consumer as it stands. `plugin` is empty, and `segments` too, where no plugin brings it any more.

    `lag` counts the transitions of the log, of all segments, behind the position; `lag_time` is how long ago, by the
    engine's clock, the first change that waits was recorded, in microseconds, 0 where none waits.
    """

    record: ConsumerRecord
    state: ConsumerState
    plugin: str
    segments: frozenset[str] | None
    dead_letters: int
    lag: int
    lag_time: Micros
    next_time: Micros | None


@dataclass(frozen=True, slots=True)
class DeadLetterView:
    """A dead letter, with the ids that its keys have now for its first changes."""

    record: DeadLetterRecord
    changes: Sequence[NamedMove]
