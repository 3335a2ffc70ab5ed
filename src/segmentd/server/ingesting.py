"""Events that come in: one request after the other, each decoded in turns with whatever else the loop serves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from segmentd.errors import InvalidInput
from segmentd.limits import check_batch
from segmentd.server import facts
from segmentd.server.errors import item_error_of
from segmentd.server.items import converted_in_turns, merged
from segmentd.service.engine_thread import Outcome
from segmentd.service.items import ItemResult
from segmentd.service.profiles import Profiles
from segmentd.v1 import profile_pb2
from segmentd.v1 import profile_service_pb2 as pb

AHEAD: Final = 4
"""How many requests of a stream wait for their answers before the next one is read."""
_STORED: Final = pb.IngestEventResult(outcome=pb.INGEST_OUTCOME_STORED)
_DUPLICATE: Final = pb.IngestEventResult(outcome=pb.INGEST_OUTCOME_DUPLICATE)


@dataclass(frozen=True, slots=True)
class Begun:
    """Events that are queued for a commit; those refused for their form apart, by index."""

    outcome: Awaitable[Outcome]
    refused: Mapping[int, ItemResult]

    async def results(self) -> tuple[list[pb.IngestEventResult], int]:
        """What became of each event, once it is durable, and the revision that has them."""
        outcome = await self.outcome
        if not self.refused and all(map(_is_stored, outcome.results)):
            return [_STORED] * len(outcome.results), outcome.revision
        found = [_result(index, result) for index, result in merged(outcome.results, self.refused)]
        return found, outcome.revision


async def begin(profiles: Profiles, events: Sequence[profile_pb2.Event]) -> Begun:
    """Decode events and queue them. Raises InvalidInput (BATCH_TOO_LARGE) and what the queue refuses."""
    check_batch(len(events), "events")
    writes, refused = await converted_in_turns(events, facts.event_write, _refused)
    return Begun(await profiles.begin_ingest(writes), refused)


async def answers(
    profiles: Profiles, requests: AsyncIterator[pb.StreamEventsRequest]
) -> AsyncGenerator[pb.StreamEventsResponse, None]:
    """The answer to each request, in order; up to AHEAD requests are under way while the first of them is stored.

    What ends the stream of requests is raised after the answers to those before.
    """
    begun: asyncio.Queue[Begun | None] = asyncio.Queue()
    room = asyncio.Semaphore(AHEAD)

    async def read() -> None:
        try:
            async for request in requests:
                await room.acquire()
                begun.put_nowait(await begin(profiles, request.events))
        finally:
            begun.put_nowait(None)

    reading = asyncio.create_task(read())
    try:
        while (each := await begun.get()) is not None:
            results, revision = await each.results()
            room.release()
            yield pb.StreamEventsResponse(results=results, revision=revision)
        await reading
    finally:
        reading.cancel()
        with suppress(asyncio.CancelledError, Exception):  # it was raised where it counts
            await reading


def _is_stored(result: ItemResult) -> bool:
    return result.error is None and not result.duplicate


def _result(index: int, result: ItemResult) -> pb.IngestEventResult:
    if result.error is None:
        return _DUPLICATE if result.duplicate else _STORED
    error = item_error_of(result.error, f"events[{index}].")
    return pb.IngestEventResult(outcome=pb.INGEST_OUTCOME_REFUSED, error=error)


def _refused(error: InvalidInput) -> ItemResult:
    return ItemResult(error=error)
