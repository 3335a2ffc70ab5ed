"""Durable ingest with twenty behavioral segments live, beside sqlite3's executemany of the rows that it wrote."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import TypeAlias

import grpc
from figures import medians, show, size_options
from ingest_peer import Follower, Peer, Rows, only_events
from seeded_rules import behavioral_rules
from seeding import CLOCK, NOW, working_copy
from server_process import serving
from shop_events import Drawn

from segmentd.plugins.host import load_plugins
from segmentd.server.structs import to_struct
from segmentd.service.items import EventWrite
from segmentd.service.service import Service
from segmentd.service.value_types import Currencies
from segmentd.times import FrozenClock
from segmentd.v1 import profile_pb2
from segmentd.v1 import profile_service_pb2 as pb

BATCH = 1_000
SEGMENTS = 20
CALLERS = 4
PEER = "sqlite3 executemany, synchronous=FULL, all rows that were written"
EVENTS_ALONE = "sqlite3 executemany, synchronous=FULL, the events alone"
STREAM = "/segmentd.v1.ProfileService/StreamEvents"
Told: TypeAlias = dict[str, int]


def drawn(source: Drawn, size: int) -> list[EventWrite]:
    """Events of users of a seeded database; no two calls give the same."""
    return [write._replace(user_id=f"u{int(write.user_id[1:]):07d}") for write in source.writes(size)]


def seconds_of_service(service: Service, writes: list[EventWrite], batch: int) -> list[float]:
    """The seconds of each call, one after another."""

    async def run() -> list[float]:
        taken = []
        for at in range(0, len(writes), batch):
            start = time.perf_counter()
            await _ingest(service, writes[at : at + batch])
            taken.append(time.perf_counter() - start)
        return taken

    return asyncio.run(run())


def seconds_of_callers(service: Service, writes: list[EventWrite]) -> float:
    """The seconds of all batches, with a few callers that each wait for their own."""

    async def caller(number: int) -> None:
        for at in range(number * BATCH, len(writes), CALLERS * BATCH):
            await _ingest(service, writes[at : at + BATCH])

    async def run() -> None:
        await asyncio.gather(*(caller(number) for number in range(CALLERS)))

    start = time.perf_counter()
    asyncio.run(run())
    return time.perf_counter() - start


async def _ingest(service: Service, writes: list[EventWrite]) -> None:
    outcome = await service.profiles.ingest(writes)
    if any(result.error is not None or result.duplicate for result in outcome.results):
        raise SystemExit("an event was not stored")


def seconds_of_stream(channel: grpc.Channel, writes: list[EventWrite]) -> float:
    """The seconds from the first request of a stream until its last answer; requests are bytes before that."""
    requests = [_request(writes[at : at + BATCH]) for at in range(0, len(writes), BATCH)]
    call: grpc.StreamStreamMultiCallable[bytes, pb.StreamEventsResponse] = channel.stream_stream(
        STREAM, response_deserializer=pb.StreamEventsResponse.FromString
    )
    start = time.perf_counter()
    answers = list(call(iter(requests)))
    taken = time.perf_counter() - start
    stored = sum(result.outcome == pb.INGEST_OUTCOME_STORED for answer in answers for result in answer.results)
    if stored != len(writes):
        raise SystemExit("an event was not stored")
    return taken


def _request(writes: list[EventWrite]) -> bytes:
    events = []
    for write in writes:
        event = profile_pb2.Event(user_id=write.user_id, name=write.name, message_id=write.message_id)
        event.event_time.FromMicroseconds(write.time or NOW)
        event.properties.CopyFrom(to_struct(write.properties))
        events.append(event)
    return pb.StreamEventsRequest(events=events).SerializeToString()


class Turns:
    """Our sides and the peers in turns: what a peer writes is what our side wrote just before."""

    def __init__(self, follower: Follower, peer: Peer, draw: Callable[[int], list[EventWrite]], size: int) -> None:
        self._follower = follower
        self._peer = peer
        self._draw = draw
        self._size = size
        self._rows: Rows = {}

    def ours(self, seconds: Callable[[list[EventWrite]], float]) -> Callable[[], float]:
        """Events a second of one of our sides."""

        def run() -> float:
            writes = self._draw(self._size)
            gc.collect()
            taken = seconds(writes)
            self._rows = self._follower.news()
            return self._size / taken

        return run

    def all_rows(self) -> float:
        """Events a second of the peer that writes everything."""
        return self._size / sum(self._peer.seconds(self._rows, BATCH))

    def events_alone(self) -> float:
        """Events a second of the peer that writes the events alone."""
        return self._size / sum(self._peer.seconds(only_events(self._rows), BATCH))


@contextmanager
def followed(path: Path) -> Iterator[Follower]:
    """What tells the rows that are written from now on."""
    follower = Follower(path)
    try:
        yield follower
    finally:
        follower.close()


def batches(service: Service, turns: Turns, rounds: int, told: Told) -> None:
    """By one caller, and by several at once."""
    alone, bare, together, peer = medians(
        rounds,
        turns.ours(lambda writes: sum(seconds_of_service(service, writes, BATCH))),
        turns.events_alone,
        turns.ours(lambda writes: seconds_of_callers(service, writes)),
        turns.all_rows,
    )
    for name, value in (("events in batches of 1,000", alone), (f"the same by {CALLERS} callers at once", together)):
        show(f"ingest: {name}", value, "events/s", PEER, peer, **told)
        show(f"ingest: {name}", value, "events/s", EVENTS_ALONE, bare, **told)


def single_events(service: Service, follower: Follower, peer: Peer, writes: list[EventWrite], told: Told) -> None:
    """Events that come one by one."""
    half = len(writes) // 2
    mine: list[float] = []
    others: list[float] = []
    for some in (writes[:half], writes[half:]):
        mine += seconds_of_service(service, some, 1)
        others += peer.seconds(follower.news(), 1)
    show("ingest: one event, median", median(mine) * 1e3, "ms", PEER, median(others) * 1e3, **told)
    tails = (quantiles(side, n=100)[98] * 1e3 for side in (mine, others))
    show("ingest: one event, p99", next(tails), "ms", PEER, next(tails), **told)


def through_grpc(
    path: Path, peer: Peer, draw: Callable[[int], list[EventWrite]], size: int, rounds: int
) -> list[float]:
    """Events a second that one client streams to a server, and its peer's; the server's CPU seconds of one event."""
    with serving(path, clock=CLOCK) as server, grpc.insecure_channel(server.address) as channel, followed(path) as news:
        seconds_of_stream(channel, draw(BATCH))
        news.news()
        before = server.cpu_seconds()
        turns = Turns(news, peer, draw, size)
        ours, theirs = medians(rounds, turns.ours(lambda writes: seconds_of_stream(channel, writes)), turns.all_rows)
        return [ours, theirs, (server.cpu_seconds() - before) / rounds / size]


def main() -> None:
    sizes = size_options(
        {"users": 200, "events": 2_000, "ingested": 1_000, "rounds": 1, "singles": 10},
        users=20_000,
        events=200_000,
        ingested=50_000,
        rounds=5,
        singles=600,
    )
    told = {"users": sizes.users, "events": sizes.events, "segments": SEGMENTS}
    size = max(1, sizes.ingested // BATCH) * BATCH
    source, chosen = Drawn(sizes.users), behavioral_rules(SEGMENTS)
    copied = (sizes.cache, sizes.users, sizes.events, SEGMENTS, chosen)

    def draw(size: int) -> list[EventWrite]:
        return drawn(source, size)

    with working_copy(*copied) as path, working_copy(*copied) as others:
        peer = Peer(others)
        service = Service.open(path, load_plugins(), FrozenClock(NOW), Currencies())
        try:
            with followed(path) as follower:
                seconds_of_service(service, draw(BATCH), BATCH)
                peer.seconds(follower.news(), BATCH)
                batches(service, Turns(follower, peer, draw, size), sizes.rounds, told)
                single_events(service, follower, peer, draw(sizes.singles), told)
        finally:
            service.close()
        ours, theirs, cpu = through_grpc(path, peer, draw, size, sizes.rounds)
        show("ingest: the same by StreamEvents", ours, "events/s", PEER, theirs, **told)
        show("ingest: the same by StreamEvents, CPU of an event", cpu * 1e6, "us", PEER, 1e6 / theirs, **told)
        peer.close()


if __name__ == "__main__":
    main()
