"""The client's watch goes on by itself after what passes, and gives up where it cannot."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import grpc
import pytest
from tests.client.scripted_log import COMPACTED, CUT, DOWN, LOST, MOVES, SLOW, Log, serving_log

from segmentd.client import AsyncClient, CallFailed, Client
from segmentd.client.watch_course import WatchCourse
from segmentd.v1 import membership_service_pb2 as pb


@contextmanager
def client_of(log: Log) -> Iterator[Client]:
    with serving_log(log) as address, Client(address) as client:
        yield client


def test_it_goes_on_after_the_last_position_and_tells_each_move_once() -> None:
    log = Log(SLOW, DOWN, LOST, CUT)
    with client_of(log) as client, client.watch(["s"], ["u"], start=pb.WATCH_START_LOG) as watch:
        moves = watch.transitions()
        seen = []
        for move in moves:
            assert watch.position == move.position
            seen.append(move)
            if len(seen) == 20:
                break
        assert seen == MOVES
    assert [request.position for request in log.requests] == ["", "3", "7", "11", "15"]
    assert [request.start for request in log.requests] == [pb.WATCH_START_LOG, 0, 0, 0, 0]
    assert {(*request.segment_ids, *request.user_ids) for request in log.requests} == {("s", "u")}


def test_a_snapshot_that_broke_off_is_taken_anew() -> None:
    with client_of(Log(LOST)) as client, client.watch(start=pb.WATCH_START_SNAPSHOT) as watch:
        assert [next(watch).members.revision, next(watch).members.revision] == [1, 2]
        assert next(watch).snapshot_end.position == watch.position == "9"


def test_its_first_message_says_that_a_server_is_there() -> None:
    with client_of(Log()) as client, client.watch() as watch:
        assert not client.caller.pool.reached
        next(watch)
        assert client.caller.pool.reached


def test_that_of_asyncio_too() -> None:
    async def life(address: str) -> None:
        async with AsyncClient(address) as client, client.watch() as watch:
            assert not client.caller.pool.reached
            await anext(watch)
            assert client.caller.pool.reached

    with serving_log(Log()) as address:
        asyncio.run(asyncio.wait_for(life(address), 30))


@pytest.mark.parametrize("end", [COMPACTED, (grpc.StatusCode.INVALID_ARGUMENT, "POSITION_INVALID")])
def test_what_does_not_pass_is_raised(end: tuple[grpc.StatusCode, str]) -> None:
    with client_of(Log(end)) as client, client.watch() as watch:
        with pytest.raises(CallFailed) as failed:
            list(watch.transitions())
        assert (failed.value.code, failed.value.reason) == end
        assert watch.position == "3"


def test_it_may_be_told_not_to_connect_again() -> None:
    log = Log(SLOW)
    with client_of(log) as client, client.watch(reconnect_for=0) as watch:
        with pytest.raises(CallFailed) as failed:
            list(watch)
        assert failed.value.reason == "WATCH_TOO_SLOW"
    assert len(log.requests) == 1


def test_a_server_may_be_away_for_hours_where_that_is_wanted() -> None:
    now = [0.0]
    course = WatchCourse(pb.WatchTransitionsRequest(), math.inf, lambda: now[0])
    course.hear(pb.WatchTransitionsResponse(checkpoint=pb.Checkpoint(position="1")))
    for _ in range(1_500):
        now[0] += course.delay_after(None)
    assert 2.5 * 1_400 < now[0] < 5.0 * 1_500
    assert course.next_call().request.position == "1"


def test_a_server_that_never_answered_is_not_looked_for() -> None:
    with Client("127.0.0.1:1") as client, client.watch() as watch:
        with pytest.raises(CallFailed) as failed:
            next(watch)
        assert failed.value.code is grpc.StatusCode.UNAVAILABLE


def test_a_watch_whose_client_is_closed_has_failed() -> None:
    with client_of(Log()) as client:
        watch = client.watch()
        for _ in range(4):
            next(watch)
        threading.Timer(0, client.close).start()
        with pytest.raises(CallFailed) as failed:
            next(watch)
        assert failed.value.code is grpc.StatusCode.CANCELLED


def test_another_thread_may_close_it() -> None:
    with client_of(Log()) as client:
        watch = client.watch()
        seen: list[pb.WatchTransitionsResponse] = []
        for message in watch:
            seen.append(message)
            if len(seen) == 4:
                threading.Thread(target=watch.close).start()
        assert len(seen) == 4
        assert list(watch) == []
