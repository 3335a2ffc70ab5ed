"""Streams through a worker: watches, uploads, events that are answered request by request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
from tests.server.served import MEMBER, Client, event, refusal
from tests.server.test_user_list_service import end, header, ids, send, stub, upload
from tests.server.watching import begun, transitions
from tests.workers.conftest import Served

from segmentd.v1 import profile_service_pb2, user_list_service_pb2


def test_a_watch_brings_the_moves_of_writes_through_any_worker(served: Served) -> None:
    async def test() -> None:
        async with served.process.channel() as channel, served.process.channel() as other:
            watch = await begun(Client(channel), segment_ids=["pro"])
            for turn in range(5):
                await Client(other).upsert({f"mover{turn}": {"plan": "pro"}})
            assert [each.user_id for each in await transitions(watch, 5)] == [f"mover{turn}" for turn in range(5)]

    served.run(test())


def test_a_list_is_uploaded_through_a_worker(served: Served) -> None:
    async def test() -> None:
        async with served.process.channel() as channel:
            client = Client(channel)
            many = [ids(*(f"m{part}-{i}" for i in range(10_000))) for part in range(5)]
            answer = await upload(client, header(list_id="many"), *many)
            assert answer.added_count == 50_000
            refused = await refusal(send(client, header(list_id="many"), ids("a"), end(2)))
            assert refused.violations == {"end.id_count": "2 ids were sent, 1 have arrived"}

    served.run(test())


def test_an_upload_that_is_broken_off_changes_nothing(served: Served) -> None:
    async def test() -> None:
        async with served.process.channel() as channel:
            client = Client(channel)
            await upload(client, header(list_id="broken"), ids("kept"))
            begun_upload = asyncio.Event()

            async def messages() -> AsyncIterator[Any]:
                yield header(list_id="broken")
                yield ids("other")
                begun_upload.set()
                await asyncio.Event().wait()

            call = stub(client).UploadUserList(messages())
            await begun_upload.wait()
            call.cancel()
            request = user_list_service_pb2.ListUserListMembersRequest(list_id="broken")
            assert (await stub(client).ListUserListMembers(request)).user_ids == ["kept"]

    served.run(test())


def test_events_are_streamed_and_answered_in_turn(served: Served) -> None:
    async def test() -> None:
        async with served.process.channel() as channel:
            client = Client(channel)
            call = client.profiles.StreamEvents()
            for turn in range(3):
                events = [event(f"streamed{turn}", "viewed", f"s{turn}")]
                await call.write(profile_service_pb2.StreamEventsRequest(events=events))
                answer = await call.read()
                assert answer.results[0].outcome == profile_service_pb2.INGEST_OUTCOME_STORED
                assert (await client.check(f"streamed{turn}", "recent")).membership == MEMBER
            await call.done_writing()
            assert await call.read() is grpc.aio.EOF
            assert await call.code() is grpc.StatusCode.OK

    served.run(test())
