"""How long a move takes to its watchers: from the write that makes it, and from the instant at which time makes it."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles

import grpc
import grpc.aio
from figures import show, size_options
from server_process import ServerProcess, serving

from segmentd.client import Client
from segmentd.client.values import as_struct
from segmentd.v1 import membership_service_pb2 as pb
from segmentd.v1 import profile_pb2, profile_service_pb2, segment_pb2, transition_pb2
from segmentd.v1.membership_service_pb2_grpc import MembershipServiceStub
from segmentd.v1.profile_service_pb2_grpc import ProfileServiceStub

CROWDS = (1, 100, 1_000)
CHANNELS = 10
"""Connections that the watchers share."""
EXITS, APART = 60, 0.02
"""Exits by time of one round, and the seconds between two: all entered before the first leaves."""
TARGET = 50.0
"""Milliseconds within which an exit by time is to be told."""

Told = Callable[[transition_pb2.Transition], None]


def define(address: str) -> None:
    rules = {
        "pro": {"attribute": {"plan": {"equals": "pro"}}},
        "recent": {"behavioral": {"event": "Login", "within": "2s", "count": {"at_least": 1}}},
    }
    with Client(address, timeout=120) as client:
        for name, rule in rules.items():
            client.create_segment(segment_pb2.Segment(id=name, rule=as_struct(rule)))


async def begun(channel: grpc.aio.Channel, segment: str) -> grpc.aio.UnaryStreamCall:
    """A watch whose first message has come."""
    call = MembershipServiceStub(channel).WatchTransitions(pb.WatchTransitionsRequest(segment_ids=[segment]))
    await call.read()
    return call


async def follow(call: grpc.aio.UnaryStreamCall, told: Told) -> None:
    while (message := await call.read()) is not grpc.aio.EOF:
        for transition in message.transitions.transitions:
            told(transition)


async def writes(address: str, watchers: int, rounds: int) -> tuple[list[float], list[float]]:
    """Milliseconds from the start of a write to its answer, and to the last watcher that is told, write by write."""
    channels = [
        grpc.aio.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)]) for _ in range(CHANNELS)
    ]
    left, everybody = 0, asyncio.Event()

    def told(_: transition_pb2.Transition) -> None:
        nonlocal left
        left -= 1
        if not left:
            everybody.set()

    calls = [await begun(channels[number % CHANNELS], "pro") for number in range(watchers)]
    following = [asyncio.create_task(follow(call, told)) for call in calls]
    profiles = ProfileServiceStub(channels[0])
    answered, known = [], []
    for number in range(rounds):
        plan = as_struct({"plan": ("pro", "free")[number % 2]})
        request = profile_service_pb2.UpsertProfilesRequest(
            profiles=[profile_service_pb2.ProfileUpsert(user_id="u", attributes=plan)]
        )
        left = watchers
        everybody.clear()
        start = time.perf_counter()
        await profiles.UpsertProfiles(request)
        answered.append((time.perf_counter() - start) * 1e3)
        await everybody.wait()
        known.append((time.perf_counter() - start) * 1e3)
    for task in following:
        task.cancel()
    for channel in channels:
        await channel.close()
    return answered, known


async def exits(address: str, rounds: int) -> list[float]:
    """Milliseconds from the instant of each exit by time until it was told, on a server that is idle meanwhile."""
    late: list[float] = []
    all_left = asyncio.Event()

    def told(transition: transition_pb2.Transition) -> None:
        if transition.move == transition_pb2.MOVE_LEFT:
            late.append((time.time_ns() - transition.effective_time.ToNanoseconds()) / 1e6)
            if len(late) % EXITS == 0:
                all_left.set()

    async with grpc.aio.insecure_channel(address) as channel:
        following = asyncio.create_task(follow(await begun(channel, "recent"), told))
        profiles = ProfileServiceStub(channel)
        for _ in range(rounds):
            all_left.clear()
            for number in range(EXITS):
                event = profile_pb2.Event(user_id=f"t{number}", name="Login")
                await profiles.IngestEvents(profile_service_pb2.IngestEventsRequest(events=[event]))
                await asyncio.sleep(APART)
            await all_left.wait()
        following.cancel()
    return late


def measure(server: ServerProcess, rounds: int, exit_rounds: int, crowd: int) -> None:
    define(server.address)
    asyncio.run(writes(server.address, 1, rounds))  # warm
    for watchers in (each for each in CROWDS if each <= crowd):
        answered, known = asyncio.run(writes(server.address, watchers, rounds))
        name = f"watch: a write until the last of {watchers:,} watchers is told, median"
        show(name, median(known), "ms", "until the write is answered", median(answered), watchers=watchers)
    late = asyncio.run(exits(server.address, exit_rounds))
    show("watch: an exit by time until it is told, median", median(late), "ms", "target", TARGET)
    show("watch: an exit by time until it is told, p99", quantiles(late, n=100)[98], "ms", "target", TARGET)


def main() -> None:
    sizes = size_options({"rounds": 2, "exit_rounds": 1, "crowd": 1}, rounds=30, exit_rounds=5, crowd=max(CROWDS))
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder, "bench.db")) as server:
        measure(server, sizes.rounds, sizes.exit_rounds, sizes.crowd)


if __name__ == "__main__":
    main()
