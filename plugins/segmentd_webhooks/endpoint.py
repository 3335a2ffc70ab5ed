"""An endpoint as a consumer: a batch is a signed request, and the status of the answer decides."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

from segmentd.api import SECOND, Batch, Consumer, Micros, Refused, TryAgain
from segmentd_webhooks.payload import body_of
from segmentd_webhooks.sending import Answer, NotSent, Sender
from segmentd_webhooks.settings import EndpointSettings
from segmentd_webhooks.signing import signature_headers

_OURS: Final = {"content-type": "application/json", "user-agent": "segmentd"}


class Endpoint(Consumer):
    """Delivers to one address, as the Standard Webhooks specification recommends."""

    def __init__(self, settings: EndpointSettings, now: Callable[[], float] = time.time) -> None:
        """`now` gives the seconds since 1970 that an attempt is signed with."""
        self.name = settings.name
        self.segments = None if settings.segments is None else frozenset(settings.segments)
        self.batch_size = settings.batch_size
        self.retries = settings.retry.retries()
        self._settings = settings
        self._now = now
        self._sender = Sender(settings.timeout / SECOND)

    def deliver(self, batch: Batch) -> None:
        body = body_of(batch)
        signed = signature_headers(self._settings.secret, batch.id, self._now(), body)
        try:
            answer = self._sender.post(self._settings.url, body, {**self._settings.headers, **_OURS, **signed})
        except NotSent as error:
            raise TryAgain(str(error)) from error
        self._judge(answer)

    def interrupt(self) -> None:
        self._sender.interrupt()

    def close(self) -> None:
        self._sender.close()

    def _judge(self, answer: Answer) -> None:
        if 200 <= answer.status < 300:
            return
        if answer.status == HTTPStatus.GONE:
            raise Refused("HTTP 410 Gone: the endpoint wants no more", disable=True)
        raise TryAgain(_words(answer.status), _wait(answer.retry_after, self._now()))


def _words(status: int) -> str:
    """The status in our own words: what the endpoint wrote beside it may name users."""
    known = status in HTTPStatus._value2member_map_
    return f"HTTP {status} {HTTPStatus(status).phrase}" if known else f"HTTP {status}"


def _wait(retry_after: str, now: float) -> Micros | None:
    """The microseconds that a Retry-After header asks for, as seconds or as a date; None for anything else."""
    if retry_after.isascii() and retry_after.isdigit():
        return Micros(min(int(retry_after[:12]), 10**9) * SECOND)
    try:
        seconds = parsedate_to_datetime(retry_after).timestamp() - now
    except (ValueError, TypeError, OverflowError):
        return None
    return Micros(int(seconds * SECOND)) if seconds > 0 else None
