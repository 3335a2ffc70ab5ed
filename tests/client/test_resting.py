"""What rests is done when it is due, by one thread that ends when nothing is left."""

from __future__ import annotations

import logging
import threading

import pytest

from segmentd.client.resting import Rests

WAIT = 30.0
"""Seconds after which a test that waits has failed."""


def test_it_is_done_in_the_order_of_its_instants() -> None:
    rests, done, over = Rests(), [], threading.Event()
    rests.after(0.3, over.set)
    for name, seconds in (("last", 0.2), ("first", 0.0), ("second", 0.1)):
        rests.after(seconds, lambda name=name: done.append(name))  # type: ignore[misc]  # binds the name
    assert over.wait(WAIT)
    assert done == ["first", "second", "last"]


def test_the_thread_ends_when_nothing_is_left_and_another_one_follows() -> None:
    rests, threads, done = Rests(), [], threading.Semaphore(0)

    def note() -> None:
        threads.append(threading.current_thread())
        done.release()

    for count in (1, 2):
        rests.after(0.0, note)
        assert done.acquire(timeout=WAIT)
        threads[-1].join(WAIT)
        assert not threads[-1].is_alive()
        assert len(set(threads)) == count


def test_what_fails_is_logged_and_holds_up_nobody(caplog: pytest.LogCaptureFixture) -> None:
    rests, over = Rests(), threading.Event()

    def fail() -> None:
        raise ArithmeticError

    with caplog.at_level(logging.ERROR):
        rests.after(0.0, fail)
        rests.after(0.0, over.set)
        assert over.wait(WAIT)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
