"""What a call is made of, written once for the blocking client and the one of asyncio.

A part describes its calls by methods that return a Call. The decorator sends it: on a Blocking client the method gives
the answer, on an Awaiting one what is to be awaited. The types say the same. A TypeError names the argument.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, cast, overload

from segmentd.client.arguments import named
from segmentd.client.async_calling import AsyncCaller
from segmentd.client.calling import Caller

P = ParamSpec("P")
A = TypeVar("A")
A_co = TypeVar("A_co", covariant=True)


def _whole(answer: Any) -> Any:
    return answer


@dataclass(frozen=True, slots=True)
class Call(Generic[A_co]):
    """One call: the stub of its service, the method's name, the message (or messages) to send.

    `take` makes of each message of the answer what the caller gets; of a page, the items on it. The deadline of the
    client holds where it is `bounded`.
    """

    stub: type[Any]
    method: str
    request: Any
    take: Callable[[Any], Any] = _whole
    bounded: bool = True


class Blocking:
    """A client whose calls return when they are answered."""

    caller: Caller


class Awaiting:
    """A client whose calls are awaited."""

    caller: AsyncCaller


class Asked(Protocol[P, A_co]):
    """A method with one answer."""

    @overload
    def __get__(self, client: Blocking, owner: type[Any] | None = None) -> Callable[P, A_co]: ...
    @overload
    def __get__(self, client: Awaiting, owner: type[Any] | None = None) -> Callable[P, Awaitable[A_co]]: ...


class Listed(Protocol[P, A_co]):
    """A method with many answers, one after another."""

    @overload
    def __get__(self, client: Blocking, owner: type[Any] | None = None) -> Callable[P, Iterator[A_co]]: ...
    @overload
    def __get__(self, client: Awaiting, owner: type[Any] | None = None) -> Callable[P, AsyncIterator[A_co]]: ...


def asked(describe: Callable[Concatenate[Any, P], Call[A]]) -> Asked[P, A]:
    """A call with one answer. Raises CallFailed."""
    return cast("Asked[P, A]", _sent(describe, "call"))


def paged(describe: Callable[Concatenate[Any, P], Call[Iterable[A]]]) -> Listed[P, A]:
    """The items of all pages, each page asked for when it is needed. Raises CallFailed, also in the middle."""
    return cast("Listed[P, A]", _sent(describe, "pages"))


def streamed(describe: Callable[Concatenate[Any, P], Call[A]]) -> Listed[P, A]:
    """The messages of a stream that ends. Raises CallFailed, also in the middle."""
    return cast("Listed[P, A]", _sent(describe, "stream"))


def streamed_items(describe: Callable[Concatenate[Any, P], Call[Iterable[A]]]) -> Listed[P, A]:
    """What the messages of a stream that ends have in them. Raises CallFailed, also in the middle."""
    return cast("Listed[P, A]", _sent(describe, "items"))


def _sent(describe: Callable[Concatenate[Any, P], Call[Any]], way: str) -> Callable[..., Any]:
    """The method that sends the call by that method of Caller and AsyncCaller."""
    make = named(describe)

    @wraps(describe)
    def method(client: Blocking | Awaiting, *args: P.args, **kwargs: P.kwargs) -> Any:
        return getattr(client.caller, way)(make(client, *args, **kwargs))

    return method
