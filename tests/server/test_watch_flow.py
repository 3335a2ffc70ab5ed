"""Watchers that are slow, many, killed or told to go: the server stays up, small, and owes nobody anything."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from google.rpc import error_details_pb2
from tests.server.live import LISTEN
from tests.server.served import START, Client, struct
from tests.server.toys import detail_in
from tests.server.watching import ANY, LOG, PRO, SNAPSHOT, begun, brief, fill, transitions, watch

from segmentd.plugins.host import load_plugins
from segmentd.server.run import Server
from segmentd.server.serve import server_of
from segmentd.service.log_pages import LogPage
from segmentd.service.service import Service
from segmentd.service.value_types import Currencies
from segmentd.times import FrozenClock
from segmentd.v1 import admin_service_pb2, segment_pb2, segment_service_pb2, transition_pb2
from segmentd.v1 import membership_service_pb2 as pb


class Up:
    """A server under test: the service in it, and a client of its own."""

    def __init__(self, service: Service, server: Server, address: str, channel: grpc.aio.Channel) -> None:
        self.service, self.server, self.address = service, server, address
        self.client = Client(channel)

    async def nobody_watches(self) -> None:
        """Returns when the service has let go of all watchers."""
        while self.service.watching._desks:
            await self.client.admin.GetStatus(admin_service_pb2.GetStatusRequest())


@asynccontextmanager
async def up(path: Path, patience: float = 30.0) -> AsyncIterator[Up]:
    service = Service.open(path, load_plugins(), FrozenClock(START), Currencies())
    try:
        server = server_of(service, patience)
        address = await server.start(LISTEN)
        try:
            async with grpc.aio.insecure_channel(address) as channel:
                yield Up(service, server, address, channel)
        finally:
            await server.drain(0)
    finally:
        service.close()


def run(test: Any) -> None:
    asyncio.run(asyncio.wait_for(test, 30))


async def switch(client: Client, rule: dict[str, Any]) -> None:
    segment = segment_pb2.Segment(id="pro", rule=struct(rule))
    await client.segments.UpdateSegment(segment_service_pb2.UpdateSegmentRequest(segment=segment))


async def rest(call: Any) -> tuple[list[pb.WatchTransitionsResponse], grpc.StatusCode, str]:
    """What a stream still has, and the code and reason with which it ends."""
    found: list[pb.WatchTransitionsResponse] = []
    try:
        while (message := await call.read()) is not grpc.aio.EOF:
            found.append(message)
    except grpc.aio.AioRpcError as error:
        return found, error.code(), str(detail_in(error, error_details_pb2.ErrorInfo).reason)
    raise AssertionError("the stream ended without an error")


def test_a_consumer_that_takes_nothing_is_cut_off_and_loses_nothing(tmp_path: Path) -> None:
    users, rounds = 50_000, 4

    async def test() -> None:
        async with up(tmp_path / "db", patience=0.3) as server:
            client = server.client
            await client.define("pro", PRO)
            await fill(client, users, "free")
            async with grpc.aio.insecure_channel(server.address) as channel:
                lazy = await begun(Client(channel))
                pages = []
                for number in range(rounds):
                    await switch(client, PRO if number % 2 else ANY)
                    pages.append(pages_held())
                while server.service.watching._desks:
                    pages.append(pages_held())
                    await client.check("u", "pro")
                assert max(pages) <= 66  # those that are shared, and the one under way
                messages, *why = await rest(lazy)
                assert why == [grpc.StatusCode.RESOURCE_EXHAUSTED, "WATCH_TOO_SLOW"]
            found = [each for message in messages for each in message.transitions.transitions]
            assert 0 < len(found) < users * rounds
            call = watch(client, position=found[-1].position)
            while len(found) < users * rounds:
                found += (await call.read()).transitions.transitions
            whole = [(index // users % 2 == 0, f"u{index % users}") for index in range(users * rounds)]
            assert [(move == transition_pb2.MOVE_ENTERED, user) for _, user, move in map(parts_of, found)] == whole

    run(test())


def pages_held() -> int:
    return sum(isinstance(each, LogPage) for each in gc.get_objects())


def parts_of(found: transition_pb2.Transition) -> tuple[str, str, int]:
    return found.segment_id, found.user_id, found.move


def test_a_snapshot_that_nobody_takes_is_cut_off_too_and_makes_room(tmp_path: Path) -> None:
    async def test() -> None:
        async with up(tmp_path / "db", patience=0.3) as server:
            await fill(server.client, 50_000, "free")
            for number in range(12):
                await server.client.define(f"any{number}", ANY)
            async with grpc.aio.insecure_channel(server.address) as channel:
                lazy = [watch(Client(channel), start=SNAPSHOT) for _ in range(6)]
                patient = watch(server.client, start=SNAPSHOT, segment_ids=["any3"])
                users = 0
                while (message := await patient.read()).HasField("members"):
                    users += len(message.members.user_ids)
                assert users == 50_000
                patient.cancel()
                await server.nobody_watches()
                assert {(await rest(call))[2] for call in lazy} == {"WATCH_TOO_SLOW"}

    run(test())


def test_a_watch_that_is_cut_off_amid_its_first_message_ends_with_the_reason(tmp_path: Path) -> None:
    narrow = (("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 1_024))

    async def test() -> None:
        async with up(tmp_path / "db", patience=0.3) as server:
            await server.client.define("any", ANY)
            for start in (0, 1_000):
                padded = [f"{'x' * 200}{start + number}" for number in range(1_000)]
                await server.client.upsert({user_id: {"plan": "free"} for user_id in padded})
            async with grpc.aio.insecure_channel(server.address, options=narrow) as channel:
                lazy = watch(Client(channel), start=SNAPSHOT)
                while not server.service.watching._desks:
                    await server.client.check("u", "any")
                await server.nobody_watches()
                messages, *why = await rest(lazy)
                assert len(messages) == 1
                assert why == [grpc.StatusCode.RESOURCE_EXHAUSTED, "WATCH_TOO_SLOW"]

    run(test())


def test_a_thousand_watchers_see_the_same(tmp_path: Path) -> None:
    watchers, users = 1_000, 30

    async def test() -> None:
        async with up(tmp_path / "db") as server:
            client = server.client
            await client.define("pro", PRO)
            calls = [watch(client, user_ids=["u7", "u8"] if each % 10 == 0 else []) for each in range(watchers)]
            for call in calls:
                assert (await call.read()).HasField("checkpoint")
            assert len(server.service._engine.tail._callbacks) == 1
            await fill(client, users, "pro", batch=7)
            await fill(client, users, "free", batch=11)
            calls.append(await begun(client, start=LOG))
            whole = await transitions(calls[-1], 2 * users)
            two = [each for each in whole if each.user_id in {"u7", "u8"}]
            seen = await asyncio.gather(
                *(collected(call, 4 if i % 10 == 0 else 60) for i, call in enumerate(calls[:-1]))
            )
            assert all(found == (two if index % 10 == 0 else whole) for index, found in enumerate(seen))
            for call in calls:
                call.cancel()
            await server.nobody_watches()

    run(test())


async def collected(call: Any, number: int) -> list[transition_pb2.Transition]:
    return await transitions(call, number)


def test_a_client_that_goes_away_leaves_nothing_behind(tmp_path: Path) -> None:
    async def test() -> None:
        async with up(tmp_path / "db") as server:
            await server.client.define("pro", PRO)
            await fill(server.client, 5_000, "pro")
            for start in (LOG, SNAPSHOT, pb.WATCH_START_NOW):
                channel = grpc.aio.insecure_channel(server.address)
                calls = [watch(Client(channel), start=start) for _ in range(5)]
                for call in calls:
                    await call.read()
                await channel.close()
                await server.nobody_watches()
            assert not server.service._engine.tail._callbacks
            stays = await begun(server.client)
            await fill(server.client, 1, "free")
            assert [brief(each) for each in await transitions(stays, 1)] == [("pro", "u0", False)]

    run(test())


def test_a_deadline_ends_a_watch(tmp_path: Path) -> None:
    async def test() -> None:
        async with up(tmp_path / "db") as server:
            call = server.client.memberships.WatchTransitions(pb.WatchTransitionsRequest(), timeout=0.2)
            await call.read()
            with pytest.raises(grpc.aio.AioRpcError) as seen:
                await call.read()
            assert seen.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            await server.client.define("pro", PRO)
            await server.nobody_watches()

    run(test())


def test_a_drain_ends_watches_at_once_and_they_go_on_elsewhere(tmp_path: Path) -> None:
    async def test() -> None:
        async with up(tmp_path / "db") as server:
            await server.client.define("pro", PRO)
            calls = [await begun(server.client) for _ in range(5)]
            await fill(server.client, 2, "pro")
            last = [(await transitions(call, 2))[-1].position for call in calls]
            ending = [asyncio.create_task(rest(call)) for call in calls]
            await server.server.drain(3_600)  # with a grace that the test would not survive
            assert await asyncio.gather(*ending) == [([], grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")] * 5
        async with up(tmp_path / "db") as server:
            call = await begun(server.client, position=last[0])
            await fill(server.client, 1, "free")
            assert [brief(each) for each in await transitions(call, 1)] == [("pro", "u0", False)]

    run(test())


def test_a_drain_does_not_wait_long_for_a_consumer_that_takes_nothing(tmp_path: Path) -> None:
    async def test() -> None:
        async with up(tmp_path / "db") as server:
            await server.client.define("pro", PRO)
            await fill(server.client, 50_000, "pro")
            await switch(server.client, {"not": PRO})
            async with grpc.aio.insecure_channel(server.address) as channel:
                lazy = watch(Client(channel), start=LOG)
                await lazy.read()
                await server.server.drain(0.5)
                # Ended by the server's own word; gRPC drops without one whom the drain would have waited for.
                assert (await rest(lazy))[1:] == (grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")

    run(test())
