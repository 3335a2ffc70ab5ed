"""A port that belongs to one server from its start to its end, whether somebody listens there or not."""

from __future__ import annotations

import errno
import socket
from typing import Any, Final, TypeAlias

import grpc.aio

from segmentd.errors import InvalidInput
from segmentd.server.address import LISTEN, bracketed, parse, path_of, words_of

_BACKLOG: Final = 1
_Target: TypeAlias = tuple[int, Any]
"""Family and address of a socket."""


class Reservation:
    """Bound sockets that never listen: the kernel gives connections only to those that do.

    Beside them those can listen who ask to share the port (SO_REUSEPORT), as workers do; nobody else can.
    """

    def __init__(self, listen: str) -> None:
        """Reserve `HOST:PORT` (port 0 takes a free one), or see that nobody serves at a path.

        Raises InvalidInput at SEGMENTD_LISTEN with the cause why it cannot be had: gRPC would keep that to itself, and
        write lines of its own on stderr.
        """
        self._sockets: list[socket.socket] = []
        self.address = listen
        try:
            if listen.startswith("unix:"):
                _refuse_served(path_of(listen))
            else:
                self._reserve(*parse(listen))
        except (OSError, UnicodeError) as error:
            self.close()
            raise InvalidInput.at(LISTEN, f"cannot listen on {listen}: {words_of(error)}") from error

    def close(self) -> None:
        """Let others have the port."""
        for each in self._sockets:
            each.close()

    def _reserve(self, host: str, port: int) -> None:
        failed: OSError | None = None
        for other in (host, "0.0.0.0") if host == "::" else (host,):  # noqa: S104  (never listens)
            for family, target in _targets(other, port):
                try:
                    port = self._take(family, (target[0], port, *target[2:]))
                except OSError as error:
                    if error.errno == errno.EADDRINUSE:
                        raise
                    failed = error  # a name may stand for addresses that this machine lacks; gRPC is content with one
            if self._sockets:  # gRPC takes the second only where there is no IPv6
                break
        if failed is not None and not self._sockets:
            raise failed
        self.address = f"{bracketed(host)}:{port}"

    def _take(self, family: int, target: Any) -> int:
        """Reserve one address; its port. Raises OSError."""
        with socket.socket(family, socket.SOCK_STREAM) as alone:
            # A port whose last connections are still being forgotten is free. Where others are bound but do not listen,
            # only who wants to listen too is told.
            alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            alone.bind(target)
            alone.listen(_BACKLOG)
            port = int(alone.getsockname()[1])
            alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            self._sockets.append(_shared(family, (target[0], port, *target[2:])))
        return port


def bind(server: grpc.aio.Server, listen: str, *, shared: bool = False) -> str:
    """Bind to `listen` (`127.0.0.1:50051`, `[::1]:0`, `unix:/run/segmentd.sock`); the address with the port taken.

    Port 0 takes a free one; a `shared` port is one that this program has reserved. Raises InvalidInput at
    SEGMENTD_LISTEN that says why the address cannot be used.
    """
    if not shared:
        Reservation(listen).close()
    if listen.startswith("unix:"):
        _add(server, listen)
        return listen
    host, port = parse(listen)
    return f"{bracketed(host)}:{_add(server, f'{bracketed(host)}:{port}')}"


def _shared(family: int, target: Any) -> socket.socket:
    taken = socket.socket(family, socket.SOCK_STREAM)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(target)
        # While it is set, whoever sets it as well could listen, as gRPC always does.
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    except OSError:
        taken.close()
        raise
    return taken


def _targets(host: str, port: int) -> list[_Target]:
    """The addresses that a host stands for, each once. Raises OSError, and UnicodeError for what no name can be."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys((family, target) for family, _, _, _, target in found))


def _refuse_served(path: str) -> None:
    """Raises OSError where somebody listens at a path: gRPC would put its own socket in that place."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        try:
            asking.connect(path)
        except OSError:
            return  # nobody is there, or whoever was has ended; what else is wrong gRPC finds
    raise OSError(errno.EADDRINUSE, "address already in use")


def _add(server: grpc.aio.Server, address: str) -> int:
    try:
        port = server.add_insecure_port(address)
    except RuntimeError:
        port = 0
    if port == 0:
        unsaid = "the socket cannot be made there" if address.startswith("unix:") else "gRPC could not bind to it"
        raise InvalidInput.at(LISTEN, f"cannot listen on {address}: {unsaid}")
    return port
