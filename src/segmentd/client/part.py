"""What the calls of every service stand on."""

from __future__ import annotations

import grpc

from segmentd.client.calling import Caller


class Part:
    """The calls of one service."""

    def __init__(self, channel: grpc.Channel, caller: Caller) -> None:
        self._caller = caller
        self._connect(channel)

    def _connect(self, channel: grpc.Channel) -> None:
        """Make the stubs; each part makes its own and passes the channel on."""
