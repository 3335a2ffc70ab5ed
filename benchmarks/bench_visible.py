"""One event from its acknowledgement to Check and Watch, at 2,000 events a second with 20 behavioral segments."""

from __future__ import annotations

import asyncio
import time

import grpc.aio
import numpy as np
from beside import beside, write_steadily
from figures import show, size_options
from seeded_rules import behavioral_rules
from seeding import CLOCK, working_copy
from server_process import serving

from segmentd.v1 import membership_pb2, profile_pb2, profile_service_pb2
from segmentd.v1 import membership_service_pb2 as pb
from segmentd.v1.membership_service_pb2_grpc import MembershipServiceStub
from segmentd.v1.profile_service_pb2_grpc import ProfileServiceStub

SEGMENTS = 20
PROBE = "b0000"
"""A user's first opening of the app enters it."""
EVENT = "Application Opened"
PROBES_PER_SECOND = 50
SETTLE = 2.0
TARGET = 20.0
"""Milliseconds."""
PERCENTILES = (50, 99)


class Probes:
    """Writes about users nobody has heard of, each once, and looks when their membership is there."""

    def __init__(self, channels: tuple[grpc.aio.Channel, grpc.aio.Channel]) -> None:
        writes, reads = channels
        self._profiles, self._memberships = ProfileServiceStub(writes), MembershipServiceStub(reads)
        self._run = time.time_ns()
        self._awaited: set[str] = set()
        self._all_told = asyncio.Event()
        self.acknowledged: dict[str, float] = {}
        self.checked: dict[str, float] = {}
        self.told: dict[str, float] = {}
        self.written: dict[str, float] = {}

    async def follow(self, ready: asyncio.Event) -> None:
        """Note when the watch tells of each user."""
        call = self._memberships.WatchTransitions(pb.WatchTransitionsRequest(segment_ids=[PROBE]))
        await call.read()
        ready.set()
        while (message := await call.read()) is not grpc.aio.EOF:
            now = time.perf_counter()
            for transition in message.transitions.transitions:
                if transition.user_id in self._awaited:
                    self._awaited.remove(transition.user_id)
                    self.told[transition.user_id] = now
            if not self._awaited:
                self._all_told.set()

    async def probe(self, number: int) -> None:
        user = self._name(number)
        event = profile_pb2.Event(user_id=user, name=EVENT, message_id=user)
        sent = time.perf_counter()
        await self._profiles.IngestEvents(profile_service_pb2.IngestEventsRequest(events=[event]))
        self.acknowledged[user] = time.perf_counter()
        self.written[user] = self.acknowledged[user] - sent
        request = pb.CheckMembershipRequest(user_id=user, segment_id=PROBE)
        answer = await self._memberships.CheckMembership(request)
        while answer.membership != membership_pb2.MEMBERSHIP_MEMBER:
            answer = await self._memberships.CheckMembership(request)
        self.checked[user] = time.perf_counter()

    async def run(self, seconds: float) -> None:
        """Probes when they are due, whatever others take."""
        ready = asyncio.Event()
        self._awaited |= {self._name(number) for number in range(int(seconds * PROBES_PER_SECOND))}
        following = asyncio.create_task(self.follow(ready))
        await ready.wait()
        begin, probes = time.perf_counter(), []
        for number in range(int(seconds * PROBES_PER_SECOND)):
            await asyncio.sleep(max(0.0, begin + number / PROBES_PER_SECOND - time.perf_counter()))
            probes.append(asyncio.create_task(self.probe(number)))
        await asyncio.gather(*probes)
        await self._all_told.wait()
        following.cancel()

    def _name(self, number: int) -> str:
        return f"probe-{self._run}-{number}"


async def probed(address: str, seconds: float) -> Probes:
    """Writes go by one connection, questions by another: with workers, to whichever process takes it."""
    own = [("grpc.use_local_subchannel_pool", 1)]
    async with (
        grpc.aio.insecure_channel(address, options=own) as writes,
        grpc.aio.insecure_channel(address, options=own) as reads,
    ):
        probes = Probes((writes, reads))
        await probes.run(seconds)
        return probes


def main() -> None:
    sizes = size_options(
        {"users": 200, "events": 2_000, "seconds": 1, "events_per_second": 100},
        users=20_000,
        events=200_000,
        seconds=15,
        workers=1,
        events_per_second=2_000,
    )
    chosen = behavioral_rules(SEGMENTS)
    with (
        working_copy(sizes.cache, sizes.users, sizes.events, SEGMENTS, chosen, after_stop=True) as database,
        serving(database, workers=sizes.workers, clock=CLOCK) as server,
    ):
        lasting = sizes.seconds + 2 * SETTLE
        with beside(write_steadily, server.address, sizes.users, sizes.events_per_second, lasting, time.time_ns()):
            time.sleep(SETTLE)
            probes = asyncio.run(probed(server.address, sizes.seconds))
    told = {name: getattr(sizes, name) for name in ("users", "events", "workers", "events_per_second")}
    told["segments"] = SEGMENTS
    for title, seen in (("a check sees it", probes.checked), ("a watcher is told", probes.told)):
        # A watcher may hear of a write before its writer does; then nobody waited.
        late = [max(0.0, at - probes.acknowledged[user]) * 1e3 for user, at in seen.items()]
        for percentile in PERCENTILES:
            taken = float(np.percentile(late, percentile))
            show(f"visible: from acknowledged until {title}, p{percentile}", taken, "ms", "target", TARGET, **told)
    sent = {user: at - probes.written[user] for user, at in probes.acknowledged.items()}
    for title, seen in (("acknowledged", probes.acknowledged), ("a watcher is told", probes.told)):
        taken = float(np.percentile([at - sent[user] for user, at in seen.items()], 99)) * 1e3
        show(f"visible: from sent until {title}, p99", taken, "ms", "target", TARGET, **told)


if __name__ == "__main__":
    main()
