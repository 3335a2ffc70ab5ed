"""The blocking client: its connections, and the calls of each service."""

from __future__ import annotations

import copy
from types import TracebackType

import grpc

from segmentd.client.admin import Admin
from segmentd.client.calling import Caller
from segmentd.client.channel import DEFAULT_CONNECTIONS, DEFAULT_TIMEOUT, check_target, open_channel
from segmentd.client.consumers import Consumers
from segmentd.client.exclusive_groups import ExclusiveGroups
from segmentd.client.history import History
from segmentd.client.identities import Identities
from segmentd.client.local.blocking import Locals
from segmentd.client.pool import Pool
from segmentd.client.profiles import Profiles
from segmentd.client.questions import Questions
from segmentd.client.segments import Segments
from segmentd.client.starting import Starting
from segmentd.client.user_lists import UserLists
from segmentd.client.watching import Watches


class Client(
    Questions,
    Segments,
    ExclusiveGroups,
    UserLists,
    Profiles,
    Identities,
    History,
    Consumers,
    Admin,
    Watches,
    Locals,
    Starting,
):
    """All calls of segmentd, over a few connections. Threads may share it; use it as a context manager, or close it."""

    def __init__(
        self,
        target: str = "localhost:50051",
        *,
        timeout: float = DEFAULT_TIMEOUT,
        connections: int = DEFAULT_CONNECTIONS,
        channel: grpc.Channel | None = None,
    ) -> None:
        """`timeout` is the deadline of each call in seconds, retries included; a `channel` stands for `target`.

        The `connections` are opened as they are used; each leads to one worker of the server. Raises TypeError where
        `target` is no text, and ValueError where it is no address.
        """
        if channel is None:
            check_target(target)
        pool = Pool(lambda: channel or open_channel(target), 1 if channel is not None else connections)
        self.caller = Caller(pool, timeout)

    def within(self, timeout: float) -> Client:
        """This client with another deadline, in seconds, over the same connections. Raises ValueError for 0 or less."""
        other = copy.copy(self)
        other.caller = Caller(self.caller.pool, timeout)
        return other

    def close(self) -> None:
        """End the connections and the calls under way. Later calls raise ClientClosed."""
        for channel in self.caller.pool.give_up():
            channel.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
