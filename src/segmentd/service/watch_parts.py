"""What a watcher asks for, and the parts that it is told."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias

from segmentd.records import END_OFFSET, Position
from segmentd.service.log_pages import LogPage
from segmentd.service.member_snapshot import MembersPiece
from segmentd.times import Micros


class Start(Enum):
    """Where a watch without a position begins."""

    NOW = auto()
    SNAPSHOT = auto()
    LOG = auto()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Ids of segments and users (none: all), where to begin, and the seconds of silence until a checkpoint."""

    segment_ids: Collection[str] = ()
    user_ids: Collection[str] = ()
    start: Start | Position = Start.NOW
    checkpoint_interval: float = 30.0
    replica: bool = False
    """Whether to tell what it takes to answer from what is told."""


@dataclass(frozen=True, slots=True)
class Members:
    """Some members of the snapshot of a revision."""

    revision: int
    piece: MembersPiece


@dataclass(frozen=True, slots=True)
class SnapshotEnd:
    """The snapshot is complete: as of `revision`, at the instant `at`. The moves after `position` follow."""

    position: Position
    revision: int
    at: Micros


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """All up to `position` was told; the clock shows `at`."""

    position: Position
    at: Micros
    complete: Micros | None = None
    """Before which instant all moves are told, and all writes that were acknowledged; None: not said."""
    unanswered: Sequence[str] = ()
    """The wanted segments that answer no questions then."""
    stood: int | None = None
    """The revision up to which a replica was told what no position tells: ids that lead to others."""

    @property
    def revision(self) -> int:
        """The last revision of which all was told."""
        if self.stood is not None:
            return self.stood
        revision, offset = self.position
        return revision if offset >= END_OFFSET else max(revision - 1, 0)


@dataclass(frozen=True, slots=True)
class Led:
    """Ids and the ids of the survivors that they lead to; `first` where what was told before is void."""

    first: bool
    entries: Sequence[tuple[str, str]]


Part: TypeAlias = Members | SnapshotEnd | LogPage | Checkpoint | Led
"""What a watch consists of."""
