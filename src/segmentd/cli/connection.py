"""The connection of a command to its server."""

from __future__ import annotations

from segmentd.client import Client
from segmentd.client.channel import check_target


def connect(server: str, timeout: float = 60.0) -> Client:
    """A client of `host:port`, `[::1]:port` or `unix:/path`. Raises ArgumentRefused where it is none of these."""
    check_target(server, "--server")
    return Client(server, timeout=timeout, connections=1)
