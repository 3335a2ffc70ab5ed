"""A server that is away for a while is waited for, by calls that may be made twice."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from tests.client.answering import answering, mute_server

from segmentd.client import AsyncClient, CallFailed, Client, ClientClosed
from segmentd.client.calls import Call
from segmentd.client.outage import Outage
from segmentd.client.pool import Pool
from segmentd.v1 import admin_service_pb2, profile_pb2, profile_service_pb2
from segmentd.v1.admin_service_pb2_grpc import AdminServiceStub

GONE = CallFailed(grpc.StatusCode.UNAVAILABLE, "", "nobody is there")
STATUS: Call[Any] = Call(AdminServiceStub, "GetStatus", None)
READ: Call[Any] = Call(AdminServiceStub, "GetStatus", admin_service_pb2.GetStatusRequest())


def answers(service: str, method: str, answer: Message) -> grpc.GenericRpcHandler:
    """What gives this answer to every call of a method."""
    handler: Any = grpc.unary_unary_rpc_method_handler(lambda _request, _context: answer.SerializeToString())
    return grpc.method_handlers_generic_handler(f"segmentd.v1.{service}", {method: handler})


class House:
    """A server that comes and goes at one address."""

    def __init__(self) -> None:
        self.port = 0
        self.comings = 0
        self.come()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def come(self) -> None:
        self._server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.so_reuseport", 1)])
        self._server.add_generic_rpc_handlers(
            (
                answers("AdminService", "GetStatus", admin_service_pb2.GetStatusResponse(revision=7)),
                answers("ProfileService", "UpsertProfiles", profile_service_pb2.UpsertProfilesResponse(revision=8)),
            )
        )
        self.port = self._server.add_insecure_port(f"127.0.0.1:{self.port}")
        self._server.start()
        self.comings += 1

    def go(self) -> None:
        self._server.stop(None).wait()


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A server that, once it is gone, comes back when all tries of gRPC were in vain."""
    house = House()
    pause_after = Outage.pause_after

    def come_back(outage: Outage, failed: CallFailed) -> float | None:
        pause = pause_after(outage, failed)
        if pause is not None and house.comings == 1:
            house.come()
        return pause

    monkeypatch.setattr(Outage, "pause_after", come_back)
    yield house
    house.go()


def test_a_call_waits_for_a_server_that_comes_back(house: House) -> None:
    with Client(house.address) as client:
        assert client.status().revision == 7
        house.go()
        assert (client.status().revision, house.comings) == (7, 2)


def test_a_call_that_was_started_waits_too(house: House) -> None:
    with Client(house.address) as client:
        assert client.status().revision == 7
        house.go()
        pending = client.start_upsert_profiles([])
        assert pending.wait(30)
        assert (pending.result().revision, house.comings) == (8, 2)


def test_a_call_of_asyncio_waits_too(house: House) -> None:
    async def life() -> None:
        async with AsyncClient(house.address) as client:
            assert (await client.status()).revision == 7
            house.go()
            assert ((await client.status()).revision, house.comings) == (7, 2)

    asyncio.run(asyncio.wait_for(life(), 30))


def test_a_read_of_local_mode_waits_too(house: House) -> None:
    with Client(house.address) as client:
        assert client.status().revision == 7
        house.go()
        assert (client.caller.call_anywhere(READ).revision, house.comings) == (7, 2)


def test_a_read_of_local_mode_in_asyncio_waits_too(house: House) -> None:
    async def life() -> None:
        async with AsyncClient(house.address) as client:
            assert (await client.status()).revision == 7
            house.go()
            assert ((await client.caller.call_anywhere(READ)).revision, house.comings) == (7, 2)

    asyncio.run(asyncio.wait_for(life(), 30))


def test_where_nobody_ever_answered_nobody_is_waited_for(house: House) -> None:
    house.go()
    with Client(house.address) as client, pytest.raises(CallFailed) as failed:
        client.status()
    assert (failed.value.code, house.comings) == (grpc.StatusCode.UNAVAILABLE, 1)
    house.come()


