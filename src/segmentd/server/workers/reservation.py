"""A port that is taken for as long as the server runs, whoever of its workers listens there."""

from __future__ import annotations

import socket
from typing import Any

from segmentd.errors import InvalidInput
from segmentd.server import address


class Reservation:
    """Bound sockets that never listen: the kernel gives connections only to those that do, the workers."""

    def __init__(self, listen: str) -> None:
        """Reserve `HOST:PORT`; port 0 takes a free one. Raises InvalidInput at SEGMENTD_LISTEN."""
        check(listen)
        # Without SO_REUSEPORT, so that another server's port is refused, not shared.
        address.check_free(listen)
        host, self._port = address.parse(listen)
        self._sockets: list[socket.socket] = []
        try:
            self._reserve(host)
        except OSError as error:
            self.close()
            raise InvalidInput.at(address.LISTEN, f"cannot listen on {listen}: {address.words_of(error)}") from error
        self.address = f"{address.bracketed(host)}:{self._port}"

    def close(self) -> None:
        """Let others have the port."""
        for each in self._sockets:
            each.close()

    def _reserve(self, host: str) -> None:
        failed: OSError | None = None
        for family, _, _, _, target in socket.getaddrinfo(host, self._port, type=socket.SOCK_STREAM):
            try:
                self._bind(family, target)
            except OSError as error:  # a name may stand for several addresses; gRPC is content with one
                failed = error
        if failed is not None and not self._sockets:
            raise failed

    def _bind(self, family: int, target: Any) -> None:
        taken = socket.socket(family, socket.SOCK_STREAM)
        self._sockets.append(taken)
        try:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            taken.bind((target[0], self._port, *target[2:]))
        except OSError:
            self._sockets.remove(taken)
            taken.close()
            raise
        self._port = taken.getsockname()[1]


def check(listen: str) -> None:
    """Raises InvalidInput at SEGMENTD_LISTEN for an address that workers cannot share."""
    if listen.startswith("unix:"):
        raise InvalidInput.at(address.LISTEN, f"workers share a port, and {listen} has none; write HOST:PORT")
    address.parse(listen)
