"""Messages made of what the caller's own iterable gives: what it raises is kept for whoever takes the answers.

gRPC only cancels a call whose messages fail, and the error that it gives says nothing of why.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import Any, TypeVar

M = TypeVar("M")


class SourceFailed(Exception):
    """Tells gRPC that there are no more messages, since it ends a call by an Exception only; nobody else gets it."""


def _is_news(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], SourceFailed))


# gRPC logs with a traceback what messages raise, of which the caller is told anyway.
logging.getLogger("grpc._channel").addFilter(_is_news)


class Sending(Iterator[M]):
    """Messages to send; `failure` is what making them raised."""

    def __init__(self, messages: Iterable[M]) -> None:
        self.failure: BaseException | None = None
        self._messages = iter(messages)

    def __next__(self) -> M:
        try:
            return next(self._messages)
        except StopIteration:
            raise
        except BaseException as error:
            self.failure = error
            raise SourceFailed from error


class AsyncSending(AsyncIterator[M]):
    """The same for messages that are waited for."""

    def __init__(self, messages: AsyncIterable[M]) -> None:
        self.failure: BaseException | None = None
        self._messages = aiter(messages)

    async def __anext__(self) -> M:
        try:
            return await anext(self._messages)
        except (StopAsyncIteration, asyncio.CancelledError):  # the end, or that of the call
            raise
        except BaseException as error:
            self.failure = error
            raise SourceFailed from error


def failure_of(request: Any, otherwise: Exception) -> BaseException:
    """Why a call failed: what its messages raised, or something else."""
    failure: BaseException | None = getattr(request, "failure", None)
    return otherwise if failure is None else failure


def refuse_async(request: Any) -> None:
    """Raises TypeError for messages that only asyncio can wait for."""
    if isinstance(request, AsyncSending):
        raise TypeError("batches: it is asynchronous; AsyncClient takes such ones, Client takes lists and generators")
