"""The contract of a consumer: somebody who is told of every membership that changes, in order and at least once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from segmentd.limits import id_fault
from segmentd.times import DAY, HOUR, SECOND, Micros

MAX_BATCH: Final = 10_000
"""The most changes of one batch."""


@dataclass(frozen=True, slots=True)
class MembershipChange:
    """One user entered or left one segment.

    `user_id` is empty where the user was erased; `user_key` is never used again and stays. `message_id` is that of
    the event that caused the change, or empty. `cause` is a word such as EVENT or TIME. `revision` made the change;
    `position` is where it stands in the log, as text that no other change has: a watch may resume there.
    """

    segment_id: str
    segment_version: int
    user_id: str
    user_key: int
    entered: bool
    effective_time: Micros
    recorded_time: Micros
    cause: str
    message_id: str
    revision: int
    position: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Changes in the order of the log, one or more.

    `id` is the same whenever this batch is delivered again, and another one for every other batch and consumer. After
    a restart the same changes may come in other batches.
    """

    id: str
    changes: Sequence[MembershipChange]


@dataclass(frozen=True, slots=True)
class Retries:
    """How long a batch is tried that cannot be delivered, before it becomes a dead letter; lengths in microseconds.

    The delay doubles from `first_delay` to `maximal_delay` and is drawn from its upper half. The batch is given up
    after so many `attempts` (None: any number), or once `give_up_after` has passed since the first failure.
    """

    attempts: int | None = None
    first_delay: Micros = Micros(5 * SECOND)
    maximal_delay: Micros = Micros(1 * HOUR)
    give_up_after: Micros = Micros(3 * DAY)

    def fault(self) -> str | None:
        """What is wrong with the values; None where they are sound."""
        if self.attempts is not None and self.attempts < 1:
            return f"attempts is {self.attempts}; 1 is the least"
        if self.first_delay < 1:
            return "first_delay is not longer than nothing"
        if self.maximal_delay < self.first_delay:
            return "maximal_delay is shorter than first_delay"
        return "give_up_after is negative" if self.give_up_after < 0 else None


class TryAgain(Exception):
    """The batch cannot be delivered now. `after`: not before so many microseconds, at most a day.

    The message is kept with the state and with a dead letter, so it must not name users.
    """

    def __init__(self, message: str, after: Micros | None = None) -> None:
        super().__init__(message)
        self.after = after


class Refused(Exception):
    """The batch will never be delivered: it becomes a dead letter at once, and the next one is tried.

    With `disable` nobody wants any batch: the consumer stops at this one until an operator resumes it. The message is
    kept with the state and with a dead letter, so it must not name users.
    """

    def __init__(self, message: str, *, disable: bool = False) -> None:
        super().__init__(message)
        self.disable = disable


class Consumer(ABC):
    """Told of changes by one thread of its own, batch after batch; it may wait, nobody else is held up.

    Where `deliver` returns, the batch has arrived; its position is saved soon after, so that a crash repeats a few
    batches and loses none. Errors other than TryAgain and Refused count as TryAgain.
    """

    name: str
    """Under this name the position is kept; a new name begins with the changes after its first start."""
    segments: frozenset[str] | None = None
    """The ids of the segments to be told of; None: all."""
    batch_size: int = 100
    """The most changes of one batch, 1 to 10,000."""
    retries: Retries = Retries()

    @abstractmethod
    def deliver(self, batch: Batch) -> None:
        """Pass the batch on. Raises TryAgain or Refused where that fails."""

    def interrupt(self) -> None:  # noqa: B027  (most deliver in no time)
        """Make a `deliver` that is under way end soon; called by another thread, when the server stops."""

    def close(self) -> None:  # noqa: B027  (most have nothing to let go of)
        """Let go of what is held; called at the end, by the thread that delivers."""


def consumer_fault(consumer: Consumer) -> str | None:
    """Why a consumer cannot be used as it is; None where it can."""
    if (fault := id_fault(str(consumer.name))) is not None:
        return f"its name: {fault}"
    if not 1 <= consumer.batch_size <= MAX_BATCH:
        return f"batch_size is {consumer.batch_size}; 1 to {MAX_BATCH:,} are allowed"
    if isinstance(consumer.segments, str):
        return "segments is text; give a set of ids, or None for all"
    return consumer.retries.fault()
