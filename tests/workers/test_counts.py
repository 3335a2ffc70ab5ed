"""Every question that a worker settles is counted once: answered, refused, or handed on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from tests.server.live import run

from segmentd.errors import InvalidInput
from segmentd.mapping.elsewhere import Elsewhere, Why
from segmentd.server.membership_reads import MembershipReads
from segmentd.server.workers.answering import answering
from segmentd.server.workers.tallies import ANSWERED, FORWARDED
from segmentd.v1 import membership_service_pb2 as pb

BATCH = "/segmentd.v1.MembershipService/BatchCheckMemberships"
STREAM = "/segmentd.v1.MembershipService/StreamBatchChecks"
ENGINE = pb.BatchCheckMembershipsResponse(revision=7)
"""What the engine answers."""


class Reads(MembershipReads):
    """Answers, refuses or leaves to the engine as the id of the first user says."""

    def __init__(self) -> None:
        pass

    async def BatchCheckMemberships(self, request: pb.BatchCheckMembershipsRequest, context: Any) -> Any:
        match request.user_ids[0]:
            case "refused":
                raise InvalidInput.at("user_ids[0]", "no")
            case "elsewhere":
                raise Elsewhere(Why.COLLISION)
        return pb.BatchCheckMembershipsResponse(revision=1)

    async def together(self, requests: Sequence[pb.BatchCheckMembershipsRequest], context: Any) -> Any:
        return [await self.BatchCheckMemberships(each, context) for each in requests]


class ToEngine:
    """Stands for the forwarder."""

    def __init__(self, tally: memoryview) -> None:
        self._tally = tally

    def unary(self, method: str) -> Any:
        async def forward(request: bytes, context: Any) -> bytes:
            self._tally[FORWARDED] += 1
            return ENGINE.SerializeToString()

        return forward

    amid_stream = unary


@pytest.fixture
def tally() -> memoryview:
    return memoryview(bytearray(64)).cast("q")


def handlers(tally: memoryview) -> dict[str, Any]:
    forwarder: Any = ToEngine(tally)
    return dict(answering(Reads(), forwarder, tally))


def batch(user_id: str) -> pb.BatchCheckMembershipsRequest:
    return pb.BatchCheckMembershipsRequest(user_ids=[user_id], segment_ids=["s"])


def test_single_batches_are_counted(tally: memoryview) -> None:
    async def test() -> None:
        answer = handlers(tally)[BATCH].unary_unary
        await answer(batch("answered").SerializeToString(), None)
        await answer(batch("elsewhere").SerializeToString(), None)
        with pytest.raises(InvalidInput):
            await answer(batch("refused").SerializeToString(), None)

    run(test())
    assert (tally[ANSWERED], tally[FORWARDED]) == (2, 1)


def test_batches_of_a_stream_are_counted_one_by_one_and_a_refusal_too(tally: memoryview) -> None:
    async def requests() -> AsyncIterator[bytes]:
        for user_id in ("answered", "elsewhere", "answered", "refused", "never read"):
            yield pb.StreamBatchChecksRequest(batches=[batch(user_id)]).SerializeToString()

    async def test() -> None:
        answers = handlers(tally)[STREAM].stream_stream(requests(), None)
        parts = [pb.StreamBatchChecksResponse.FromString(await anext(answers)) for _ in range(3)]
        assert [[answer.revision for answer in each.answers] for each in parts] == [[1], [7], [1]]
        with pytest.raises(InvalidInput):
            await anext(answers)

    run(test())
    assert (tally[ANSWERED], tally[FORWARDED]) == (3, 1)


def test_batches_of_one_message_are_each_counted_once(tally: memoryview) -> None:
    asked = [[batch("answered"), batch("answered")], [batch("answered"), batch("elsewhere"), batch("refused")]]

    async def requests() -> AsyncIterator[bytes]:
        for batches in asked:
            yield pb.StreamBatchChecksRequest(batches=batches).SerializeToString()

    async def test() -> None:
        answers = handlers(tally)[STREAM].stream_stream(requests(), None)
        parts = [pb.StreamBatchChecksResponse.FromString(await anext(answers)) for _ in range(3)]
        assert [[answer.revision for answer in each.answers] for each in parts] == [[1, 1], [1], [7]]
        with pytest.raises(InvalidInput):
            await anext(answers)

    run(test())
    assert (tally[ANSWERED], tally[FORWARDED]) == (4, 1)
