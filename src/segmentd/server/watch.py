"""WatchTransitions: the request of a watch, its parts as messages, and the patience with a slow consumer."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Final
from weakref import WeakKeyDictionary

from segmentd.errors import Reason, ResourceExhausted
from segmentd.limits import check_batch
from segmentd.server.faults import Faults
from segmentd.server.instants import from_duration, to_timestamp
from segmentd.server.rpc import Context
from segmentd.server.sending import Sending
from segmentd.server.transitions import transition
from segmentd.service.log_pages import LogPage
from segmentd.service.positions import Positions
from segmentd.service.watch_parts import Checkpoint, Led, Members, Part, SnapshotEnd, Start, Wanted
from segmentd.service.watching import Watching
from segmentd.times import HOUR, SECOND
from segmentd.v1 import membership_service_pb2 as pb

PATIENCE: Final = 30.0
"""Seconds that a consumer may take for one message, where the settings say nothing else."""
SHORTEST_INTERVAL: Final = SECOND
SHORTEST_OF_REPLICAS: Final = SECOND // 20
LONGEST_INTERVAL: Final = HOUR
_DEFAULT_INTERVAL: Final = 30 * SECOND
_STARTS: Final = {
    pb.WATCH_START_UNSPECIFIED: Start.NOW,
    pb.WATCH_START_NOW: Start.NOW,
    pb.WATCH_START_SNAPSHOT: Start.SNAPSHOT,
    pb.WATCH_START_LOG: Start.LOG,
}


class WatchStreams:
    """Writes watches to their streams: one message under way in each, and a page that several want made once."""

    def __init__(self, watching: Watching, positions: Positions, patience: float) -> None:
        """`patience` is how many seconds a consumer may take for one message."""
        self._watching = watching
        self._positions = positions
        self._patience = patience
        self._made: WeakKeyDictionary[LogPage, pb.WatchTransitionsResponse] = WeakKeyDictionary()

    def wanted(self, request: pb.WatchTransitionsRequest) -> Wanted:
        """What is asked for. Raises InvalidInput with every fault (also BATCH_TOO_LARGE, POSITION_INVALID)."""
        check_batch(len(request.segment_ids), "segment_ids")
        check_batch(len(request.user_ids), "user_ids")
        faults = Faults()
        segment_ids = frozenset(faults.ids(request.segment_ids, "segment_ids"))
        user_ids = frozenset(faults.ids(request.user_ids, "user_ids"))
        interval = _interval(request, faults)
        faults.min_revision(request.min_revision)
        if request.replica and not segment_ids:
            faults.add("segment_ids", "it is empty; a replica is of chosen segments")
        if request.replica and user_ids:
            faults.add("user_ids", "a replica has all users of its segments")
        if request.start not in _STARTS:
            faults.add("start", f"{request.start} is none of its values")
        elif request.position and request.start:
            faults.add("start", "it is given beside a position; a watch begins at one of them")
        faults.raise_any()
        start = self._positions.read(request.position) if request.position else _STARTS[request.start]
        return Wanted(segment_ids, user_ids, start, interval, request.replica)

    async def write(self, wanted: Wanted, context: Context) -> None:
        """Write a watch for as long as it is taken. Raises ResourceExhausted (WATCH_TOO_SLOW) once it is not."""
        sending = Sending(context)
        async with aclosing(self._watching.watch(wanted)) as parts:
            async for part in parts:
                message = self._message(part)
                try:
                    async with asyncio.timeout(self._patience):
                        await sending.write(message)
                except TimeoutError:
                    raise self._too_slow() from None

    def _message(self, part: Part) -> pb.WatchTransitionsResponse:
        match part:
            case LogPage():
                return self._page(part)
            case Checkpoint():
                return pb.WatchTransitionsResponse(checkpoint=self._checkpoint(part))
            case SnapshotEnd():
                return pb.WatchTransitionsResponse(snapshot_end=self._snapshot_end(part))
            case Members():
                return pb.WatchTransitionsResponse(members=_members(part))
            case Led():
                return pb.WatchTransitionsResponse(merged_ids=_merged_ids(part))

    def _page(self, page: LogPage) -> pb.WatchTransitionsResponse:
        message = self._made.get(page)
        if message is None:
            made = [transition(move, self._positions) for move in page.moves]
            batch = pb.TransitionBatch(transitions=made)
            message = self._made[page] = pb.WatchTransitionsResponse(transitions=batch)
        return message

    def _checkpoint(self, part: Checkpoint) -> pb.Checkpoint:
        position = self._positions.text(part.position)
        return pb.Checkpoint(
            position=position,
            revision=part.revision,
            checkpoint_time=to_timestamp(part.at),
            complete_time=None if part.complete is None else to_timestamp(part.complete),
            unanswered_segment_ids=part.unanswered,
        )

    def _snapshot_end(self, part: SnapshotEnd) -> pb.SnapshotEnd:
        position = self._positions.text(part.position)
        return pb.SnapshotEnd(position=position, revision=part.revision, evaluate_time=to_timestamp(part.at))

    def _too_slow(self) -> ResourceExhausted:
        # Without a position: what was written last may never have arrived.
        return ResourceExhausted(
            Reason.WATCH_TOO_SLOW,
            f"the consumer took no message for {self._patience:g} seconds; resume after the last position that it saw",
        )


def _interval(request: pb.WatchTransitionsRequest, faults: Faults) -> float:
    """Seconds."""
    if not request.HasField("checkpoint_interval"):
        return _DEFAULT_INTERVAL / SECOND
    interval = from_duration(request.checkpoint_interval, "checkpoint_interval", faults)
    shortest, text = (SHORTEST_OF_REPLICAS, "50 milliseconds") if request.replica else (SHORTEST_INTERVAL, "1 second")
    if not faults.found and not shortest <= interval <= LONGEST_INTERVAL:
        faults.add("checkpoint_interval", f"it is not between {text} and 1 hour")
    return interval / SECOND


def _members(part: Members) -> pb.SnapshotMembers:
    piece = part.piece
    return pb.SnapshotMembers(
        segment_id=piece.segment_id, revision=part.revision, user_ids=piece.user_ids, user_keys=piece.user_keys.tolist()
    )


def _merged_ids(part: Led) -> pb.MergedIds:
    user_ids, survivor_ids = zip(*part.entries, strict=True) if part.entries else ((), ())
    return pb.MergedIds(first=part.first, user_ids=user_ids, survivor_ids=survivor_ids)
