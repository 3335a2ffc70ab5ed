"""A server starts, tells its health and its services, and ends without dropping a call."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

import grpc
import grpc.aio
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from tests.server.live import ADMIN, LISTEN, admin_server, channel_to, run
from tests.server.toys import Toy, detail_in, methods_server, send, streaming

from segmentd.errors import InvalidInput, NotFound, Reason
from segmentd.server.run import Server, run_until_signal
from segmentd.v1 import admin_service_pb2 as pb
from segmentd.v1 import admin_service_pb2_grpc

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class Gate:
    """A handler that says when it is reached and waits to be opened."""

    def __init__(self) -> None:
        self.reached, self.opened, self.cancelled = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.count = 0
        self._arrivals = asyncio.Semaphore(0)

    async def wait_for(self, calls: int) -> None:
        """Returns when so many calls have reached the handler."""
        for _ in range(calls):
            await self._arrivals.acquire()

    async def __call__(self) -> pb.GetStatusResponse:
        self.reached.set()
        self.count += 1
        self._arrivals.release()
        try:
            await self.opened.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return pb.GetStatusResponse(revision=7)


async def ready() -> pb.GetStatusResponse:
    return pb.GetStatusResponse(revision=1)


def get_status(channel: grpc.aio.Channel, timeout: float | None = None) -> asyncio.Task[pb.GetStatusResponse]:
    async def call() -> pb.GetStatusResponse:
        return await admin_service_pb2_grpc.AdminServiceStub(channel).GetStatus(pb.GetStatusRequest(), timeout=timeout)

    return asyncio.create_task(call())


def test_health_is_told_per_service() -> None:
    async def test() -> None:
        async with channel_to(admin_server(Toy(ready))) as channel:
            stub = health_stub(channel)
            for name in ("", ADMIN):
                assert (await stub.Check(health_pb2.HealthCheckRequest(service=name))).status == SERVING
            with pytest.raises(grpc.aio.AioRpcError) as seen:
                await stub.Check(health_pb2.HealthCheckRequest(service="other"))
            assert seen.value.code() == grpc.StatusCode.NOT_FOUND

    run(test())


def test_reflection_lists_the_services() -> None:
    async def test() -> None:
        async with channel_to(admin_server(Toy(ready))) as channel:
            asked = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
            stub: Any = reflection_pb2_grpc.ServerReflectionStub(cast("Any", channel))
            call = stub.ServerReflectionInfo(asked)
            answer = await call.read()
            assert ADMIN in [service.name for service in answer.list_services_response.service]

    run(test())


def test_an_unknown_method_is_unimplemented() -> None:
    async def test() -> None:
        async with channel_to(admin_server(Toy(ready))) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as seen:
                await send(channel, "/segmentd.v1.AdminService/Nothing", b"")
            assert seen.value.code() == grpc.StatusCode.UNIMPLEMENTED

    run(test())


@pytest.mark.parametrize("listen", ["", "50051", "host:", "host:99999", "a:b:1", "::1:80"])
def test_what_is_no_address_is_refused(listen: str) -> None:
    with pytest.raises(InvalidInput, match="is not HOST:PORT"):
        run(started(listen))


def test_a_port_that_is_taken_is_refused_with_the_cause() -> None:
    async def test() -> None:
        server = admin_server(Toy(ready))
        bound = await server.start(LISTEN)
        with pytest.raises(InvalidInput, match=f"cannot listen on {bound}: address already in use"):
            await started(bound)
        await server.drain(0)

    run(test())


def test_a_socket_in_the_file_system_serves(tmp_path_factory: pytest.TempPathFactory) -> None:
    async def test() -> None:
        server = admin_server(Toy(ready))
        bound = await server.start(f"unix:{tmp_path_factory.mktemp('s')}/sock")
        async with grpc.aio.insecure_channel(bound) as channel:
            assert (await get_status(channel)).revision == 1
        await server.drain(0)

    run(test())


def test_a_drain_lets_the_call_under_way_end_and_takes_no_other() -> None:
    async def test() -> None:
        gate = Gate()
        server = admin_server(Toy(gate))
        bound = await server.start(LISTEN)
        async with grpc.aio.insecure_channel(bound) as channel:
            health = health_stub(channel).Watch(health_pb2.HealthCheckRequest(service=ADMIN))
            assert (await health.read()).status == SERVING
            call = get_status(channel)
            await gate.reached.wait()
            drained = asyncio.create_task(server.drain(20))
            assert (await health.read()).status == NOT_SERVING
            await refused_at(bound)
            assert not drained.done()
            gate.opened.set()
            assert (await call).revision == 7
            await drained
            assert gate.count == 1

    run(test())


def test_a_drain_does_not_lose_answers_that_are_being_sent() -> None:
    async def test() -> None:
        for _ in range(20):
            gate = Gate()
            server = admin_server(Toy(gate))
            async with grpc.aio.insecure_channel(await server.start(LISTEN)) as channel:
                calls = [get_status(channel) for _ in range(5)]
                await gate.reached.wait()
                await gate.wait_for(len(calls))
                gate.opened.set()
                await server.drain(20)
                assert [(await call).revision for call in calls] == [7] * 5

    run(test())


def test_a_call_that_outlasts_the_grace_is_cancelled() -> None:
    async def test() -> None:
        gate = Gate()
        server = admin_server(Toy(gate))
        async with grpc.aio.insecure_channel(await server.start(LISTEN)) as channel:
            call = get_status(channel)
            await gate.reached.wait()
            await server.drain(0)
            assert await reason_of(call) == "SHUTTING_DOWN"
            await gate.cancelled.wait()

    run(test())


def test_the_deadline_of_a_client_cancels_the_handler_and_is_no_incident(caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        gate = Gate()
        async with channel_to(admin_server(Toy(gate))) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as seen:
                await get_status(channel, timeout=0.05)
            assert seen.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
            await gate.cancelled.wait()

    run(test())
    assert "incident" not in caplog.text


def test_a_client_that_goes_away_cancels_the_handler() -> None:
    async def test() -> None:
        gate = Gate()
        async with channel_to(admin_server(Toy(gate))) as channel:
            call = get_status(channel)
            await gate.reached.wait()
            call.cancel()
            await gate.cancelled.wait()

    run(test())


def test_a_stream_that_fails_midway_ends_with_the_error_after_what_was_sent() -> None:
    async def stream(requests: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for request in requests:
            if request == b"stop":
                raise NotFound(Reason.SEGMENT_NOT_FOUND, "no segment x", {"segment_id": "x"})
            yield request

    async def test() -> None:
        async with channel_to(methods_server(streaming("toy.Toy", "Talk", stream))) as channel:
            talk: Any = channel.stream_stream("/toy.Toy/Talk")
            call = talk()
            for part in (b"a", b"b"):
                await call.write(part)
                assert await call.read() == part
            await call.write(b"stop")
            with pytest.raises(grpc.aio.AioRpcError) as seen:
                await call.read()
            assert seen.value.code() == grpc.StatusCode.NOT_FOUND
            assert detail_in(seen.value, error_details_pb2.ErrorInfo).metadata == {"segment_id": "x"}

    run(test())


def test_a_stream_that_is_ended_while_an_answer_is_written_says_why() -> None:
    ended = asyncio.Event()

    async def stream(requests: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        try:
            while True:
                yield bytes(1_000_000)
        finally:
            ended.set()

    async def test() -> None:
        server = methods_server(streaming("toy.Toy", "Talk", stream))
        async with grpc.aio.insecure_channel(await server.start(LISTEN)) as channel:
            talk: Any = channel.stream_stream("/toy.Toy/Talk")
            call = talk()
            await call.initial_metadata()
            drained = asyncio.create_task(server.drain(0.2))
            await ended.wait()
            with pytest.raises(grpc.aio.AioRpcError) as seen:
                [each async for each in call]
            await drained
            assert detail_in(seen.value, error_details_pb2.ErrorInfo).reason == "SHUTTING_DOWN"

    run(test())


def test_a_drain_amid_an_error_that_a_handler_passes_on_is_no_error_of_its_own(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def test() -> None:
        async def refuse(_: bytes, context: Any) -> bytes:
            asyncio.get_running_loop().call_soon(server.hurry)  # the abort waits by then
            await context.abort(grpc.StatusCode.NOT_FOUND, "passed on")
            return b""

        handler: Any = grpc.unary_unary_rpc_method_handler(refuse)
        server = methods_server(grpc.method_handlers_generic_handler("toy.Toy", {"Refuse": handler}))
        async with channel_to(server) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as seen:
                await send(channel, "/toy.Toy/Refuse", b"")
            assert (seen.value.code(), seen.value.details()) == (grpc.StatusCode.NOT_FOUND, "passed on")

    run(test())
    assert caplog.text == ""


def test_what_is_lost_while_a_server_begins_ends_it() -> None:
    async def test() -> None:
        lost = asyncio.get_running_loop().create_future()
        gate = Gate()

        async def begin() -> None:
            await gate()

        served = asyncio.create_task(run_until_signal(admin_server(Toy(ready)), 20, begin, lost))
        await gate.reached.wait()
        lost.set_exception(InvalidInput.at("x", "gone"))
        with pytest.raises(InvalidInput):
            await served
        assert gate.cancelled.is_set()

    run(test())


@pytest.fixture
def hang_ups_heard() -> Iterator[None]:
    """Whoever runs the tests may ignore them (`nohup`), and a server then does too."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("hang_ups_heard")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_drains_the_server(number: signal.Signals) -> None:
    async def test() -> None:
        gate = Gate()
        server = admin_server(Toy(gate))
        async with grpc.aio.insecure_channel(await server.start(LISTEN)) as channel:
            served = asyncio.create_task(run_until_signal(server, 20))
            call = get_status(channel)
            await gate.reached.wait()
            os.kill(os.getpid(), number)
            gate.opened.set()
            assert (await call).revision == 7
            await served

    run(test())


