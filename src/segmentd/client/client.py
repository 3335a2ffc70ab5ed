"""The client: one channel, and the calls of each service."""

from __future__ import annotations

from types import TracebackType
from typing import Final

import grpc

from segmentd.client.admin import Admin
from segmentd.client.calling import Caller
from segmentd.client.channel import open_channel
from segmentd.client.consumers import Consumers
from segmentd.client.exclusive_groups import ExclusiveGroups
from segmentd.client.history import History
from segmentd.client.identities import Identities
from segmentd.client.profiles import Profiles
from segmentd.client.questions import Questions
from segmentd.client.segments import Segments
from segmentd.client.user_lists import UserLists
from segmentd.client.watching import Watches

DEFAULT_TIMEOUT: Final = 30.0
"""Seconds that a call may take."""


class Client(Questions, Watches, Segments, ExclusiveGroups, UserLists, Profiles, Identities, History, Consumers, Admin):
    """All calls of segmentd over one connection. Threads may share it; use it as a context manager, or close it."""

    def __init__(
        self, target: str = "localhost:50051", *, timeout: float = DEFAULT_TIMEOUT, channel: grpc.Channel | None = None
    ) -> None:
        """`timeout` is the deadline of each call in seconds; a `channel` that is given stands for `target`.

        Raises TypeError where `target` is no text, and ValueError where it is empty.
        """
        if channel is None:
            _check_target(target)
        self._channel = open_channel(target) if channel is None else channel
        super().__init__(self._channel, Caller(timeout))

    def close(self) -> None:
        """End the connection and the calls under way."""
        self._channel.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _check_target(target: object) -> None:
    if not isinstance(target, str):
        raise TypeError(f"target: {target!r} is no address; write it as localhost:50051 or unix:/path")
    if not target:
        raise ValueError("target: it is empty; write it as localhost:50051 or unix:/path")
