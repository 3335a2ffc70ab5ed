"""What was acknowledged is seen by every worker, on any connection; a revision is waited for as without workers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import grpc
from tests.server.served import MEMBER, NOT_MEMBER, Client, event, refusal
from tests.workers.conftest import Served
from tests.workers.fleet_process import FleetProcess

from segmentd.times import DAY
from segmentd.v1 import membership_service_pb2 as pb

READERS = 12


@asynccontextmanager
async def readers(process: FleetProcess) -> AsyncIterator[list[Client]]:
    """Clients with a connection each: with so many, the kernel gives some to each worker."""
    async with AsyncExitStack() as stack:
        yield [Client(await stack.enter_async_context(process.channel())) for _ in range(READERS)]


def test_every_worker_sees_a_write_once_it_is_acknowledged(served: Served) -> None:
    async def test() -> None:
        async with served.process.channel() as channel, readers(served.process) as others:
            writer = Client(channel)
            for turn in range(12):
                plan = "pro" if turn % 2 == 0 else "free"
                written = await writer.upsert({"changing": {"plan": plan}, f"new{turn}": {"plan": plan}})
                asked = [each.check(user, "pro") for each in others for user in ("changing", f"new{turn}")]
                for answer in await asyncio.gather(*asked):
                    assert answer.user_known
                    assert answer.revision >= written.revision
                    assert answer.membership == (MEMBER if plan == "pro" else NOT_MEMBER)

    served.run(test())


def test_every_worker_sees_an_edit_and_the_moved_clock(served: Served) -> None:
    async def test() -> None:
        async with served.process.channel() as channel, readers(served.process) as others:
            writer = Client(channel)
            await writer.define("lately", {"behavioral": {"event": "looked", "within": "1d"}})
            await writer.ingest(event("looker", "looked", "look"))
            for member in (True, False):
                assert set(await asyncio.gather(*(each.is_member("looker", "lately") for each in others))) == {member}
                await writer.advance(2 * DAY)

    served.run(test())


def test_a_question_waits_for_its_revision_until_shortly_before_its_deadline(served: Served) -> None:
    async def test() -> None:
        async with served.process.channel() as channel, readers(served.process) as others:
            writer = Client(channel)
            revision = (await writer.upsert({"awaited": {"plan": "free"}})).revision
            before = served.process.forwarded
            asked = asyncio.gather(*(each.check("awaited", "pro", min_revision=revision + 1) for each in others))
            while served.process.forwarded < before + READERS:
                await asyncio.wait([asked], timeout=0.01)
            await writer.upsert({"awaited": {"plan": "pro"}})
            assert {answer.membership for answer in await asked} == {MEMBER}
            late = pb.CheckMembershipRequest(user_id="awaited", segment_id="pro", min_revision=10**9)
            refused = await refusal(others[0].memberships.CheckMembership(late, timeout=2))
            assert (refused.code, refused.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "REVISION_NOT_REACHED")
            assert refused.metadata["min_revision"] == str(10**9)

    served.run(test())
