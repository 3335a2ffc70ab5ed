"""Making one call: the deadline, and the one error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, Protocol, TypeVar

import grpc

from segmentd.client.errors import CallFailed

A = TypeVar("A")
A_co = TypeVar("A_co", covariant=True)


class Paged(Protocol):
    """An answer that may have more pages."""

    @property
    def next_page_token(self) -> str: ...


P = TypeVar("P", bound=Paged)


class Pending(Generic[A_co]):
    """A call under way."""

    def __init__(self, future: Any) -> None:
        self._future = future

    def result(self) -> A_co:
        """Waits for the answer. Raises CallFailed."""
        try:
            answer: A_co = self._future.result()
        except grpc.RpcError as error:
            raise CallFailed.of(error) from None
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
    """Makes calls with one deadline, in seconds."""

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout

    def call(self, method: Callable[..., A], request: Any) -> A:
        """The answer. Raises CallFailed."""
        try:
            return method(request, timeout=self.timeout)
        except grpc.RpcError as error:
            raise CallFailed.of(error) from None

    def start(self, method: Any, request: Any) -> Pending[Any]:
        """The same without waiting."""
        return Pending(method.future(request, timeout=self.timeout))

    def stream(self, method: Callable[..., Iterator[A]], request: Any) -> Iterator[A]:
        """The messages of a stream that ends. Raises CallFailed, also in the middle."""
        try:
            yield from method(request, timeout=self.timeout)
        except grpc.RpcError as error:
            raise CallFailed.of(error) from None

    def pages(self, method: Callable[..., P], request: Any) -> Iterator[P]:
        """All pages, each asked for when it is needed; `request` is changed. Raises CallFailed."""
        while True:
            page = self.call(method, request)
            yield page
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token
