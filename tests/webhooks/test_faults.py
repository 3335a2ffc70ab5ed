"""Webhooks through the whole service: endpoints that fail, hang, answer garbage, are down and come back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from standardwebhooks import Webhook
from tests.consumers.listening import START, SteppedPace, define, set_flags, settle
from tests.webhooks.receiver import (
    SECRET,
    Receiver,
    close_at_once,
    close_in_body,
    close_in_headers,
    garbage,
    hang,
    receiving,
    status,
)

from segmentd.plugins.host import load_plugins
from segmentd.service.service import Service
from segmentd.service.value_types import Currencies
from segmentd.times import FrozenClock
from segmentd_webhooks import FILE

USERS = [f"u{i:02}" for i in range(12)]


@contextmanager
def told(folder: Path, pace: SteppedPace | None = None, **endpoints: dict[str, Any]) -> Iterator[Service]:
    """A service with these endpoints; each batch has one change unless it is said."""
    found = [{"name": name, "secret": SECRET, "batch_size": 1, **more} for name, more in endpoints.items()]
    file = folder / "webhooks.yaml"
    file.write_text(json.dumps({"endpoints": found}))
    plugins = load_plugins(environment={FILE: str(file)})
    service = Service.open(folder / "db", plugins, FrozenClock(START), Currencies(), pace=pace or SteppedPace())
    try:
        yield service
    finally:
        service.close()


async def enter(service: Service, *users: str) -> None:
    for user in users:
        await set_flags(service, user, vip=True)


def users_of(receiver: Receiver, count: int) -> list[str]:
    """The users of the next requests, one of each."""
    return [receiver.next().changes[0]["user_id"] for _ in range(count)]


def test_every_kind_of_failure_is_tried_again_in_order_and_under_one_id(tmp_path: Path) -> None:
    failures = [
        status(500, b"<html>"),
        garbage,
        close_at_once,
        close_in_headers,
        status(302, Location="/elsewhere"),
        hang,
        status(429, Retry_After="3600"),
        status(404),
    ]
    with receiving() as receiver:
        pace = SteppedPace()
        with told(tmp_path, pace, crm={"url": receiver.url, "timeout": "1s"}) as service:
            asyncio.run(define(service, "vip"))
            receiver.script += [*failures, close_in_body]
            asyncio.run(enter(service, *USERS))
            settle(service, "crm")
        requests = receiver.seen
        tries = [request.changes[0]["user_id"] for request in requests]
        assert tries == [USERS[0]] * len(failures) + USERS
        ids = [request.headers["webhook-id"] for request in requests]
        assert ids[: len(failures) + 1] == [ids[0]] * (len(failures) + 1)
        assert len(set(ids)) == len(USERS)
        assert {request.path for request in requests} == {"/hook"}
        assert 3600 * 1_000_000 in pace.waits


def test_an_endpoint_that_hangs_holds_up_no_other_one(tmp_path: Path) -> None:
    with receiving() as dead, receiving() as alive:
        dead.usual = hang
        with told(tmp_path, dead={"url": dead.url, "timeout": "1h"}, alive={"url": alive.url}) as service:
            asyncio.run(define(service, "vip"))
            asyncio.run(enter(service, USERS[0]))
            dead.next()
            # The dead one holds its first request until the very end; everything below happens meanwhile.
            for user in USERS[1:]:
                asyncio.run(enter(service, user))
                assert asyncio.run(service.memberships.check(user, "vip")).member
            assert users_of(alive, len(USERS)) == USERS
            assert (len(dead.seen), dead.released.is_set()) == (1, False)
        assert not dead.released.is_set()


def test_an_endpoint_that_was_down_is_told_of_everything_when_it_is_back(tmp_path: Path) -> None:
    with receiving() as receiver:
        port = receiver.port
    retry = {"first_delay": "1s", "maximal_delay": "1s", "give_up_after": "36500d"}
    with told(tmp_path, crm={"url": f"http://127.0.0.1:{port}/hook", "retry": retry}) as service:
        asyncio.run(define(service, "vip"))
        asyncio.run(enter(service, *USERS))
        settle(service, "crm", lambda: service.consumers.look()[0].record.failed > 3)
        with receiving(port) as again:
            assert users_of(again, len(USERS)) == USERS
        settle(service, "crm")
        (view,) = service.consumers.look()
        assert (view.record.delivered, view.dead_letters, view.record.error) == (len(USERS), 0, "")


def test_one_that_is_gone_is_left_alone_until_it_is_resumed(tmp_path: Path) -> None:
    with receiving() as receiver, told(tmp_path, crm={"url": receiver.url}) as service:
        asyncio.run(define(service, "vip"))
        receiver.script.append(status(410))
        asyncio.run(enter(service, *USERS))
        settle(service, "crm", lambda: service.consumers.look()[0].record.disabled)
        assert len(receiver.seen) == 1
        asyncio.run(service.consumers.resume("crm"))
        assert users_of(receiver, 1 + len(USERS)) == [USERS[0], *USERS]


def test_a_batch_that_was_given_up_is_replayed_under_its_own_id_with_a_new_signature(tmp_path: Path) -> None:
    with receiving() as receiver, told(tmp_path, crm={"url": receiver.url, "retry": {"attempts": 2}}) as service:
        asyncio.run(define(service, "vip"))
        receiver.script += [status(500, b"u00")] * 2
        asyncio.run(enter(service, *USERS[:2]))
        settle(service, "crm")
        (letter,), _ = asyncio.run(service.consumers.dead_letters("crm", 0, 10))
        assert (letter.record.error, letter.record.attempts) == ("HTTP 500 Internal Server Error", 2)
        replayed, left = asyncio.run(service.consumers.replay("crm", None))
        assert (replayed.delivered, left) == (1, 0)
        first, second, other, again = receiver.seen
        assert first.headers["webhook-id"] == second.headers["webhook-id"] == again.headers["webhook-id"]
        assert first.body == again.body
        assert other.changes[0]["user_id"] == USERS[1]
        for request in receiver.seen:
            Webhook(SECRET).verify(request.body, request.headers)
