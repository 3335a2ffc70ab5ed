"""Making one call, awaited: the connection, the deadline, and the one error."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import grpc
import grpc.aio

from segmentd.client.arguments import length
from segmentd.client.errors import CallFailed
from segmentd.client.outage import BRIDGED, Outage
from segmentd.client.pool import Lane, Pool, tries
from segmentd.client.sending import failure_of

if TYPE_CHECKING:
    from segmentd.client.calls import Call

A = TypeVar("A")


class AsyncCaller:
    """Makes calls over the connections of a pool with one deadline, in seconds. Cancelling the task ends its call."""

    def __init__(self, pool: Pool[grpc.aio.Channel], timeout: float, bridged: float = BRIDGED) -> None:
        """For `bridged` seconds a call is made anew while the server is away; 0: gRPC's tries are all.

        Raises TypeError and ValueError for what is no deadline.
        """
        self.pool = pool
        self.timeout = length(timeout, "timeout")
        self._bridged = bridged

    async def call(
        self,
        call: Call[A],
        seconds: float | None = None,
        lane: Lane[grpc.aio.Channel] | None = None,
    ) -> A:
        """The answer over this connection or any, within `seconds` where that is another deadline.

        A call whose server is away is made anew. Raises CallFailed, and what making the messages raised.
        """
        begun = time.monotonic()
        seconds = seconds or self.timeout
        try:
            return await self._try(call, seconds, lane)
        except CallFailed as failed:
            lost = failed
        return await self._bridge(call, Outage(self.pool, call, begun + seconds, begun + self._bridged), lost, lane)

    async def call_anywhere(self, call: Call[A]) -> A:
        """The answer to a read: another connection is asked where one is silent for a second, then for two, and so on.

        A call whose server is away is made anew, as `call` does it. All of it within one deadline. Raises CallFailed.
        """
        begun = time.monotonic()
        outage = Outage(self.pool, call, begun + self.timeout, begun + self._bridged)
        for seconds in tries(self.timeout):
            try:
                return await self._try(call, seconds)
            except CallFailed as failed:
                lost = failed
            if lost.code is not grpc.StatusCode.DEADLINE_EXCEEDED:
                break
        return await self._bridge(call, outage, lost)

    async def stream(self, call: Call[A]) -> AsyncIterator[A]:
        """The messages of a stream that ends. Raises CallFailed and what making the messages raised."""
        lane = self.pool.lane()
        opened = self.open(call, self.timeout if call.bounded else None, lane)
        lane.busy += 1
        try:
            async for message in opened:
                self.pool.reached = True
                yield call.take(message)
        except (grpc.RpcError, asyncio.CancelledError) as error:
            failed = failed_by(error)
        else:
            return
        finally:
            lane.busy -= 1
            opened.cancel()
        raise failure_of(call.request, failed)

    async def items(self, call: Call[Iterable[A]]) -> AsyncIterator[A]:
        """What the messages of a stream that ends have in them. Raises as `stream`."""
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

    def open(self, call: Call[Any], timeout: float | None = None, lane: Lane[grpc.aio.Channel] | None = None) -> Any:
        """The call of a stream over this connection or any, as grpc has it: an iterator that raises its RpcError."""
        return (lane or self.pool.lane()).method(call.stub, call.method)(call.request, timeout=timeout)

    async def _bridge(
        self, call: Call[A], outage: Outage, lost: CallFailed, lane: Lane[grpc.aio.Channel] | None = None
    ) -> A:
        """The answer to a call that was lost, made anew while that is of use. Raises what was lost last."""
        while (pause := outage.pause_after(lost)) is not None:
            await asyncio.sleep(pause)
            try:
                return await self._try(call, outage.left(), lane)
            except CallFailed as failed:
                lost = failed
            except grpc.aio.UsageError:  # the channel is the caller's own, who closed it meanwhile
                break
        raise lost

    async def _try(self, call: Call[A], seconds: float, lane: Lane[grpc.aio.Channel] | None = None) -> A:
        lane = lane or self.pool.lane()
        lane.busy += 1
        try:
            answer: A = call.take(await lane.method(call.stub, call.method)(call.request, timeout=seconds))
        except (grpc.RpcError, asyncio.CancelledError) as error:
            failed = failed_by(error)
            self.pool.note(lane, failed, seconds)
        else:
            self.pool.reached = True
            return answer
        finally:
            lane.busy -= 1
        raise failure_of(call.request, failed)


def failed_by(error: grpc.RpcError | asyncio.CancelledError) -> CallFailed:
    """What a failed call raises. Raises CancelledError where it is the task that is to end, and not its call alone."""
    if not isinstance(error, asyncio.CancelledError):
        return CallFailed.of(error)
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise error
    return CallFailed(grpc.StatusCode.CANCELLED, "", "the call was cancelled")
