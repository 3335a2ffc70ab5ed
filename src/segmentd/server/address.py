"""Where a server listens."""

from __future__ import annotations

import re
import socket
from typing import Final

import grpc.aio

from segmentd.errors import InvalidInput

_ADDRESS: Final = re.compile(r"(?:\[(?P<six>[^\]]+)\]|(?P<host>[^:\[\]]+)):(?P<port>\d{1,5})")


def bind(server: grpc.aio.Server, listen: str) -> str:
    """Bind to `listen` (`127.0.0.1:50051`, `[::1]:0`, `unix:/run/segmentd.sock`); the address with the port taken.

    Port 0 takes a free one. Raises InvalidInput at `listen` that says why the address cannot be used.
    """
    if listen.startswith("unix:"):
        _add(server, listen)
        return listen
    host, port = parse(listen)
    return f"{_bracketed(host)}:{_add(server, f'{_bracketed(host)}:{port}')}"


def parse(listen: str) -> tuple[str, int]:
    """Host, without brackets, and port. Raises InvalidInput at `listen`."""
    found = _ADDRESS.fullmatch(listen)
    if found is None or int(found["port"]) > 65_535:
        raise InvalidInput.at("listen", f"{listen!r} is not HOST:PORT, as in 127.0.0.1:50051 or [::1]:50051")
    return found["six"] or found["host"], int(found["port"])


def _add(server: grpc.aio.Server, address: str) -> int:
    try:
        port = server.add_insecure_port(address)
    except RuntimeError:
        port = 0
    if port == 0:
        raise InvalidInput.at("listen", f"cannot listen on {address}: {_cause(address)}")
    return port


def _cause(address: str) -> str:
    """What the operating system says; gRPC keeps it to itself."""
    if address.startswith("unix:"):
        return "the socket cannot be made there"
    host, port = parse(address)
    try:
        family, kind, protocol, _, target = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.bind(target)
    except OSError as error:
        return (error.strerror or str(error)).lower()
    return "gRPC could not bind to it"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
