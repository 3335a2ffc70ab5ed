"""Making one call, awaited: the connection, the deadline, and the one error."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import grpc
import grpc.aio

from segmentd.client.arguments import deadline
from segmentd.client.errors import CallFailed
from segmentd.client.pool import Pool

if TYPE_CHECKING:
    from segmentd.client.calls import Call

A = TypeVar("A")


class AsyncCaller:
    """Makes calls over the connections of a pool with one deadline, in seconds. Cancelling the task ends its call."""

    def __init__(self, pool: Pool[grpc.aio.Channel], timeout: float) -> None:
        """Raises TypeError and ValueError for what is no deadline."""
        self.pool = pool
        self.timeout = deadline(timeout)

    async def call(self, call: Call[A]) -> A:
        """The answer. Raises CallFailed."""
        lane = self.pool.lane()
        lane.busy += 1
        try:
            answer: A = call.take(await lane.method(call.stub, call.method)(call.request, timeout=self.timeout))
        except grpc.RpcError as error:
            raise CallFailed.of(error) from None
        finally:
            lane.busy -= 1
        return answer

    async def stream(self, call: Call[A]) -> AsyncIterator[A]:
        """The messages of a stream that ends. Raises CallFailed, also in the middle."""
        try:
            async for message in self.open(call, self.timeout if call.bounded else None):
                yield call.take(message)
        except grpc.RpcError as error:
            raise CallFailed.of(error) from None

    async def items(self, call: Call[Iterable[A]]) -> AsyncIterator[A]:
        """What the messages of a stream that ends have in them. Raises CallFailed, also in the middle."""
        async for message in self.stream(call):
            for item in message:
                yield item

    async def pages(self, call: Call[Any]) -> AsyncIterator[Any]:
        """What `call.take` finds on all pages, each asked for when it is needed. Raises CallFailed."""
        request = call.request
        method = call.stub, call.method
        while True:
            page = await self.call(type(call)(*method, request))
            for item in call.take(page):
                yield item
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def open(self, call: Call[Any], timeout: float | None = None) -> Any:
        """The call of a stream, as grpc has it: an asynchronous iterator that raises its RpcError."""
        return self.pool.lane().method(call.stub, call.method)(call.request, timeout=timeout)
