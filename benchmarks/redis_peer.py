"""Redis with one set of user ids a segment, asked by redis-py with hiredis over one connection in pipelines."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import psutil
import redis

PACKAGE = "Debian's redis-server"
PEER = "Redis, SMISMEMBER pipelined by redis-py with hiredis"
_ADDED_AT_ONCE = 10_000


class RedisPeer:
    """A server of its own with nothing but the sets."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self._process = psutil.Process(process.pid)
        self.client = redis.Redis(port=port, socket_connect_timeout=5)

    def cpu_seconds(self) -> float:
        """User and system time of the server so far."""
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def fill(self, members: Mapping[str, Sequence[str]]) -> None:
        """Make the set of each segment."""
        for name, users in members.items():
            for start in range(0, len(users), _ADDED_AT_ONCE):
                self.client.sadd(name, *users[start : start + _ADDED_AT_ONCE])

    def members(self, audiences: Sequence[Sequence[str]], segments: Sequence[str]) -> list[list[list[int]]]:
        """For each audience an answer of SMISMEMBER a segment, all of them in one pipeline."""
        with self.client.pipeline(transaction=False) as pipeline:
            for users in audiences:
                for name in segments:
                    pipeline.smismember(name, list(users))
            answers: list[list[int]] = pipeline.execute()
        width = len(segments)
        return [answers[start : start + width] for start in range(0, len(answers), width)]


@contextmanager
def redis_server(program: str) -> Iterator[RedisPeer]:
    """Redis in memory until the end of the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [program, "--port", str(port), "--save", "", "--appendonly", "no", "--bind", "127.0.0.1"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603  (nothing from outside)
    try:
        peer = RedisPeer(process, port)
        _wait(peer.client)
        yield peer
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait(client: redis.Redis) -> None:
    for _ in range(100):
        try:
            client.ping()
        except redis.ConnectionError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit("redis-server does not answer")
