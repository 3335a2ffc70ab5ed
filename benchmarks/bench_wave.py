"""A midnight: the deadlines of all users at one instant, and what checks take meanwhile, beside the quiet server."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import grpc.aio
import numpy as np
from figures import show, size_options
from server_process import running

from segmentd.client import Client
from segmentd.client.values import as_struct
from segmentd.v1 import membership_service_pb2 as pb
from segmentd.v1 import profile_pb2, segment_pb2
from segmentd.v1.membership_service_pb2_grpc import MembershipServiceStub

BATCH = 5_000
SEGMENTS = 20
CHECKS_PER_SECOND = 200
QUIET_SECONDS = 8
SETTLED_SECONDS = 1.5
"""So long no revision comes once a wave is over."""
EVENT = "Application Opened"


def load(address: str, users: int) -> tuple[datetime, float]:
    """One event a user, all at one instant, and segments that everybody leaves at one instant.

    Gives that instant, and the seconds that defining the segments took: judging all users once for each.
    """
    opened = datetime.now(UTC).replace(microsecond=0)
    with Client(address, timeout=600) as client:
        for start in range(0, users, BATCH):
            ids = range(start, min(start + BATCH, users))
            events = [profile_pb2.Event(user_id=f"u{i}", name=EVENT) for i in ids]
            for event in events:
                event.event_time.FromDatetime(opened)
            client.ingest_events(events)
        # What defining the segments takes is added, so that the instant lies ahead of the quiet measurement.
        defining = 2 + users / 40_000
        ahead = datetime.now(UTC) + timedelta(seconds=defining + QUIET_SECONDS + 4)
        window = round((ahead - opened).total_seconds())
        began = time.monotonic()
        for number in range(SEGMENTS):
            recent = {"behavioral": {"event": EVENT, "count": {"at_least": 1}, "within": f"{window}s"}}
            never = {"attribute": {f"a{number}": {"missing": True}}}
            segment = segment_pb2.Segment(id=f"s{number}", rule=as_struct({"all": [recent, never]}))
            client.create_segment(segment)
        return opened + timedelta(seconds=window), time.monotonic() - began


async def paced(until: float) -> AsyncIterator[None]:
    """One turn for each check, by the clock and not by the answers."""
    turn = time.monotonic()
    while time.monotonic() < until:
        await asyncio.sleep(max(0.0, turn - time.monotonic()))
        yield
        turn += 1 / CHECKS_PER_SECOND


class Checks:
    """Sends checks at a steady rate; notes when each was sent, what it took and the revision of the answer."""

    def __init__(self, stub: MembershipServiceStub, users: int) -> None:
        self._stub = stub
        self._users = users
        self.sent: list[float] = []
        self.taken: list[float] = []
        self.revisions: list[int] = []

    async def run(self, until: float) -> None:
        draw = random.Random(11)
        calls = []
        async for _ in paced(until):
            request = pb.CheckMembershipRequest(
                user_id=f"u{draw.randrange(self._users)}", segment_id=f"s{draw.randrange(SEGMENTS)}"
            )
            calls.append(asyncio.create_task(self._call(request)))
        await asyncio.gather(*calls)

    async def _call(self, request: pb.CheckMembershipRequest) -> None:
        start = time.time()
        answer = await self._stub.CheckMembership(request)
        self.sent.append(start)
        self.taken.append(time.time() - start)
        self.revisions.append(answer.revision)

    def latencies(self, start: float, end: float, percentile: float) -> float:
        """Milliseconds."""
        sent, taken = np.array(self.sent), np.array(self.taken)
        return float(np.percentile(taken[(sent >= start) & (sent < end)], percentile)) * 1e3


async def observe(address: str, users: int, due: float) -> tuple[Checks, float]:
    """Checks from now until the wave is over, and when it was (seconds of the epoch)."""
    async with grpc.aio.insecure_channel(address) as channel:
        stub = MembershipServiceStub(channel)
        checks = Checks(stub, users)
        ended = 0.0
        while not ended:
            await checks.run(time.monotonic() + max(due - time.time(), 0.0) + 2 * SETTLED_SECONDS)
            revisions = np.array(checks.revisions)
            last = np.array(checks.sent)[revisions == revisions.max()].min()
            if time.time() - last > SETTLED_SECONDS and time.time() > due:
                ended = float(last)
        return checks, ended


def main() -> None:
    users = size_options(users=100_000).users
    with tempfile.TemporaryDirectory() as folder:
        serve = ("-m", "segmentd", "serve", "--json", "--listen", "127.0.0.1:0", "--db", f"{folder}/bench.db")
        with running(*serve) as server:
            instant, judging = load(server.address, users)
            due = instant.timestamp()
            spare = due - time.time()
            if spare < QUIET_SECONDS:
                raise SystemExit(f"defining the segments took too long: the wave is {spare:.0f} s away")
            before = server.peak_mib()
            time.sleep(max(0.0, spare - QUIET_SECONDS))  # the quiet measurement ends with the wave's begin
            checks, ended = asyncio.run(observe(server.address, users, due))
            title = f"wave of {users:,} users x {SEGMENTS} segments"
            quiet = "the same server before the wave"
            for percentile in (50, 99):
                during = checks.latencies(due, ended, percentile)
                peer = checks.latencies(due - QUIET_SECONDS, due, percentile)
                show(f"{title}: p{percentile} of checks meanwhile", during, "ms", quiet, peer)
            show(f"{title}: in all", ended - due, "s", "defining the segments, all users judged for each", judging)
            show(f"{title}: peak memory", server.peak_mib(), "MiB", "peak before the wave", before)


if __name__ == "__main__":
    main()
