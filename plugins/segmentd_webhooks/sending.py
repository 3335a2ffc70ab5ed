"""One HTTP request at a time, with one deadline for all of it, that another thread can end."""

from __future__ import annotations

import asyncio
import logging
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Final

import httpx

_BODY_BYTES: Final = 64 * 1024
"""So much of an answer is read, so that its connection can be used again; a longer one costs the connection."""
_BODY_SECONDS: Final = 1.0

for _name in ("httpx", "httpcore"):
    # They would write a line for every request, with its whole address, in which there may be a password.
    logging.getLogger(_name).setLevel(logging.WARNING)


class NotSent(Exception):
    """There was no answer; the message says why, and has nothing in it that came from the other side."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The status, and the Retry-After header (empty: none)."""

    status: int
    retry_after: str


class Sender:
    """Sends requests; one thread uses it, another may interrupt."""

    def __init__(self, timeout: float) -> None:
        """`timeout` is the time in seconds that a request may take, from the look-up of the name to the answer."""
        self._timeout = timeout
        self._lock = threading.Lock()
        self._interrupted = False
        self._under_way: tuple[asyncio.AbstractEventLoop, asyncio.Task[Answer]] | None = None
        self._runner: asyncio.Runner | None = None
        # No timeout of its own: see _post_in_time, which is about all of a request.
        self._client = httpx.AsyncClient(timeout=None, follow_redirects=False, verify=_trusted())  # noqa: S113

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send one request; redirects are not followed. Raises NotSent."""
        self._runner = self._runner or asyncio.Runner()
        try:
            return self._runner.run(self._post_in_time(url, body, headers))
        except asyncio.CancelledError:
            raise NotSent("the server is shutting down") from None
        except TimeoutError:
            raise NotSent(f"no answer within {self._timeout:g} seconds") from None
        except httpx.ConnectError as error:
            raise NotSent(f"cannot connect: {error}") from error
        except httpx.HTTPError as error:
            # Its text may quote what the other side sent.
            raise NotSent(f"the answer is no HTTP, or ended early ({type(error).__name__})") from error

    def interrupt(self) -> None:
        """End the request under way, and refuse the next ones; from any thread."""
        with self._lock:
            self._interrupted = True
            if self._under_way is not None:
                loop, task = self._under_way
                loop.call_soon_threadsafe(task.cancel)

    def close(self) -> None:
        """Close the connections; from the thread that posts."""
        if self._runner is not None:
            self._runner.run(self._client.aclose())
            self._runner.close()

    async def _post_in_time(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        task = asyncio.current_task()
        with self._lock:
            if self._interrupted or task is None:
                raise asyncio.CancelledError
            self._under_way = asyncio.get_running_loop(), task
        try:
            async with asyncio.timeout(self._timeout):
                return await self._post(url, body, headers)
        finally:
            with self._lock:
                self._under_way = None

    async def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        async with self._client.stream("POST", url, content=body, headers=headers) as response:
            answer = Answer(response.status_code, response.headers.get("retry-after", ""))
            await _read_some(response)
        self._client.cookies.clear()
        return answer


@cache
def _trusted() -> ssl.SSLContext:
    """The certificates that are trusted. Reading them takes a tenth of a second, so all endpoints share them."""
    return httpx.create_ssl_context()


async def _read_some(response: httpx.Response) -> None:
    """The status has told everything; a body that is long, slow or broken changes nothing about it."""
    size = 0
    with suppress(httpx.HTTPError, TimeoutError):
        async with asyncio.timeout(_BODY_SECONDS):
            async for chunk in response.aiter_raw():
                size += len(chunk)
                if size > _BODY_BYTES:
                    return
