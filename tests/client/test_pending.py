"""Calls that were started end, whatever fails, and wait on one thread to be made anew."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import grpc
import pytest

from segmentd.client import CallFailed
from segmentd.client.calls import Call
from segmentd.client.outage import Outage
from segmentd.client.pending import Pending
from segmentd.client.pool import Pool
from segmentd.v1.profile_service_pb2_grpc import ProfileServiceStub

WAIT = 30.0
"""Seconds after which a test that waits has failed."""
UPSERT: Call[Any] = Call(ProfileServiceStub, "UpsertProfiles", None)


class Ended(grpc.RpcError):
    """A call that has ended with this code."""

    def __init__(self, code: grpc.StatusCode) -> None:
        self._code = code

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return ""

    def trailing_metadata(self) -> tuple[()]:
        return ()

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        callback(self)

    def result(self) -> str:
        if self._code is not grpc.StatusCode.OK:
            raise self
        return "answer"


@pytest.fixture
def pool() -> Pool[Any]:
    pool: Pool[Any] = Pool(list, 1)
    pool.reached = True
    return pool


def started(pool: Pool[Any], again: Callable[[], Ended]) -> Pending[str]:
    """A call that finds nobody at first."""
    tries = iter((lambda: Ended(grpc.StatusCode.UNAVAILABLE), again))
    now = time.monotonic()
    return Pending(lambda _: next(tries)(), Outage(pool, UPSERT, now + WAIT, now + WAIT), pool.rests)


def test_calls_wait_on_one_thread(pool: Pool[Any]) -> None:
    threads = []

    def again() -> Ended:
        threads.append(threading.current_thread())
        return Ended(grpc.StatusCode.OK)

    calls = [started(pool, again) for _ in range(8)]
    assert [call.wait(WAIT) and call.result() for call in calls] == ["answer"] * 8
    assert (len(threads), len(set(threads))) == (8, 1)


def test_a_call_ends_where_no_thread_can_be_started(pool: Pool[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        call = started(pool, lambda: Ended(grpc.StatusCode.OK))
    assert call.wait(0)
    with pytest.raises(CallFailed) as failed:
        call.result()
    assert failed.value.code is grpc.StatusCode.UNAVAILABLE
    assert started(pool, lambda: Ended(grpc.StatusCode.OK)).result() == "answer", "once threads can be started"


def test_a_call_ends_where_it_cannot_be_made_anew(pool: Pool[Any]) -> None:
    def again() -> Ended:
        raise RuntimeError("can't start new thread")

    call = started(pool, again)
    assert call.wait(WAIT)
    with pytest.raises(CallFailed) as failed:
        call.result()
    assert failed.value.code is grpc.StatusCode.UNAVAILABLE


def test_a_call_ends_where_its_end_cannot_be_looked_at(pool: Pool[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_outage: Outage, _failed: CallFailed) -> None:
        raise ArithmeticError

    class Later(Ended):
        def add_done_callback(self, callback: Callable[[Any], None]) -> None:
            self.callback = callback

    monkeypatch.setattr(Outage, "pause_after", fail)
    later, now = Later(grpc.StatusCode.UNAVAILABLE), time.monotonic()
    call: Pending[str] = Pending(lambda _: later, Outage(pool, UPSERT, now + WAIT, now + WAIT), pool.rests)
    with pytest.raises(ArithmeticError):
        later.callback(later)
    assert call.wait(0)
