"""Batches of items with several calls in flight, in order for each user."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from segmentd.cli.importing.rows import Reject
from segmentd.cli.importing.tally import Tally
from segmentd.client import CallFailed, ItemFault

LANES: Final = 4
MAX_ITEMS: Final = 2_000
MAX_BYTES: Final = 4 * 1024 * 1024
_MAX_ITEM: Final = 32 * 1024 * 1024
_PATIENCE: Final = 100
"""How often a batch is sent again to a server that has too much to do."""


class Call(Protocol):
    """A call under way."""

    def result(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class Sent:
    """What a call answers about one item: an outcome to count, or the fault."""

    outcome: str
    fault: ItemFault | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """How items of one kind are sent, and how an answer is read (revision, and one result per item)."""

    send: Callable[[Sequence[Any]], Call]
    answers: Callable[[Any], tuple[int, Sequence[Sent]]]


@dataclass(slots=True)
class _Entry:
    position: int
    row: Any
    item: Any


@dataclass(slots=True)
class _Lane:
    waiting: list[_Entry] = field(default_factory=list)
    size: int = 0
    sent: list[_Entry] = field(default_factory=list)
    call: Call | None = None


class Lanes:
    """A user's items always take the same lane, and a lane has one call in flight: later rows never overtake."""

    def __init__(self, kind: Kind, tally: Tally) -> None:
        self._kind = kind
        self._tally = tally
        self._lanes = [_Lane() for _ in range(LANES)]

    def add(self, position: int, row: Any, item: Any) -> None:
        """Queue the item of a row, and send its lane's batch where it is full. Raises CallFailed."""
        size = item.ByteSize()
        if size > _MAX_ITEM:
            self._tally.reject(
                Reject(position, "too large", f"it has {size:,} bytes; {_MAX_ITEM:,} are the most", None)
            )
            return
        lane = self._lanes[zlib.crc32(item.user_id.encode()) % LANES]
        lane.waiting.append(_Entry(position, row, item))
        lane.size += size
        if len(lane.waiting) >= MAX_ITEMS or lane.size >= MAX_BYTES:
            self._send(lane)

    def finish(self) -> None:
        """Send what is queued and wait for all answers. Raises CallFailed."""
        for lane in self._lanes:
            self._send(lane)
        for lane in self._lanes:
            self._settle(lane)

    def _send(self, lane: _Lane) -> None:
        self._settle(lane)
        if lane.waiting:
            lane.sent, lane.waiting, lane.size = lane.waiting, [], 0
            lane.call = self._kind.send([entry.item for entry in lane.sent])

    def _settle(self, lane: _Lane) -> None:
        """Wait for the lane's call and count what it says."""
        if lane.call is None:
            return
        revision, results = self._kind.answers(self._answer(lane, lane.call))
        self._tally.revision = max(self._tally.revision, revision)
        for entry, result in zip(lane.sent, results, strict=True):
            if result.fault is None:
                self._tally.count(result.outcome)
            else:
                fault = result.fault
                self._tally.reject(Reject(entry.position, fault.reason, fault.message, entry.row))
        lane.sent, lane.call = [], None

    def _answer(self, lane: _Lane, call: Call) -> Any:
        for _ in range(_PATIENCE):
            try:
                return call.result()
            except CallFailed as error:
                if error.reason != "OVERLOADED":
                    raise
                time.sleep(error.retry_after or 0.2)
                call = self._kind.send([entry.item for entry in lane.sent])
        return call.result()
