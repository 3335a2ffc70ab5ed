"""CheckMembership by h2load: calls per CPU-second of a worker, and of one process alone, beside bare gRPC servers."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from itertools import cycle
from statistics import median

import grpc
from bare_servers import AIO, THREADS, bare_server, drawn_checks, threaded_server
from figures import medians, needs, show, size_options
from h2load import PACKAGE, Load, answered
from seeding import CLOCK, working_copy
from server_process import ServerProcess, serving

from segmentd.v1 import membership_service_pb2 as pb
from segmentd.v1.membership_service_pb2_grpc import MembershipServiceStub

CALLS_IN_TURN = 1_000


def rate_of(program: str, server: ServerProcess, messages: Callable[[], bytes], seconds: int) -> float:
    """Calls per CPU-second of the processes that answer: the workers where there are any."""
    before = server.worker_cpu_seconds()
    calls = answered(program, server.address, messages(), Load(seconds))
    return calls / (server.worker_cpu_seconds() - before)


def latency(server: ServerProcess, messages: list[bytes]) -> float:
    """Median microseconds of a call by grpcio's client, one after another."""
    with grpc.insecure_channel(server.address) as channel:
        stub = MembershipServiceStub(channel)
        taken = []
        for message in messages:
            request = pb.CheckMembershipRequest.FromString(message)
            start = time.perf_counter()
            stub.CheckMembership(request)
            taken.append(time.perf_counter() - start)
    return median(taken) * 1e6


def main() -> None:
    sizes = size_options(
        {"users": 200, "events": 2_000, "segments": 5, "seconds": 1, "rounds": 1},
        users=20_000,
        events=200_000,
        segments=100,
        seconds=1,
        rounds=21,
    )
    told = {name: getattr(sizes, name) for name in ("users", "events", "segments")}
    program = needs("h2load", PACKAGE)
    messages = drawn_checks(sizes.users, sizes.segments, CALLS_IN_TURN)
    following = cycle(messages)
    with (
        working_copy(sizes.cache, sizes.users, sizes.events, sizes.segments, after_stop=True) as database,
        bare_server() as aio,
        threaded_server() as threads,
    ):
        for workers, title in ((1, "of a worker"), (0, "of one process alone")):
            with serving(database, workers=workers, clock=CLOCK) as ours:
                servers = (ours, aio, threads)
                for server in servers:
                    latency(server, messages)  # warm
                if program is not None:
                    # A run asks about one user and segment, the next one about others.
                    runs = [
                        partial(rate_of, program, server, partial(next, following), sizes.seconds) for server in servers
                    ]
                    rate, *peers = medians(sizes.rounds, *runs)
                    for peer, value in zip((AIO, THREADS), peers, strict=True):
                        show(f"check: calls per CPU-second {title}", rate, "calls/CPU-s", peer, value, **told)
                taken, peer_taken = medians(
                    sizes.rounds, partial(latency, ours, messages), partial(latency, aio, messages)
                )
                show(f"check: latency {title}, one caller, median", taken, "µs", AIO, peer_taken, **told)


if __name__ == "__main__":
    main()
