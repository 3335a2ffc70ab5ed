"""Calls that mostly answer without waiting: they are answered, refused, cancelled and drained like all others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import grpc.aio
import pytest
from google.rpc import error_details_pb2
from tests.server.live import LISTEN, channel_to, run
from tests.server.toys import CHECK, detail_in, methods_server, send, unary, violations_in

from segmentd.errors import InvalidInput
from segmentd.server.guard import QUICK
from segmentd.server.run import Server
from segmentd.v1 import membership_service_pb2 as pb

REQUEST = pb.CheckMembershipRequest(user_id="u", segment_id="s")


def server_of(answer: Callable[[Any], Awaitable[Any]]) -> Server:
    return methods_server(unary("segmentd.v1.MembershipService", "CheckMembership", answer, pb.CheckMembershipRequest))


def test_the_quick_methods_exist() -> None:
    methods = pb.DESCRIPTOR.services_by_name["MembershipService"].methods_by_name
    assert {f"/segmentd.v1.MembershipService/{name}" for name in methods} >= QUICK
    assert CHECK in QUICK


@pytest.mark.parametrize("waits", [False, True])
def test_an_answer_comes_at_once_or_after_waiting(waits: bool) -> None:
    async def answer(request: pb.CheckMembershipRequest) -> pb.CheckMembershipRequest:
        if waits:
            await asyncio.to_thread(lambda: None)
            await asyncio.sleep(0)
        return request

    async def test() -> None:
        async with channel_to(server_of(answer)) as channel:
            assert await send(channel, CHECK, REQUEST.SerializeToString()) == REQUEST.SerializeToString()

    run(test())


@pytest.mark.parametrize("waits", [False, True])
def test_what_is_raised_is_mapped_before_and_after_waiting(waits: bool, caplog: pytest.LogCaptureFixture) -> None:
    async def answer(request: pb.CheckMembershipRequest) -> pb.CheckMembershipRequest:
        if waits:
            await asyncio.to_thread(lambda: None)
        if request.user_id == "u":
            raise InvalidInput.at("user_id", "no")
        raise ValueError("a secret")

    async def test() -> None:
        async with channel_to(server_of(answer)) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as seen:
                await send(channel, CHECK, REQUEST.SerializeToString())
            assert violations_in(seen.value) == {"user_id": "no"}
            with pytest.raises(grpc.aio.AioRpcError) as seen:
                await send(channel, CHECK, b"")
            assert seen.value.code() is grpc.StatusCode.INTERNAL
            assert "secret" not in (seen.value.details() or "")
            incident = detail_in(seen.value, error_details_pb2.ErrorInfo).metadata["incident"]
            assert incident in caplog.text

    run(test())


def test_what_a_wait_raises_reaches_the_handler() -> None:
    async def answer(request: pb.CheckMembershipRequest) -> pb.CheckMembershipRequest:
        try:
            await asyncio.wait_for(asyncio.Event().wait(), 0.01)
        except TimeoutError:
            return pb.CheckMembershipRequest(user_id="caught")
        return request

    async def test() -> None:
        async with channel_to(server_of(answer)) as channel:
            found = await send(channel, CHECK, REQUEST.SerializeToString())
            assert pb.CheckMembershipRequest.FromString(found).user_id == "caught"

    run(test())


def test_one_that_waits_is_cancelled_by_its_client_and_ended_by_a_drain() -> None:
    async def test() -> None:
        reached, cancelled = asyncio.Semaphore(0), asyncio.Semaphore(0)

        async def answer(request: pb.CheckMembershipRequest) -> pb.CheckMembershipRequest:
            reached.release()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.release()
                raise
            return request

        server = server_of(answer)
        async with grpc.aio.insecure_channel(await server.start(LISTEN)) as channel:
            call = asyncio.create_task(send(channel, CHECK, REQUEST.SerializeToString()))
            await reached.acquire()
            assert server.under_way == 1
            call.cancel()
            await cancelled.acquire()
            call = asyncio.create_task(send(channel, CHECK, REQUEST.SerializeToString()))
            await reached.acquire()
            await server.drain(0)
            await cancelled.acquire()
            with pytest.raises(grpc.aio.AioRpcError) as seen:
                await call
            assert detail_in(seen.value, error_details_pb2.ErrorInfo).reason == "SHUTTING_DOWN"

    run(test())


def test_a_burst_of_calls_waits_its_turn() -> None:
    """By default gRPC cancels calls from the thousandth on that waits to be taken."""

    async def answer(request: pb.CheckMembershipRequest) -> pb.CheckMembershipRequest:
        return request

    async def test() -> None:
        sent = REQUEST.SerializeToString()
        async with channel_to(server_of(answer)) as channel:
            answers = await asyncio.gather(*(send(channel, CHECK, sent) for _ in range(6_000)))
        assert set(answers) == {sent}

    run(test())
