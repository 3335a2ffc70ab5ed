"""Calls are shared out over connections of their own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from functools import partial
from typing import Any
from unittest import mock

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from tests.client.answering import answering

from segmentd.client import AsyncClient, CallFailed, Client, ClientClosed
from segmentd.client.async_calling import AsyncCaller
from segmentd.client.calling import Caller
from segmentd.client.calls import Call
from segmentd.client.pool import Pool
from segmentd.v1 import admin_service_pb2, admin_service_pb2_grpc


class Noting(admin_service_pb2_grpc.AdminServiceServicer):
    """Notes from where calls come; each waits until so many are there, and until it may go on."""

    def __init__(self, together: int = 1) -> None:
        self.peers: list[str] = []
        self.meeting = threading.Barrier(together)
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def GetStatus(self, request: Any, context: Any) -> admin_service_pb2.GetStatusResponse:
        self.peers.append(context.peer())
        self.meeting.wait(20)
        self.may_go_on.wait(20)
        return admin_service_pb2.GetStatusResponse(revision=7)

    def AdvanceClock(self, request: Any, context: Any) -> admin_service_pb2.AdvanceClockResponse:
        raise NotImplementedError


@contextmanager
def served(noting: Noting, address: str = ":0") -> Iterator[str]:
    """The address of a server, which may share the port of another one."""
    add = partial(admin_service_pb2_grpc.add_AdminServiceServicer_to_server, noting)
    with answering(add, int(address.rpartition(":")[2])) as bound:
        yield bound


def test_calls_in_turn_take_all_connections_in_turn() -> None:
    noting = Noting()
    with served(noting) as address, Client(address, connections=3) as client:
        for _ in range(6):
            client.status()
    assert len(set(noting.peers)) == 3
    assert noting.peers[:3] == noting.peers[3:]


def test_a_connection_is_opened_by_its_first_call() -> None:
    noting = Noting()
    with served(noting) as address, Client(address, connections=8) as client:
        client.status()
        assert len(client.caller.pool.give_up()) == 1


def test_calls_at_once_take_the_connections_with_the_fewest() -> None:
    noting = Noting(together=8)
    with (
        served(noting) as address,
        Client(address, connections=4) as client,
        futures.ThreadPoolExecutor(8) as threads,
    ):
        assert {status.revision for status in threads.map(lambda _: client.status(), range(8))} == {7}
    assert sorted(noting.peers.count(peer) for peer in set(noting.peers)) == [2, 2, 2, 2]


def test_connections_of_two_clients_and_of_asyncio_are_their_own_too() -> None:
    async def twice(address: str) -> None:
        async with AsyncClient(address, connections=2) as client:
            await asyncio.gather(client.status(), client.status())

    noting = Noting()
    with served(noting) as address:
        asyncio.run(twice(address))
        for _ in range(2):
            with Client(address, connections=2) as client:
                client.status()
    assert len(set(noting.peers)) == 4


def test_servers_that_share_a_port_all_get_calls() -> None:
    first, second = Noting(), Noting()
    with served(first) as address, served(second, address), Client(address, connections=40) as client:
        for _ in range(80):
            client.status()
    assert len(first.peers) + len(second.peers) == 80
    assert first.peers, "which of them gets a connection is the kernel's choice, 40 times"
    assert second.peers


def test_the_least_busy_one_is_taken() -> None:
    names = iter("abc")
    pool = Pool(lambda: next(names), 3)
    lanes = {id(pool.lane()) for _ in range(3)}
    assert len(lanes) == 3
    busy, other = pool.lane(), pool.lane()
    busy.busy = other.busy = 1
    free = [pool.lane() for _ in range(4)]
    assert busy not in free
    assert other not in free


def test_a_closed_client_makes_no_calls() -> None:
    with served(Noting()) as address, Client(address, connections=1) as client:
        assert client.status().revision == 7
        client.close()
        for call in (client.status, lambda: list(client.members("s")), lambda: client.start_ingest_events([])):
            with pytest.raises(ClientClosed, match="the client is closed"):
                call()
    with Client("127.0.0.1:1") as unused:
        pass
    with pytest.raises(ClientClosed, match="the client is closed"):
        unused.status()


def test_a_closed_client_of_asyncio_makes_no_calls() -> None:
    async def life(address: str) -> None:
        async with AsyncClient(address, connections=1) as client:
            assert (await client.status()).revision == 7
        with pytest.raises(ClientClosed, match="the client is closed"):
            await client.status()

    with served(Noting()) as address:
        asyncio.run(life(address))


def test_a_client_has_a_connection() -> None:
    with pytest.raises(ValueError, match="connections: 0 is too few"):
        Client(connections=0)


def test_another_deadline_goes_over_the_same_connections() -> None:
    noting = Noting()
    with served(noting) as address, Client(address, connections=1) as client:
        client.status()
        noting.may_go_on.clear()
        with pytest.raises(CallFailed) as late:
            client.within(0.05).status()
        noting.may_go_on.set()
        assert late.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
        assert client.status().revision == 7
    assert len(set(noting.peers)) == 1


class Started:
    """A stub of one method, and the futures of its calls, which the test ends."""

    def __init__(self, _channel: object) -> None:
        self.Do = self
        self.callbacks: list[Callable[[Any], None]] = []

    def future(self, _request: object, timeout: float) -> Started:
        self.callbacks.clear()
        return self

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        self.callbacks.append(callback)

    def end(self, code: grpc.StatusCode, reason: str = "") -> None:
        status = status_pb2.Status(code=code.value[0])
        status.details.add().Pack(error_details_pb2.ErrorInfo(reason=reason))
        metadata = (("grpc-status-details-bin", status.SerializeToString()),) if reason else ()
        for each in self.callbacks:
            each(mock.Mock(code=lambda: code, details=lambda: "", trailing_metadata=lambda: metadata))


def test_calls_that_are_started_count_and_tell_of_connections_that_hang() -> None:
    pool: Pool[Any] = Pool(object, 2)
    caller = Caller(pool, 2.0)
    call: Call[object] = Call(Started, "Do", None)
    lane, other = pool.lane(), pool.lane()
    for code, hangs in ((grpc.StatusCode.OK, False), (grpc.StatusCode.DEADLINE_EXCEEDED, True)):
        caller.start(call, lane)
        assert {id(pool.lane()) for _ in range(4)} == {id(other)}
        lane.method(Started, "end")(code)
        assert (lane in [pool.lane() for _ in range(4)]) is not hangs


def test_a_started_call_that_failed_with_a_reason_was_answered() -> None:
    pool: Pool[Any] = Pool(object, 1)
    lane = pool.lane()
    Caller(pool, 2.0).start(Call(Started, "Do", None), lane)
    lane.method(Started, "end")(grpc.StatusCode.DEADLINE_EXCEEDED, "REVISION_NOT_REACHED")
    assert (pool.reached, lane.doubted, lane.busy) == (True, 0.0, 0)


class Streaming:
    """A stub of one method, whose calls are streams of one message each."""

    def __init__(self, _channel: object) -> None:
        pass

    def Do(self, _request: object, timeout: float) -> mock.MagicMock:
        opened = mock.MagicMock()
        opened.__iter__.return_value = ["message"]
        opened.__aiter__.return_value = ["message"]
        return opened


def test_streams_count_until_they_are_read_or_given_up() -> None:
    call: Call[object] = Call(Streaming, "Do", None)
    pool: Pool[Any] = Pool(object, 1)
    lane = pool.lane()
    read, given_up = (Caller(pool, 2.0).stream(call) for _ in range(2))
    assert (next(read), next(given_up), lane.busy) == ("message", "message", 2)
    assert (list(read), lane.busy) == ([], 1)
    del given_up
    assert lane.busy == 0

    async def life() -> None:
        messages = AsyncCaller(pool, 2.0).stream(call)
        assert (await anext(messages), lane.busy) == ("message", 1)
        assert ([each async for each in messages], lane.busy) == ([], 0)

    asyncio.run(life())
