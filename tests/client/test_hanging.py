"""A connection that hangs without being closed is found out, and another one is used."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import grpc
import pytest
from tests.cli.running import serving
from tests.client.hanging import Way, way_to
from tests.client.local.told import Hand

from segmentd.client import AsyncClient, CallFailed, Client, as_struct, silence
from segmentd.client import pool as pools
from segmentd.client.channel import KEEPALIVE, open_async_channel, open_channel
from segmentd.client.pool import Pool, tries
from segmentd.client.questions import is_member_call
from segmentd.server.run import _OPTIONS
from segmentd.v1 import profile_service_pb2 as profiles
from segmentd.v1 import segment_pb2

WAIT = 30.0
"""Seconds after which a test that waits has failed."""
SHORT = 0.3
"""Seconds without an answer after which another connection is asked here."""
SOON = 1.0
"""Seconds without a message after which a connection is taken for dead here."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("server")) as listening, Client(listening) as client:
        rule = as_struct({"attribute": {"n": {"below": 5}}})
        client.create_segment(segment_pb2.Segment(id="low", rule=rule))
        yield listening


def living(address: str, life: Callable[[Client, Way], Coroutine[Any, Any, None]]) -> None:
    """Run it with somebody who writes, and with a way to the server."""
    with Client(address) as writer, way_to(address) as way:
        asyncio.run(asyncio.wait_for(life(writer, way), WAIT))


def enter(client: Client, user_id: str) -> int:
    """Make somebody a member; gives the revision."""
    return client.upsert_profiles([profiles.ProfileUpsert(user_id=user_id, attributes=as_struct({"n": 1}))]).revision


def waiting_batches(over: threading.Event) -> Iterator[tuple[list[str], list[str]]]:
    yield ["ada"], ["low"]
    over.wait(WAIT)


def test_a_stream_on_a_connection_that_hangs_fails_as_unavailable(address: str) -> None:
    over = threading.Event()
    with way_to(address) as way, Client(channel=open_channel(way.address, SOON)) as client:
        tables = client.stream_batches(waiting_batches(over))
        next(tables)
        way.hang()
        with pytest.raises(CallFailed) as failed:
            next(tables)
        over.set()
        assert failed.value.code is grpc.StatusCode.UNAVAILABLE
        assert client.status().revision, "over a new connection"


def test_with_asyncio_too(address: str) -> None:
    async def life(_: Client, way: Way) -> None:
        async def batches() -> Any:
            yield ["ada"], ["low"]
            await asyncio.Event().wait()

        async with AsyncClient(channel=open_async_channel(way.address, SOON)) as client:
            tables = client.stream_batches(batches())
            await anext(tables)
            way.hang()
            with pytest.raises(CallFailed) as failed:
                await anext(tables)
            assert failed.value.code is grpc.StatusCode.UNAVAILABLE

    living(address, life)


def test_a_watch_with_checkpoints_goes_on_over_another_connection(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silence, "_LEAST", SOON)
    monkeypatch.setattr(silence, "_INTERVALS", 2)
    with (
        Client(address) as writer,
        way_to(address) as way,
        Client(way.address) as client,
        client.watch(checkpoint_seconds=1) as watch,
    ):
        assert next(watch).HasField("checkpoint")
        way.hang()
        enter(writer, "eve")
        assert next(watch.transitions()).user_id == "eve"
        assert way.count > 1


def test_a_watch_of_asyncio_too(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silence, "_LEAST", SOON)
    monkeypatch.setattr(silence, "_INTERVALS", 2)

    async def life(writer: Client, way: Way) -> None:
        async with AsyncClient(way.address) as client, client.watch(checkpoint_seconds=1) as watch:
            await anext(watch)
            way.hang()
            enter(writer, "fay")
            assert (await anext(watch.transitions())).user_id == "fay"
            assert way.count > 1

    living(address, life)


def test_a_local_copy_is_fed_over_another_connection_and_nobody_has_to_ask(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silence, "_LEAST", SOON)
    with (
        Client(address) as writer,
        way_to(address) as way,
        Client(way.address) as client,
        client.local(["low"], clock=Hand()) as local,
    ):
        assert local.wait_until_ready(WAIT)
        way.hang()
        revision = enter(writer, "gus")
        assert local.wait_until_ready(WAIT, min_revision=revision), local.failure
        assert local.known("gus", "low", revision)
        assert local.asked == 0


def test_a_local_copy_of_asyncio_too(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silence, "_LEAST", SOON)

    async def life(writer: Client, way: Way) -> None:
        async with AsyncClient(way.address) as client, client.local(["low"], clock=Hand()) as local:
            assert await local.wait_until_ready(WAIT)
            way.hang()
            revision = enter(writer, "hal")
            assert await local.wait_until_ready(WAIT, min_revision=revision), local.failure
            assert local.known("hal", "low", revision)

    living(address, life)


def test_a_read_of_local_mode_asks_another_connection_where_one_hangs(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "_HANGS", SHORT)
    call = is_member_call("ada", "none-such", 0)

    async def life(_: Client, way: Way) -> None:
        async with AsyncClient(way.address, connections=2) as client:
            await client.status()
            way.hang()
            client.caller.pool.lane()
            with pytest.raises(CallFailed) as failed:
                await client.caller.call_anywhere(call)
            assert failed.value.reason == "SEGMENT_NOT_FOUND"

    with way_to(address) as way, Client(way.address, connections=2) as client:
        client.status()
        way.hang()
        client.caller.pool.lane()  # the next turn is that of the connection that hangs
        with pytest.raises(CallFailed) as failed:
            client.caller.call_anywhere(call)
        assert failed.value.reason == "SEGMENT_NOT_FOUND"
    living(address, life)


def test_a_connection_in_doubt_comes_last_for_a_while() -> None:
    now = [100.0]
    pool: Pool[object] = Pool(object, 2, lambda: now[0])
    first = pool.lane()
    pool.doubt(first)
    assert first not in [pool.lane() for _ in range(4)]
    now[0] += 30.0
    assert first in [pool.lane() for _ in range(4)]


@pytest.mark.parametrize(("timeout", "bounds"), [(0.05, [0.05]), (2, [2]), (5, [1, 4]), (30, [1, 2, 4, 8, 15])])
def test_tries_take_no_longer_than_the_deadline(timeout: float, bounds: list[float]) -> None:
    assert tries(timeout) == bounds


def test_a_server_lets_clients_ask_as_often_as_they_do() -> None:
    assert dict(_OPTIONS)["grpc.http2.min_ping_interval_without_data_ms"] <= 1_000 * KEEPALIVE / 2
