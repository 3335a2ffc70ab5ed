"""What passes through a worker to the engine and back: metadata, deadlines, cancellation, status, streams."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from google.rpc import error_details_pb2
from tests.server.live import LISTEN, run
from tests.server.toys import detail_in, methods_server, violations_in

from segmentd.errors import InvalidInput, Reason, ResourceExhausted
from segmentd.server.run import Server
from segmentd.server.workers.forwarding import Forwarder
from segmentd.server.workers.link import CHANNEL
from segmentd.server.workers.tallies import FORWARDED

TALK = "/toy.Toy/Talk"


def toy(behavior: Callable[[Any, Any], Any]) -> Server:
    """An engine with one method of streams."""
    handler: Any = grpc.stream_stream_rpc_method_handler(behavior)
    return methods_server(grpc.method_handlers_generic_handler("toy.Toy", {"Talk": handler}))


def toy_unary(behavior: Callable[[Any, Any], Any]) -> Server:
    """An engine with one method of a request and an answer."""
    handler: Any = grpc.unary_unary_rpc_method_handler(behavior)
    return methods_server(grpc.method_handlers_generic_handler("toy.Toy", {"Talk": handler}))


@asynccontextmanager
async def through(engine: Server, folder: Path, *, unary: bool = False) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to a server that forwards everything to the engine."""
    bound = await engine.start(f"unix:{folder}/engine")
    async with grpc.aio.insecure_channel(bound, options=CHANNEL) as link:
        tally = memoryview(bytearray(64)).cast("q")
        forwarder = Forwarder(link, tally)

        def register(methods: Any) -> None:
            one: Any = grpc.unary_unary_rpc_method_handler(forwarder.unary(TALK))
            methods.add_raw(TALK, one if unary else forwarder.stream(TALK))

        worker = Server(register, [], reflects=False)
        async with grpc.aio.insecure_channel(await worker.start(LISTEN)) as channel:
            yield channel
        assert tally[FORWARDED] > 0
        await worker.drain(0)
    await engine.drain(0)


@pytest.mark.parametrize("unary", [True, False])
def test_metadata_goes_to_the_engine_and_comes_back(tmp_path: Path, unary: bool) -> None:
    async def answer(request: bytes, context: Any) -> bytes:
        given = dict(context.invocation_metadata())
        await context.send_initial_metadata((("first", given["tenant"]),))
        context.set_trailing_metadata((("last-bin", given["word-bin"]),))
        return request

    async def test() -> None:
        async with through(toy_unary(answer), tmp_path, unary=unary) as channel:
            ask: Any = channel.unary_unary(TALK)
            call = ask(b"hello", metadata=(("tenant", "w"), ("word-bin", b"\x00\xff")))
            assert await call == b"hello"
            assert dict(await call.initial_metadata())["first"] == "w"
            assert dict(await call.trailing_metadata())["last-bin"] == b"\x00\xff"

    run(test())


@pytest.mark.parametrize("unary", [True, False])
def test_a_refusal_comes_with_all_its_details(tmp_path: Path, unary: bool) -> None:
    async def answer(request: bytes, context: Any) -> bytes:
        raise InvalidInput.at("rule.all[1]", "nö")

    async def test() -> None:
        async with through(toy_unary(answer), tmp_path, unary=unary) as channel:
            ask: Any = channel.unary_unary(TALK)
            with pytest.raises(grpc.aio.AioRpcError) as seen:
                await ask(b"")
            assert seen.value.code() == grpc.StatusCode.INVALID_ARGUMENT
            assert seen.value.details() == "rule.all[1]: nö"
            assert violations_in(seen.value) == {"rule.all[1]": "nö"}

    run(test())


@pytest.mark.parametrize("unary", [True, False])
def test_the_engine_knows_the_deadline_and_whether_there_is_one(tmp_path: Path, unary: bool) -> None:
    async def answer(request: bytes, context: Any) -> bytes:
        return repr(context.time_remaining()).encode()

    async def test() -> None:
        async with through(toy_unary(answer), tmp_path, unary=unary) as channel:
            ask: Any = channel.unary_unary(TALK)
            assert await ask(b"") == b"None"
            # gRPC rounds a deadline up on each connection, by 1 % at most; the client's own is what ends the call.
            assert 0 < float(await ask(b"", timeout=1000)) <= 1021

    run(test())


@pytest.mark.parametrize("unary", [True, False])
def test_a_client_that_goes_away_and_one_that_is_late_cancel_the_engines_handler(tmp_path: Path, unary: bool) -> None:
    async def test() -> None:
        reached, cancelled = asyncio.Semaphore(0), asyncio.Semaphore(0)

        async def answer(request: bytes, context: Any) -> bytes:
            reached.release()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.release()
                raise
            return b""

        async with through(toy_unary(answer), tmp_path, unary=unary) as channel:
            ask: Any = channel.unary_unary(TALK)
            call = ask(b"")
            await reached.acquire()
            call.cancel()
            await cancelled.acquire()
            with pytest.raises(grpc.aio.AioRpcError) as seen:
                await ask(b"", timeout=0.2)
            assert seen.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
            await cancelled.acquire()

    run(test())


