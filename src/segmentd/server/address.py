"""Where a server listens."""

from __future__ import annotations

import re
import socket
from typing import Any, Final

import grpc.aio

from segmentd.errors import InvalidInput

LISTEN: Final = "SEGMENTD_LISTEN"
"""Faults stand at the name of the setting, by which operators know it."""
_ADDRESS: Final = re.compile(r"(?:\[(?P<six>[^\]]+)\]|(?P<host>[^:\[\]]+)):(?P<port>\d{1,5})")


def bind(server: grpc.aio.Server, listen: str, *, shared: bool = False) -> str:
    """Bind to `listen` (`127.0.0.1:50051`, `[::1]:0`, `unix:/run/segmentd.sock`); the address with the port taken.

    Port 0 takes a free one; a `shared` port is one that this program has reserved. Raises InvalidInput at
    SEGMENTD_LISTEN that says why the address cannot be used.
    """
    if not shared:
        check_free(listen)
    if listen.startswith("unix:"):
        _add(server, listen)
        return listen
    host, port = parse(listen)
    return f"{bracketed(host)}:{_add(server, f'{bracketed(host)}:{port}')}"


def check(listen: str) -> None:
    """Raises InvalidInput at SEGMENTD_LISTEN for what is no address; whether it is free is not looked at."""
    if not listen.startswith("unix:"):
        parse(listen)


def parse(listen: str) -> tuple[str, int]:
    """Host, without brackets, and port. Raises InvalidInput at SEGMENTD_LISTEN."""
    found = _ADDRESS.fullmatch(listen)
    if found is None or int(found["port"]) > 65_535:
        raise InvalidInput.at(LISTEN, f"{listen!r} is not HOST:PORT, as in 127.0.0.1:50051 or [::1]:50051")
    return found["six"] or found["host"], int(found["port"])


def check_free(listen: str) -> None:
    """Raises InvalidInput at SEGMENTD_LISTEN with the cause why nobody can listen there.

    gRPC would keep the cause to itself, and write lines of its own on stderr.
    """
    cause = _cause(listen)
    if cause:
        raise InvalidInput.at(LISTEN, f"cannot listen on {listen}: {cause}")


def _add(server: grpc.aio.Server, address: str) -> int:
    try:
        port = server.add_insecure_port(address)
    except RuntimeError:
        port = 0
    if port == 0:
        unsaid = "the socket cannot be made there" if address.startswith("unix:") else "gRPC could not bind to it"
        raise InvalidInput.at(LISTEN, f"cannot listen on {address}: {unsaid}")
    return port


def _cause(address: str) -> str:
    """Why the operating system refuses the address; empty where it does not, or cannot be asked."""
    if address.startswith("unix:"):
        return ""
    host, port = parse(address)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        if host == "::":  # gRPC falls back to this where there is no IPv6
            found += socket.getaddrinfo("0.0.0.0", port, type=socket.SOCK_STREAM)  # noqa: S104  (never listens)
    except OSError as error:
        return words_of(error)
    causes = [_refusal(family, target) for family, _, _, _, target in found]
    # A name may stand for several addresses; gRPC is content with one.
    return causes[0] if all(causes) else ""


def _refusal(family: int, target: Any) -> str:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # As gRPC does: a port whose last connections are still being forgotten is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(target)
    except OSError as error:
        return words_of(error)
    return ""


def words_of(error: OSError) -> str:
    """What the operating system says, in small letters."""
    return (error.strerror or str(error)).lower()


def bracketed(host: str) -> str:
    """The host as it stands before a port."""
    return f"[{host}]" if ":" in host else host
