"""The bare servers beside which checks are measured, and requests of a seeded database."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seeded_rules import rules
from seeding import first_users
from server_process import ServerProcess, running

from segmentd.v1 import membership_service_pb2 as pb

AIO = "bare grpc.aio server, constant answer"
THREADS = "bare grpcio server of threads, constant answer"
_SCRIPT = str(Path(__file__).with_name("constant_server.py"))


@contextmanager
def bare_server() -> Iterator[ServerProcess]:
    """By grpc.aio."""
    with running(_SCRIPT) as server:
        yield server


@contextmanager
def threaded_server() -> Iterator[ServerProcess]:
    """By grpcio's threads."""
    with running(_SCRIPT, "threads") as server:
        yield server


def drawn_checks(users: int, segments: int, size: int) -> list[bytes]:
    """Encoded requests about users and segments of a seeded database, drawn at random."""
    draw, ids, names = random.Random(7), first_users(users), list(rules(segments))
    return [
        pb.CheckMembershipRequest(user_id=draw.choice(ids), segment_id=draw.choice(names)).SerializeToString()
        for _ in range(size)
    ]
