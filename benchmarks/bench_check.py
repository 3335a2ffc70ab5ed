"""CheckMembership over loopback, beside a bare grpc.aio server that answers the same message with a constant."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from pathlib import Path
from statistics import median

import grpc
import grpc.aio
from figures import medians, show, size_options
from server_process import ServerProcess, running
from shop_rules import EVENTS, RULES

from segmentd.client import Client
from segmentd.client.values import as_struct
from segmentd.v1 import membership_service_pb2 as pb
from segmentd.v1 import profile_pb2, segment_pb2
from segmentd.v1.membership_service_pb2_grpc import MembershipServiceStub

ROUNDS = 5
CALLS = 4_000
CALLERS = 16
CALLS_IN_TURN = 1_000
BATCH = 1_000
PEER = "bare grpc.aio server, constant answer"


def load(address: str, users: int) -> None:
    """One event a user, and the twenty segments."""
    with Client(address, timeout=120) as client:
        for start in range(0, users, BATCH):
            ids = range(start, min(start + BATCH, users))
            client.ingest_events([profile_pb2.Event(user_id=f"u{i}", name=EVENTS[i % len(EVENTS)]) for i in ids])
        for name, rule in RULES.items():
            client.create_segment(segment_pb2.Segment(id=name, rule=as_struct(rule)))


def drawn(users: int, calls: int) -> list[pb.CheckMembershipRequest]:
    segments = list(RULES)
    draw = random.Random(7)
    return [
        pb.CheckMembershipRequest(user_id=f"u{draw.randrange(users)}", segment_id=draw.choice(segments))
        for _ in range(calls)
    ]


async def call_all(address: str, requests: list[pb.CheckMembershipRequest]) -> None:
    """CALLERS calls under way at any time, on one connection."""
    async with grpc.aio.insecure_channel(address) as channel:
        stub = MembershipServiceStub(channel)

        async def caller(share: list[pb.CheckMembershipRequest]) -> None:
            for request in share:
                await stub.CheckMembership(request)

        await asyncio.gather(*(caller(requests[i::CALLERS]) for i in range(CALLERS)))


def calls_per_cpu_second(server: ServerProcess, requests: list[pb.CheckMembershipRequest]) -> float:
    before = server.cpu_seconds()
    asyncio.run(call_all(server.address, requests))
    return len(requests) / (server.cpu_seconds() - before)


def latency(server: ServerProcess, requests: list[pb.CheckMembershipRequest]) -> float:
    """Median microseconds of a call, one after another."""
    with grpc.insecure_channel(server.address) as channel:
        stub = MembershipServiceStub(channel)
        taken = []
        for request in requests:
            start = time.perf_counter()
            stub.CheckMembership(request)
            taken.append(time.perf_counter() - start)
    return median(taken) * 1e6


def main() -> None:
    users = size_options(users=20_000).users
    requests = drawn(users, CALLS)
    in_turn = requests[:CALLS_IN_TURN]
    with tempfile.TemporaryDirectory() as folder:
        serve = ("-m", "segmentd", "serve", "--json", "--listen", "127.0.0.1:0", "--db", f"{folder}/bench.db")
        with running(*serve) as ours, running(str(Path(__file__).with_name("constant_server.py"))) as bare:
            load(ours.address, users)
            latency(ours, in_turn), latency(bare, in_turn)  # warm
            sides = (lambda: calls_per_cpu_second(ours, requests), lambda: calls_per_cpu_second(bare, requests))
            rate, peer = medians(ROUNDS, *sides)
            show("check: calls per CPU-second of the server", rate, "calls/CPU-s", PEER, peer)
            taken, peer = medians(ROUNDS, lambda: latency(ours, in_turn), lambda: latency(bare, in_turn))
            show("check: median latency, one caller", taken, "µs", PEER, peer)


if __name__ == "__main__":
    main()