@pytest.mark.parametrize("end", [lambda client, pending: pending.cancel(), lambda client, pending: client.close()])
def test_a_call_that_rests_before_it_is_made_anew_can_be_given_up(
    end: Callable[[Any, Any], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    rests: list[CallFailed] = []

    def rest(outage: Outage, failed: CallFailed) -> float | None:
        rests.append(failed)
        end(client, pending_of[0])
        return 0.01

    pending_of: list[Any] = []
    with Client("127.0.0.1:1") as client:
        monkeypatch.setattr(Outage, "pause_after", rest)
        pending_of.append(client.start_upsert_profiles([]))
        with pytest.raises(CallFailed) as failed:
            pending_of[0].result()
    assert (failed.value.code, len(rests)) == (grpc.StatusCode.UNAVAILABLE, 1)


class Cancelling:
    """Ends the first stream with CANCELLED once it has heard something, then answers what it hears."""

    def __init__(self) -> None:
        self.calls = 0

    def stream(self, requests: Iterator[bytes], context: Any) -> Iterator[bytes]:
        self.calls += 1
        for request in requests:
            if self.calls == 1:
                context.abort(grpc.StatusCode.CANCELLED, "CANCELLED")
            events = profile_service_pb2.StreamEventsRequest.FromString(request).events
            yield profile_service_pb2.StreamEventsResponse(revision=len(events)).SerializeToString()

    @contextmanager
    def served(self) -> Iterator[str]:
        handler: Any = grpc.stream_stream_rpc_method_handler(self.stream)
        handlers = grpc.method_handlers_generic_handler("segmentd.v1.ProfileService", {"StreamEvents": handler})
        with answering(lambda server: server.add_generic_rpc_handlers((handlers,))) as address:
            yield address


BATCHES = [[profile_pb2.Event(user_id="ada", name="X")] * count for count in (2, 1, 3)]


def test_a_stream_that_is_cancelled_is_not_begun_anew_amid_its_messages() -> None:
    cancelling = Cancelling()
    with cancelling.served() as address, Client(address) as client:
        with pytest.raises(CallFailed) as caught:
            list(client.stream_events(BATCHES))
        assert caught.value.code is grpc.StatusCode.CANCELLED
        assert [answer.revision for answer in client.stream_events(BATCHES)] == [2, 1, 3]
        assert client.caller.pool.reached
    assert cancelling.calls == 2


def test_a_stream_of_asyncio_neither() -> None:
    async def life(address: str) -> None:
        async with AsyncClient(address) as client:
            with pytest.raises(CallFailed):  # amid a write grpc.aio says INTERNAL in place of CANCELLED
                _ = [answer async for answer in client.stream_events(BATCHES)]
            assert [answer.revision async for answer in client.stream_events(BATCHES)] == [2, 1, 3]
            assert client.caller.pool.reached

    cancelling = Cancelling()
    with cancelling.served() as address:
        asyncio.run(asyncio.wait_for(life(address), 30))
    assert cancelling.calls == 2


def outage(pool: Pool[Any], call: Call[Any] = STATUS, deadline: float = 30.0, until: float = 8.0) -> Outage:
    """Of a call that begins now."""
    now = time.monotonic()
    return Outage(pool, call, now + deadline, now + until)


def reached() -> Pool[Any]:
    pool: Pool[Any] = Pool(list, 1)
    pool.reached = True
    return pool


def test_what_passes_is_waited_for() -> None:
    for code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
        pause = outage(reached()).pause_after(CallFailed(code, "", ""))
        assert pause is not None
        assert 0.25 <= pause <= 0.5
    later = CallFailed(grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN", "", retry_after=2.0)
    assert outage(reached()).pause_after(later) == 2.0


def test_what_does_not_pass_or_is_too_late_is_not_waited_for() -> None:
    closed = reached()
    closed.give_up()
    refused = CallFailed(grpc.StatusCode.NOT_FOUND, "SEGMENT_NOT_FOUND", "")
    assert outage(reached()).pause_after(refused) is None
    assert outage(closed).pause_after(GONE) is None
    assert outage(Pool(list, 1)).pause_after(GONE) is None
    assert outage(reached(), Call(AdminServiceStub, "AdvanceClock", None)).pause_after(GONE) is None
    assert outage(reached(), until=0.0).pause_after(GONE) is None
    assert outage(reached(), deadline=2.1).pause_after(GONE) is None, "the tries of gRPC would not end before it"


def test_an_answer_with_a_reason_came_from_a_server_that_does_not_hang() -> None:
    pool: Pool[Any] = Pool(list, 1)
    late = grpc.StatusCode.DEADLINE_EXCEEDED
    pool.note(pool.lane(), CallFailed(late, "", ""), 2.0)
    assert (pool.reached, pool.lane().doubted > 0) == (False, True)
    pool = Pool(list, 1)
    pool.note(pool.lane(), CallFailed(late, "REVISION_NOT_REACHED", ""), 2.0)
    assert (pool.reached, pool.lane().doubted) == (True, 0.0)


def test_a_cancelled_task_is_not_tried_again() -> None:
    async def life(address: str) -> None:
        async with AsyncClient(address) as client:
            client.caller.pool.reached = True
            task = asyncio.ensure_future(client.status())
            await asyncio.to_thread(asked.wait, 30)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asked = threading.Event()
    with mute_server(asked) as address:
        asyncio.run(asyncio.wait_for(life(address), 30))


def test_a_call_whose_own_channel_is_closed_raises_what_was_lost() -> None:
    asked = threading.Event()
    with mute_server(asked) as address, ThreadPoolExecutor(1) as threads:
        channel = grpc.insecure_channel(address)
        client = Client(channel=channel)
        client.caller.pool.reached = True
        call = threads.submit(client.status)
        assert asked.wait(30)
        channel.close()
        with pytest.raises(CallFailed) as failed:
            call.result(30)
        assert failed.value.code is grpc.StatusCode.CANCELLED


def test_a_call_of_asyncio_too() -> None:
    async def life(address: str) -> None:
        channel = grpc.aio.insecure_channel(address)
        client = AsyncClient(channel=channel)
        client.caller.pool.reached = True
        call = asyncio.ensure_future(client.status())
        await asyncio.to_thread(asked.wait, 30)
        await channel.close()
        with pytest.raises(CallFailed) as failed:
            await call
        assert failed.value.code is grpc.StatusCode.CANCELLED

    asked = threading.Event()
    with mute_server(asked) as address:
        asyncio.run(asyncio.wait_for(life(address), 30))


def test_a_call_whose_client_is_closed_while_it_rests_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def close(_: Outage, failed: CallFailed) -> float:
        client.close()
        return 0.0

    with Client("127.0.0.1:1") as client:
        monkeypatch.setattr(Outage, "pause_after", close)
        with pytest.raises(ClientClosed):
            client.status()