def test_a_stream_talks_in_turns_and_ends_when_the_client_has_ended(tmp_path: Path) -> None:
    async def talk(requests: Any, context: Any) -> AsyncIterator[bytes]:
        count = 0
        async for request in requests:
            count += 1
            yield request.upper()
        yield b"%d" % count

    async def test() -> None:
        async with through(toy(talk), tmp_path) as channel:
            ask: Any = channel.stream_stream(TALK)
            call = ask()
            for word in (b"a", b"b", b""):
                await call.write(word)
                assert await call.read() == word.upper()
            await call.done_writing()
            assert await call.read() == b"3"
            assert await call.read() is grpc.aio.EOF
            assert await call.code() == grpc.StatusCode.OK

    run(test())


def test_a_stream_that_is_refused_while_it_is_sent_keeps_its_status(tmp_path: Path) -> None:
    async def talk(requests: Any, context: Any) -> AsyncIterator[bytes]:
        raise InvalidInput.at("header", "it is missing")
        yield b""

    async def test() -> None:
        async with through(toy(talk), tmp_path) as channel:
            ask: Any = channel.stream_stream(TALK)
            for _ in range(50):
                call = ask(iter([bytes(100_000)] * 20))
                with pytest.raises(grpc.aio.AioRpcError) as seen:
                    await anext(aiter(call))
                if seen.value.details() != "Internal error from Core":  # the same race within the client of this test
                    assert violations_in(seen.value) == {"header": "it is missing"}

    run(test())


def test_the_engine_may_refuse_a_stream_before_it_has_read_all(tmp_path: Path) -> None:
    async def talk(requests: Any, context: Any) -> AsyncIterator[bytes]:
        async for request in requests:
            yield request
            raise InvalidInput.at("second", "it is not wanted")

    async def test() -> None:
        async with through(toy(talk), tmp_path) as channel:
            ask: Any = channel.stream_stream(TALK)
            for _ in range(100):  # the refusal may come while the message before it is being written
                call = ask()
                await call.write(b"one")
                assert await call.read() == b"one"
                with pytest.raises(grpc.aio.AioRpcError) as seen:
                    await call.read()
                assert violations_in(seen.value) == {"second": "it is not wanted"}

    run(test())


def test_a_client_that_takes_nothing_is_not_read_ahead_of_and_can_be_cut_off(tmp_path: Path) -> None:
    async def test() -> None:
        blocked, cut = asyncio.Event(), asyncio.Event()
        sent = 0

        async def talk(requests: Any, context: Any) -> None:
            nonlocal sent
            try:
                while True:
                    writing = asyncio.ensure_future(context.write(bytes(1 << 20)))
                    done, _ = await asyncio.wait({writing}, timeout=0.5)
                    if not done:
                        writing.cancel()
                        blocked.set()
                        raise ResourceExhausted(Reason.WATCH_TOO_SLOW, "too slow")
                    sent += 1
            finally:
                cut.set()

        async with through(toy(talk), tmp_path) as channel:
            ask: Any = channel.stream_stream(TALK)
            call = ask()
            await call.done_writing()
            assert await call.read() == bytes(1 << 20)
            await blocked.wait()
            await cut.wait()
            assert sent < 64
            with pytest.raises(grpc.aio.AioRpcError) as seen:
                await until_it_ends(call)
            assert detail_in(seen.value, error_details_pb2.ErrorInfo).reason == "WATCH_TOO_SLOW"

    run(test())


async def until_it_ends(call: Any) -> None:
    while await call.read() is not grpc.aio.EOF:
        pass


def test_an_engine_that_is_gone_is_told_as_a_server_going_down(tmp_path: Path) -> None:
    async def answer(request: bytes, context: Any) -> bytes:
        return request

    async def test() -> None:
        engine = toy_unary(answer)
        async with through(engine, tmp_path, unary=True) as channel:
            ask: Any = channel.unary_unary(TALK)
            assert await ask(b"here") == b"here"
            await engine.drain(0)
            with pytest.raises(grpc.aio.AioRpcError) as seen:
                await ask(b"gone")
            assert seen.value.code() == grpc.StatusCode.UNAVAILABLE
            assert detail_in(seen.value, error_details_pb2.ErrorInfo).reason == "SHUTTING_DOWN"
            assert detail_in(seen.value, error_details_pb2.RetryInfo).retry_delay.seconds == 1

    run(test())


def test_grpc_still_has_the_one_thing_that_is_used_without_being_public() -> None:
    """A release without it breaks all streams through workers: decision 10 says what it is for, and `_send` uses it."""

    async def test() -> None:
        async with grpc.aio.insecure_channel("unix:/nobody") as channel:
            talk: Any = channel.stream_stream(TALK)
            call = talk()
            sends = getattr(getattr(call, "_cython_call", None), "send_serialized_message", None)
            call.cancel()
            assert callable(sends), f"grpcio {grpc.__version__}: see `_send` in server/workers/forwarding.py"

    run(test())
