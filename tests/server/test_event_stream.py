"""StreamEvents: each request is stored and answered like one of IngestEvents, in order, as fast as it is stored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, cast

import grpc
import pytest
from tests.server.live import run
from tests.server.served import event, item_refusal, refusal, serving

from segmentd.errors import Reason, ResourceExhausted
from segmentd.server.ingesting import AHEAD, answers
from segmentd.service.engine_thread import Outcome
from segmentd.service.items import EventWrite, ItemResult
from segmentd.service.profiles import Profiles
from segmentd.v1 import profile_pb2
from segmentd.v1 import profile_service_pb2 as pb

STORED, DUPLICATE, REFUSED = pb.INGEST_OUTCOME_STORED, pb.INGEST_OUTCOME_DUPLICATE, pb.INGEST_OUTCOME_REFUSED
RULE = {"behavioral": {"event": "A", "within": "7d", "count": {"at_least": 3}}}


def asked(*events: profile_pb2.Event) -> pb.StreamEventsRequest:
    return pb.StreamEventsRequest(events=events)


async def outcomes(call: Any) -> list[list[int]]:
    return [[result.outcome for result in answer.results] async for answer in call]


def test_each_request_is_answered_in_order_item_by_item(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            await client.define("often", RULE)
            call = client.profiles.StreamEvents(
                [
                    asked(event("u", "A", "m1"), event("", "A")),
                    asked(),
                    asked(event("u", "A", "m1"), event("u", "A", "m2"), event("u", "A", "m2", x=1)),
                    asked(*(event(f"v{index}", "A") for index in range(300)), event("u", "A")),
                ]
            )
            found = [answer async for answer in call]
            assert [[each.outcome for each in answer.results] for answer in found] == [
                [STORED, REFUSED],
                [],
                [DUPLICATE, STORED, REFUSED],
                [STORED] * 301,
            ]
            assert list(item_refusal(found[0].results[1].error).violations) == ["events[1].user_id"]
            assert item_refusal(found[2].results[2].error).reason == "MESSAGE_ID_REUSED"
            revisions = [answer.revision for answer in found]
            assert revisions == sorted(revisions)
            answer = await client.check("u", "often", min_revision=revisions[-1])
            assert answer.revision >= revisions[-1]
            assert await client.is_member("u", "often")

    run(test())


@pytest.mark.parametrize("bad", [asked(*[event("u", "A")] * 10_001).SerializeToString(), b"\x0a\x05\x0a\x01\xff"])
def test_a_bad_request_ends_the_stream_after_the_answers_before_it(tmp_path: Path, bad: bytes) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            stream: Any = client.channel.stream_stream(
                "/segmentd.v1.ProfileService/StreamEvents", response_deserializer=pb.StreamEventsResponse.FromString
            )
            call = stream([asked(event("u", "A", "m1")).SerializeToString(), bad, asked().SerializeToString()])
            assert [each.outcome for each in (await call.read()).results] == [STORED]
            refused = await refusal(call.read())
            assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
            assert refused.reason in ("BATCH_TOO_LARGE", "INVALID_REQUEST")
            assert await client.ingest(event("u", "A", "m1")) == pb.IngestEventsResponse(
                results=[pb.IngestEventResult(outcome=DUPLICATE)], revision=1
            )

    run(test())


class SlowProfiles:
    """Takes events in and stores them when it is told to."""

    def __init__(self) -> None:
        self.begun: list[asyncio.Future[Outcome]] = []
        self.full = False

    async def begin_ingest(self, writes: Sequence[EventWrite]) -> asyncio.Future[Outcome]:
        if self.full:
            raise ResourceExhausted(Reason.OVERLOADED, "too much waits")
        self.begun.append(asyncio.get_running_loop().create_future())
        return self.begun[-1]

    def store(self, index: int) -> None:
        self.begun[index].set_result(Outcome([ItemResult()], index + 1))


async def many_requests(sent: list[int]) -> AsyncIterator[pb.StreamEventsRequest]:
    for number in range(20):
        sent.append(number)
        yield asked(event("u", "A"))


async def settled() -> None:
    """Whatever can go on without the outside has gone on."""
    for _ in range(50):
        await asyncio.sleep(0)


def test_no_more_requests_are_read_than_may_be_under_way() -> None:
    async def test() -> None:
        slow, sent = SlowProfiles(), list[int]()
        async with aclosing(answers(cast("Profiles", slow), many_requests(sent))) as found:
            first = asyncio.ensure_future(anext(found))
            await settled()
            assert (len(slow.begun), len(sent)) == (AHEAD, AHEAD + 1)
            slow.store(1)
            await settled()
            assert not first.done()
            slow.store(0)
            assert (await first).revision == 1
            assert (await anext(found)).revision == 2
            await settled()
            assert len(slow.begun) == AHEAD + 2

    run(test())


def test_what_the_queue_refuses_ends_the_stream_after_the_answers_before_it() -> None:
    async def test() -> None:
        slow, sent = SlowProfiles(), list[int]()
        async with aclosing(answers(cast("Profiles", slow), many_requests(sent))) as found:
            first = asyncio.ensure_future(anext(found))
            await settled()
            slow.full = True
            for index in range(AHEAD):
                slow.store(index)
            assert (await first).revision == 1
            for revision in range(2, AHEAD + 1):
                assert (await anext(found)).revision == revision
            with pytest.raises(ResourceExhausted):
                await anext(found)

    run(test())


def test_a_stream_that_is_left_reads_no_further() -> None:
    async def test() -> None:
        slow, sent = SlowProfiles(), list[int]()
        before = asyncio.all_tasks()
        found = answers(cast("Profiles", slow), many_requests(sent))
        first = asyncio.ensure_future(anext(found))
        await settled()
        first.cancel()
        await settled()
        await found.aclose()
        assert asyncio.all_tasks() == before
        assert len(sent) == AHEAD + 1

    run(test())
