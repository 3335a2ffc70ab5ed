"""Making one call, blocking: the connection, the deadline, and the one error."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import grpc

from segmentd.client.arguments import length
from segmentd.client.errors import CallFailed
from segmentd.client.pool import Lane, Pool, hung, tries
from segmentd.client.sending import failure_of, refuse_async

if TYPE_CHECKING:
    from segmentd.client.calls import Call

A = TypeVar("A")
A_co = TypeVar("A_co", covariant=True)


class Pending(Generic[A_co]):
    """A call under way."""

    def __init__(self, future: Any, request: Any = None) -> None:
        """`request` is what is sent, message or messages."""
        self._future = future
        self._request = request

    def result(self) -> A_co:
        """Waits for the answer. Raises CallFailed, also where it was cancelled, and what making the messages raised."""
        try:
            answer: A_co = self._future.result()
        except grpc.RpcError as error:
            failed = CallFailed.of(error)
        except grpc.FutureCancelledError:
            failed = CallFailed(grpc.StatusCode.CANCELLED, "", "the call was cancelled")
        else:
            return answer
        raise failure_of(self._request, failed)

    def wait(self, seconds: float) -> bool:
        """Whether the call has ended, well or not, after so many seconds at most."""
        try:
            self._future.result(timeout=seconds)
        except grpc.FutureTimeoutError:
            return False
        except (grpc.RpcError, grpc.FutureCancelledError):
            return True
        return True

    def cancel(self) -> None:
        """Give up waiting; what the server has begun, it may finish."""
        self._future.cancel()


class Caller:
    """Makes calls over the connections of a pool with one deadline, in seconds."""

    def __init__(self, pool: Pool[grpc.Channel], timeout: float) -> None:
        """Raises TypeError and ValueError for what is no deadline."""
        self.pool = pool
        self.timeout = length(timeout, "timeout")

    def call(self, call: Call[A], seconds: float | None = None) -> A:
        """The answer, within `seconds` where that is another deadline.

        Raises CallFailed, and what making the messages raised.
        """
        seconds = seconds or self.timeout
        lane = self.pool.lane()
        lane.busy += 1
        try:
            answer: A = call.take(lane.method(call.stub, call.method)(call.request, timeout=seconds))
        except grpc.RpcError as error:
            failed = CallFailed.of(error)
            if hung(failed.code, seconds):
                self.pool.doubt(lane)
        else:
            return answer
        finally:
            lane.busy -= 1
        raise failure_of(call.request, failed)

    def call_anywhere(self, call: Call[A]) -> A:
        """The answer to a read: another connection is asked where one is silent for a second, then for two, and so on.

        All of it within one deadline. Raises CallFailed.
        """
        *bounds, last = tries(self.timeout)
        for seconds in bounds:
            try:
                return self.call(call, seconds)
            except CallFailed as failed:
                if failed.code is not grpc.StatusCode.DEADLINE_EXCEEDED:
                    raise
        return self.call(call, last)

    def start(self, call: Call[A], lane: Lane[grpc.Channel] | None = None) -> Pending[A]:
        """The same without waiting, over this connection or any. The answer is the message of the contract."""
        lane = lane or self.pool.lane()
        future = lane.method(call.stub, call.method).future(call.request, timeout=self.timeout)
        lane.busy += 1
        future.add_done_callback(partial(self._ended, lane))
        return Pending(future, call.request)

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

    def _ended(self, lane: Lane[grpc.Channel], future: Any) -> None:
        """A call that was started is over; a thread of gRPC says so."""
        lane.busy -= 1
        if hung(future.code(), self.timeout):
            self.pool.doubt(lane)

    def _messages(self, call: Call[A]) -> Iterator[A]:
        lane = self.pool.lane()
        opened = self.open(call, self.timeout if call.bounded else None, lane)
        lane.busy += 1
        try:
            for message in opened:
                yield call.take(message)
        except grpc.RpcError as error:
            failed = CallFailed.of(error)
        else:
            return
        finally:
            lane.busy -= 1
            opened.cancel()
        raise failure_of(call.request, failed)
