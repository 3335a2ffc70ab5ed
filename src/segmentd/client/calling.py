"""Making one call, blocking: the connection, the deadline, and the one error."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import grpc

from segmentd.client.arguments import length
from segmentd.client.errors import CallFailed, ClientClosed
from segmentd.client.outage import BRIDGED, Outage
from segmentd.client.pending import Pending
from segmentd.client.pool import Lane, Pool, tries
from segmentd.client.sending import failure_of, refuse_async

if TYPE_CHECKING:
    from segmentd.client.calls import Call

A = TypeVar("A")


class Caller:
    """Makes calls over the connections of a pool with one deadline, in seconds."""

    def __init__(self, pool: Pool[grpc.Channel], timeout: float, bridged: float = BRIDGED) -> None:
        """For `bridged` seconds a call is made anew while the server is away; 0: gRPC's tries are all.

        Raises TypeError and ValueError for what is no deadline.
        """
        self.pool = pool
        self.timeout = length(timeout, "timeout")
        self._bridged = bridged

    def call(self, call: Call[A], seconds: float | None = None) -> A:
        """The answer, within `seconds` where that is another deadline.

        A call whose server is away is made anew. Raises CallFailed, and what making the messages raised.
        """
        begun = time.monotonic()
        seconds = seconds or self.timeout
        try:
            return self._try(call, seconds)
        except CallFailed as failed:
            lost = failed
        return self._bridge(call, Outage(self.pool, call, begun + seconds, begun + self._bridged), lost)

    def call_anywhere(self, call: Call[A]) -> A:
        """The answer to a read: another connection is asked where one is silent for a second, then for two, and so on.

        A call whose server is away is made anew, as `call` does it. All of it within one deadline. Raises CallFailed.
        """
        begun = time.monotonic()
        outage = Outage(self.pool, call, begun + self.timeout, begun + self._bridged)
        for seconds in tries(self.timeout):
            try:
                return self._try(call, seconds)
            except CallFailed as failed:
                lost = failed
            if lost.code is not grpc.StatusCode.DEADLINE_EXCEEDED:
                break
        return self._bridge(call, outage, lost)

    def start(self, call: Call[A], lane: Lane[grpc.Channel] | None = None) -> Pending[A]:
        """The same without waiting, over this connection or any. The answer is the message of the contract."""
        begun = time.monotonic()
        outage = Outage(self.pool, call, begun + self.timeout, begun + self._bridged)
        return Pending(partial(self._begin, call, lane), outage, self.pool.rests, call.request)

    def stream(self, call: Call[A]) -> Iterator[A]:
        """The messages of a stream that ends.

        Raises CallFailed and what making the messages raised, also in the middle, and TypeError at once for messages
        that come asynchronously.
        """
        refuse_async(call.request)
        return self._messages(call)

    def items(self, call: Call[Iterable[A]]) -> Iterator[A]:
        """What the messages of a stream that ends have in them. Raises as `stream`."""
        messages = self.stream(call)
        return (item for message in messages for item in message)

    def pages(self, call: Call[Any]) -> Iterator[Any]:
        """What `call.take` finds on all pages, each asked for when it is needed. Raises CallFailed."""
        request = call.request
        method = call.stub, call.method
        while True:
            page = self.call(type(call)(*method, request))
            yield from call.take(page)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def open(self, call: Call[Any], timeout: float | None = None, lane: Lane[grpc.Channel] | None = None) -> Any:
        """The call of a stream over this connection or any, as grpc has it: an iterator that raises its RpcError."""
        return (lane or self.pool.lane()).method(call.stub, call.method)(call.request, timeout=timeout)

    def _bridge(self, call: Call[A], outage: Outage, lost: CallFailed) -> A:
        """The answer to a call that was lost, made anew while that is of use. Raises what was lost last."""
        while (pause := outage.pause_after(lost)) is not None:
            time.sleep(pause)
            try:
                return self._try(call, outage.left())
            except CallFailed as failed:
                lost = failed
            except ClientClosed:
                raise
            except ValueError:  # the channel is the caller's own, who closed it meanwhile
                break
        raise lost

    def _try(self, call: Call[A], seconds: float) -> A:
        lane = self.pool.lane()
        lane.busy += 1
        try:
            answer: A = call.take(lane.method(call.stub, call.method)(call.request, timeout=seconds))
        except grpc.RpcError as error:
            failed = CallFailed.of(error)
            self.pool.note(lane, failed, seconds)
        else:
            self.pool.reached = True
            return answer
        finally:
            lane.busy -= 1
        raise failure_of(call.request, failed)

    def _begin(self, call: Call[Any], lane: Lane[grpc.Channel] | None, seconds: float) -> Any:
        lane = lane or self.pool.lane()
        future = lane.method(call.stub, call.method).future(call.request, timeout=seconds)
        lane.busy += 1
        future.add_done_callback(partial(self._ended, lane, seconds))
        return future

    def _ended(self, lane: Lane[grpc.Channel], seconds: float, future: Any) -> None:
        """A call that was started is over; a thread of gRPC says so."""
        lane.busy -= 1
        if future.code() is grpc.StatusCode.OK:
            self.pool.reached = True
        else:
            self.pool.note(lane, CallFailed.of(future), seconds)

    def _messages(self, call: Call[A]) -> Iterator[A]:
        lane = self.pool.lane()
        opened = self.open(call, self.timeout if call.bounded else None, lane)
        lane.busy += 1
        try:
            for message in opened:
                self.pool.reached = True
                yield call.take(message)
        except grpc.RpcError as error:
            failed = CallFailed.of(error)
        else:
            return
        finally:
            lane.busy -= 1
            opened.cancel()
        raise failure_of(call.request, failed)
