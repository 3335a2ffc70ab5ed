"""Open-loop load on a unary method: calls go out when they are due, however long others take, over HTTP/2 by hand.

A latency counts from the instant at which its call was due, so that calls which had to wait, here or there, are not
left out (coordinated omission). One thread; frames are made beforehand but for their stream numbers, so that a call
costs some ten microseconds, far less than it costs a server.
"""

from __future__ import annotations

import selectors
import socket
import struct
import time
from collections.abc import Sequence

import numpy as np
from h2load import CHECK, framed
from numpy.typing import NDArray

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RESET, _SETTINGS, _PING, _AWAY, _WINDOW = 0, 1, 3, 4, 6, 7, 8
_END_STREAM, _END_HEADERS, _ACK = 1, 4, 1
_HEAD = 9
_RECEIVE_WINDOW = 2**30
_LEAD = 0.2


class Connection:
    """One connection; a stream carries one call."""

    def __init__(self, address: str, path: str) -> None:
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host.strip("[]"), int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        window = _frame(_WINDOW, 0, 0, struct.pack("!I", _RECEIVE_WINDOW))
        self.socket.sendall(_PREFACE + _frame(_SETTINGS, 0, 0) + window)
        self.socket.setblocking(False)
        self._headers = _header_block(address, path)
        self._stream = 1
        self._calls: dict[int, int] = {}
        self._answered: set[int] = set()
        self._unread = b""
        self._unsent = bytearray()

    def call(self, number: int, body: bytes) -> None:
        """Send a call, known by its number."""
        stream, self._stream = self._stream, self._stream + 2
        self._calls[stream] = number
        self._unsent += _frame(_HEADERS, _END_HEADERS, stream, self._headers) + _frame(_DATA, _END_STREAM, stream, body)
        self.flush()

    def flush(self) -> None:
        """Send what the kernel takes; the rest goes with the next call or answer."""
        try:
            while self._unsent:
                del self._unsent[: self.socket.send(self._unsent)]
        except BlockingIOError:
            return

    def answers(self) -> tuple[list[int], list[int]]:
        """Read what has come; the numbers of the calls that it answers and of those that it refuses."""
        data = self._unread + self.socket.recv(1 << 18)
        ended: tuple[list[int], list[int]] = ([], [])
        at = 0
        while len(data) - at >= _HEAD:
            size = int.from_bytes(data[at : at + 3], "big")
            if len(data) - at < _HEAD + size:
                break
            kind, flags = data[at + 3], data[at + 4]
            stream = int.from_bytes(data[at + 5 : at + 9], "big")
            if kind == _DATA:
                self._answered.add(stream)
            elif kind == _HEADERS and flags & _END_STREAM:
                ended[stream not in self._answered].append(self._calls.pop(stream))
                self._answered.discard(stream)
            elif kind == _RESET and stream in self._calls:
                ended[1].append(self._calls.pop(stream))
            else:
                self._control(kind, flags, data[at + _HEAD : at + _HEAD + size])
            at += _HEAD + size
        self._unread = data[at:]
        self.flush()
        return ended

    def _control(self, kind: int, flags: int, payload: bytes) -> None:
        if kind == _SETTINGS and not flags & _ACK:
            self._unsent += _frame(_SETTINGS, _ACK, 0)
        elif kind == _PING and not flags & _ACK:
            self._unsent += _frame(_PING, _ACK, 0, payload)
        elif kind == _AWAY:
            raise SystemExit(f"the server ended the connection: {payload!r}")


def latencies(
    address: str, messages: Sequence[bytes], rate: float, seconds: float, *, connections: int = 8, path: str = CHECK
) -> NDArray[np.float64]:
    """Seconds of each call from the instant at which it was due, in that order; `messages` are sent in turn.

    A call that is refused, as by a server that cannot keep up, has no end: infinity. Calls come at random, as those of
    many users do: a Poisson process of `rate` a second.
    """
    return timed(address, messages, rate, seconds, connections=connections, path=path)[1]


def timed(
    address: str, messages: Sequence[bytes], rate: float, seconds: float, *, connections: int = 8, path: str = CHECK
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """When each call was due, in seconds of the epoch, and the same seconds as `latencies` gives."""
    rng = np.random.default_rng(5)
    due = np.cumsum(rng.exponential(1 / rate, int(rate * seconds)))
    bodies = [framed(message) for message in messages]
    open_ones = [Connection(address, path) for _ in range(connections)]
    ended = np.zeros(len(due))
    with selectors.DefaultSelector() as selector:
        for connection in open_ones:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        begin, sent, missing = time.perf_counter() + _LEAD, 0, len(due)
        epoch = time.time() + _LEAD
        times = due.tolist()
        while missing:
            now = time.perf_counter() - begin
            while sent < len(times) and times[sent] <= now:
                open_ones[sent % connections].call(sent, bodies[sent % len(bodies)])
                sent += 1
            wait = times[sent] - (time.perf_counter() - begin) if sent < len(times) else 1.0
            for key, _ in selector.select(max(0.0, wait)):
                answered, refused = key.data.answers()
                ended[answered] = time.perf_counter() - begin
                ended[refused] = np.inf
                missing -= len(answered) + len(refused)
    for connection in open_ones:
        connection.socket.close()
    return epoch + due, ended - due


def milliseconds(taken: NDArray[np.float64], percentile: float, longest: float) -> float:
    """A percentile of what calls took; one that was refused counts as `longest` seconds."""
    return float(np.percentile(np.minimum(taken, longest), percentile)) * 1e3


def _frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def _header_block(address: str, path: str) -> bytes:
    """HPACK (RFC 7541) without its table: every call's headers are the same bytes."""
    fields = (
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", address),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    )
    return b"".join(b"\0" + _text(name) + _text(value) for name, value in fields)


def _text(value: str) -> bytes:
    raw = value.encode()
    assert len(raw) < 127  # noqa: S101  (longer ones have another form)
    return bytes((len(raw),)) + raw
