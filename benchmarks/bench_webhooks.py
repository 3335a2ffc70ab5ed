"""Webhooks: from a move to its request, beside an endpoint that hangs and without it; and changes a second."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median, quantiles

import httpx
from figures import show, size_options
from server_process import running

from segmentd.client import Client
from segmentd.client.values import as_struct
from segmentd.v1 import profile_service_pb2, segment_pb2

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105  (of nobody)
VIP = {"attribute": {"vip": {"equals": True}}}
USERS_AT_ONCE = 5_000
HTTP_PEER = "httpx alone, the same bodies"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.note(time.time(), body)
        if self.path == "/hang":
            self.server.ended.wait()
            return
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class Receiver(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.bodies: list[tuple[float, bytes]] = []
        self.count = 0
        self.grown = threading.Condition()
        self.ended = threading.Event()
        self.address = f"http://127.0.0.1:{self.server_port}"

    def note(self, at: float, body: bytes) -> None:
        with self.grown:
            self.bodies.append((at, body))
            self.count += body.count(b'"position":')
            self.grown.notify_all()

    def wait_for(self, changes: int) -> None:
        with self.grown:
            self.grown.wait_for(lambda: self.count >= changes)

    def changes(self) -> list[tuple[float, dict]]:
        """Each change with the time at which its request came."""
        return [(at, change) for at, body in self.bodies for change in json.loads(body)["data"]["changes"]]


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    try:
        yield receiver
    finally:
        receiver.ended.set()
        receiver.shutdown()
        receiver.server_close()


@contextmanager
def serving(*urls: str) -> Iterator[Client]:
    """A server with these endpoints."""
    with tempfile.TemporaryDirectory() as folder:
        endpoints = [
            {"name": f"e{number}", "url": url, "secret": SECRET, "timeout": "1h"} for number, url in enumerate(urls)
        ]
        file = Path(folder, "webhooks.yaml")
        file.write_text(json.dumps({"endpoints": endpoints}))
        os.environ["SEGMENTD_WEBHOOKS"] = str(file)
        arguments = ("-m", "segmentd", "serve", "--db", f"{folder}/db", "--listen", "127.0.0.1:0", "--json")
        with running(*arguments) as server, Client(server.address, timeout=600) as client:
            yield client


def upsert(client: Client, users: range, *, vip: bool) -> None:
    for start in range(users.start, users.stop, USERS_AT_ONCE):
        ids = range(start, min(start + USERS_AT_ONCE, users.stop))
        attributes = as_struct({"vip": vip})
        client.upsert_profiles([profile_service_pb2.ProfileUpsert(user_id=f"u{i}", attributes=attributes) for i in ids])


def millis_of_moves(moves: int, *urls_of_others: str) -> list[float]:
    """From the recorded time of each single move, which lies before its fsync, to its request."""
    with receiving() as receiver, serving(receiver.address, *urls_of_others) as client:
        client.create_segment(segment_pb2.Segment(id="vip", rule=as_struct(VIP)))
        for user in range(moves):
            upsert(client, range(user, user + 1), vip=True)
        receiver.wait_for(moves)
        return [
            (at - datetime.fromisoformat(change["recorded_time"]).timestamp()) * 1e3
            for at, change in receiver.changes()
        ]


def changes_per_second(users: int) -> tuple[float, list[bytes]]:
    """Everybody enters a segment at once; changes a second at the endpoint, and the bodies that came."""
    with receiving() as receiver, serving(receiver.address) as client:
        upsert(client, range(users), vip=True)
        started = time.time()
        client.create_segment(segment_pb2.Segment(id="vip", rule=as_struct(VIP)))
        receiver.wait_for(users)
        bodies = list(receiver.bodies)
        return users / (bodies[-1][0] - min(started, bodies[0][0])), [body for _, body in bodies]


def bare_changes_per_second(users: int, bodies: list[bytes]) -> float:
    """The same requests by the same library, without a server, a log and signatures."""

    async def send(address: str) -> float:
        async with httpx.AsyncClient() as client:
            started = time.perf_counter()
            for body in bodies:
                await client.post(address, content=body)
            return time.perf_counter() - started

    with receiving() as receiver:
        return users / asyncio.run(send(receiver.address))


def main() -> None:
    sizes = size_options({"moves": 5, "users": 100}, moves=500, users=50_000)
    alone = millis_of_moves(sizes.moves)
    with receiving() as hanging:
        beside = millis_of_moves(sizes.moves, f"{hanging.address}/hang")
    peer = "without the endpoint that hangs"
    show("webhooks: move to request beside one that hangs, median", median(beside), "ms", peer, median(alone))
    tails = quantiles(beside, n=100)[98], quantiles(alone, n=100)[98]
    show("webhooks: move to request beside one that hangs, p99", tails[0], "ms", peer, tails[1])
    rate, bodies = changes_per_second(sizes.users)
    bare = bare_changes_per_second(sizes.users, bodies)
    show("webhooks: changes to one endpoint, 100 a request", rate, "changes/s", HTTP_PEER, bare)
    show("webhooks: requests to one endpoint", rate / 100, "requests/s", HTTP_PEER, bare / 100)


if __name__ == "__main__":
    main()
