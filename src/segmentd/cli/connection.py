"""The connection of a command to its server."""

from __future__ import annotations

import re

from segmentd.cli.faults import CommandFailed
from segmentd.client import Client

_TARGET = re.compile(r"unix:.+|(\[[^\]]+\]|[^:\[\]/\s]+):(?P<port>\d{1,5})")


def connect(server: str, timeout: float = 60.0) -> Client:
    """A client of `host:port`, `[::1]:port` or `unix:/path`. Raises CommandFailed where it is none of these."""
    found = _TARGET.fullmatch(server)
    if found is None or int(found["port"] or 0) > 65_535:
        raise CommandFailed(f"--server: {server!r} is not HOST:PORT, as in localhost:50051", exit_code=2)
    return Client(server, timeout=timeout, connections=1)
