"""The client of asyncio: its connections, and the calls of each service."""

from __future__ import annotations

import copy
from types import TracebackType

import grpc.aio

from segmentd.client.admin import Admin
from segmentd.client.async_calling import AsyncCaller
from segmentd.client.async_watching import AsyncWatches
from segmentd.client.channel import DEFAULT_CONNECTIONS, DEFAULT_TIMEOUT, check_target, open_async_channel
from segmentd.client.consumers import Consumers
from segmentd.client.exclusive_groups import ExclusiveGroups
from segmentd.client.history import History
from segmentd.client.identities import Identities
from segmentd.client.local.awaiting import AsyncLocals
from segmentd.client.pool import Pool
from segmentd.client.profiles import Profiles
from segmentd.client.questions import Questions
from segmentd.client.segments import Segments
from segmentd.client.user_lists import UserLists


class AsyncClient(
    Questions,
    Segments,
    ExclusiveGroups,
    UserLists,
    Profiles,
    Identities,
    History,
    Consumers,
    Admin,
    AsyncWatches,
    AsyncLocals,
):
    """All calls of segmentd, to be awaited; what lists is for `async for`. It belongs to one event loop.

    Use it as an asynchronous context manager, or close it.
    """

    def __init__(
        self,
        target: str = "localhost:50051",
        *,
        timeout: float = DEFAULT_TIMEOUT,
        connections: int = DEFAULT_CONNECTIONS,
        channel: grpc.aio.Channel | None = None,
    ) -> None:
        """`timeout` is the deadline of each call in seconds, retries included; a `channel` stands for `target`.

        The `connections` are opened as they are used; each leads to one worker of the server. Raises TypeError where
        `target` is no text, and ValueError where it is no address.
        """
        if channel is None:
            check_target(target)
        pool = Pool(lambda: channel or open_async_channel(target), 1 if channel is not None else connections)
        self.caller = AsyncCaller(pool, timeout)

    def within(self, timeout: float) -> AsyncClient:
        """This client with another deadline, in seconds, over the same connections. Raises ValueError for 0 or less."""
        other = copy.copy(self)
        other.caller = AsyncCaller(self.caller.pool, timeout)
        return other

    async def close(self) -> None:
        """End the connections and the calls under way. Later calls raise ClientClosed."""
        for channel in self.caller.pool.give_up():
            await channel.close()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
