"""A real HTTP server on a free port whose answers a test chooses, and what it was sent."""

from __future__ import annotations

import json
import queue
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass(frozen=True)
class Request:
    """What came: the path, headers with small names, and the body."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def changes(self) -> list[dict[str, Any]]:
        """The changes, of a request whose signature is right."""
        Webhook(SECRET).verify(self.body, self.headers)
        found: list[dict[str, Any]] = json.loads(self.body)["data"]["changes"]
        return found

    @property
    def moves(self) -> list[tuple[str, str, str]]:
        """Who moved where and how."""
        return [(each["user_id"], each["segment_id"], each["move"]) for each in self.changes]


Behaviour = Callable[["Handler", Request], None]


class Handler(BaseHTTPRequestHandler):
    """Notes the request and does what the receiver is told to do next."""

    protocol_version = "HTTP/1.1"
    server: Receiver

    def do_POST(self) -> None:
        size = int(self.headers["content-length"])
        body = self.rfile.read(size)
        if len(body) < size:  # the sender was killed meanwhile; nothing was said to have arrived
            self.hang_up()
            return
        request = Request(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
        behaviour = self.server.next_behaviour()
        self.server.requests.put(request)
        self.server.seen.append(request)
        # The sender may have given up.
        with suppress(OSError):
            behaviour(self, request)

    def raw(self, content: bytes) -> None:
        """Write bytes and hang up."""
        self.wfile.write(content)
        self.wfile.flush()
        self.hang_up()

    def hang_up(self) -> None:
        """Close the connection."""
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  (the name is given)
        """Tests are quiet."""


class Receiver(ThreadingHTTPServer):
    """`script` has the next behaviours; when it is empty, `usual` is what happens."""

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.requests: queue.Queue[Request] = queue.Queue()
        self.seen: list[Request] = []
        self.script: list[Behaviour] = []
        self.usual: Behaviour = status(200)
        self.released = threading.Event()
        self._choosing = threading.Lock()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def next_behaviour(self) -> Behaviour:
        with self._choosing:
            return self.script.pop(0) if self.script else self.usual

    def next(self) -> Request:
        """The next request; one that does not come within half a minute is a fault."""
        return self.requests.get(timeout=30)

    def handle_error(self, request: object, client_address: object) -> None:
        """A sender that gave up is no fault."""


def status(code: int, body: bytes = b"", **headers: str) -> Behaviour:
    """Answer with a status; `Retry_After="1"` is a header."""

    def answer(handler: Handler, request: Request) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def hang(handler: Handler, request: Request) -> None:
    """No answer until the receiver ends."""
    handler.server.released.wait(60)
    handler.hang_up()


def garbage(handler: Handler, request: Request) -> None:
    """What is no HTTP, with what a user might be called in it."""
    handler.raw(b"\x00\xff ada <html>\r\n\r\n")


def close_at_once(handler: Handler, request: Request) -> None:
    """Hang up without a word."""
    handler.hang_up()


def close_in_headers(handler: Handler, request: Request) -> None:
    """Hang up in the middle of the headers."""
    handler.raw(b"HTTP/1.1 200 OK\r\ncontent-ty")


def close_in_body(handler: Handler, request: Request) -> None:
    """Hang up in the middle of the body."""
    handler.raw(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf")


def endless_body(handler: Handler, request: Request) -> None:
    """A body without an end."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while not handler.server.released.is_set():
        handler.wfile.write(b"10000\r\n" + b"x" * 65_536 + b"\r\n")


@contextmanager
def receiving(port: int = 0) -> Iterator[Receiver]:
    """A receiver that listens until the end of the block."""
    receiver = Receiver(port)
    thread = threading.Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.released.set()
        receiver.shutdown()
        receiver.server_close()
        thread.join()