def test_a_second_signal_does_not_wait_for_calls() -> None:
    async def test() -> None:
        gate = Gate()
        server = admin_server(Toy(gate))
        async with grpc.aio.insecure_channel(await server.start(LISTEN)) as channel:
            served = asyncio.create_task(run_until_signal(server, 3600))
            health = health_stub(channel).Watch(health_pb2.HealthCheckRequest())
            assert (await health.read()).status == SERVING
            call = get_status(channel)
            await gate.reached.wait()
            os.kill(os.getpid(), signal.SIGTERM)
            assert (await health.read()).status == NOT_SERVING
            os.kill(os.getpid(), signal.SIGTERM)
            await served
            assert await reason_of(call) == "SHUTTING_DOWN"

    run(test())


async def started(listen: str) -> Server:
    server = admin_server(Toy(ready))
    await server.start(listen)
    return server


async def reason_of(call: asyncio.Task[pb.GetStatusResponse]) -> str:
    """The reason for which the server refuses the call."""
    with pytest.raises(grpc.aio.AioRpcError) as seen:
        await call
    return str(detail_in(seen.value, error_details_pb2.ErrorInfo).reason)


def health_stub(channel: grpc.aio.Channel) -> Any:
    """Any, because the published types of the health service leave out its methods."""
    return health_pb2_grpc.HealthStub(channel)


async def refused_at(bound: str) -> None:
    """A new client gets no answer there."""
    async with grpc.aio.insecure_channel(bound) as other:
        with pytest.raises(grpc.aio.AioRpcError) as seen:
            await get_status(other)
        # gRPC itself cancels a call that arrives in the very moment of the stop.
        assert seen.value.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
