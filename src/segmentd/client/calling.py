"""Making one call, blocking: the connection, the deadline, and the one error."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import grpc

from segmentd.client.arguments import deadline
from segmentd.client.errors import CallFailed
from segmentd.client.pool import Pool

if TYPE_CHECKING:
    from segmentd.client.calls import Call

A = TypeVar("A")
A_co = TypeVar("A_co", covariant=True)


class Pending(Generic[A_co]):
    """A call under way."""

    def __init__(self, future: Any) -> None:
        self._future = future

    def result(self) -> A_co:
        """Waits for the answer. Raises CallFailed, also where it was cancelled."""
        try:
            answer: A_co = self._future.result()
        except grpc.RpcError as error:
            raise CallFailed.of(error) from None
        except grpc.FutureCancelledError:
            raise CallFailed(grpc.StatusCode.CANCELLED, "", "the call was cancelled") from None
        return answer

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
        self.timeout = deadline(timeout)

    def call(self, call: Call[A]) -> A:
        """The answer. Raises CallFailed."""
        lane = self.pool.lane()
        lane.busy += 1
        try:
            answer: A = call.take(lane.method(call.stub, call.method)(call.request, timeout=self.timeout))
        except grpc.RpcError as error:
            raise CallFailed.of(error) from None
        finally:
            lane.busy -= 1
        return answer

    def start(self, call: Call[A]) -> Pending[A]:
        """The same without waiting. The answer is the message of the contract."""
        method = self.pool.lane().method(call.stub, call.method)
        return Pending(method.future(call.request, timeout=self.timeout))

    def stream(self, call: Call[A]) -> Iterator[A]:
        """The messages of a stream that ends. Raises CallFailed, also in the middle."""
        try:
            for message in self.open(call, self.timeout if call.bounded else None):
                yield call.take(message)
        except grpc.RpcError as error:
            raise CallFailed.of(error) from None

    def items(self, call: Call[Iterable[A]]) -> Iterator[A]:
        """What the messages of a stream that ends have in them. Raises CallFailed, also in the middle."""
        for message in self.stream(call):
            yield from message

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

    def open(self, call: Call[Any], timeout: float | None = None) -> Any:
        """The call of a stream, as grpc has it: an iterator that raises its RpcError."""
        return self.pool.lane().method(call.stub, call.method)(call.request, timeout=timeout)
