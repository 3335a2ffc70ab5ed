"""min_revision: reached at once, reached later, never reached; and the clock of a replay."""

from __future__ import annotations

import asyncio
from pathlib import Path

import grpc
import pytest
from google.protobuf import duration_pb2, timestamp_pb2
from tests.server.live import run
from tests.server.served import START, event, refusal, serving

from segmentd.server import waiting
from segmentd.server.instants import to_timestamp
from segmentd.times import SECOND, Micros, WallClock
from segmentd.v1 import admin_service_pb2 as pb
from segmentd.v1 import membership_service_pb2

PRO = {"attribute": {"plan": {"equals": "pro"}}}


def test_a_question_waits_for_the_revision_that_it_names(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            revision = (await client.define("pro", PRO)).revision
            early = asyncio.ensure_future(client.check("u", "pro", min_revision=revision + 1))
            assert (await client.check("u", "pro", min_revision=revision)).revision == revision
            assert not early.done()
            await client.upsert({"u": {"plan": "pro"}})
            answer = await early
            assert (answer.revision, answer.user_known) == (revision + 1, True)

    run(test())


def test_a_revision_that_is_not_reached_ends_with_the_deadline(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            await client.define("pro", PRO)
            request = membership_service_pb2.CheckMembershipRequest(user_id="u", segment_id="pro", min_revision=912)
            refused = await refusal(client.memberships.CheckMembership(request, timeout=0.5))
            assert (refused.code, refused.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "REVISION_NOT_REACHED")
            assert refused.metadata == {"min_revision": "912", "revision": "1"}
            assert (await client.check("u", "pro")).revision == 1

    run(test())


@pytest.mark.parametrize("seconds", [0.01, 0.5, 1.0, 9.99, 30.0, 99.95, 600.0])
@pytest.mark.parametrize("tellings", [1, 2])
def test_the_refusal_comes_before_the_deadline_also_where_grpc_rounded_it_up(seconds: float, tellings: int) -> None:
    told = seconds * 1.01**tellings
    left = seconds - waiting.until_refusal(told)
    assert min(0.2, 0.09 * seconds) < left < 0.35 + 0.03 * seconds


def test_a_call_without_a_deadline_does_not_wait_forever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "PATIENCE", 0.05)

    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            await client.define("pro", PRO)
            refused = await refusal(client.check("u", "pro", min_revision=2))
            assert refused.reason == "REVISION_NOT_REACHED"
            negative = await refusal(client.check("u", "pro", min_revision=-1))
            assert list(negative.violations) == ["min_revision"]

    run(test())


def test_the_status_says_what_is_there(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            await client.define("pro", PRO)
            await client.upsert({"u": {}, "v": {}})
            await client.ingest(event("w", "A"), event("w", "B"))
            status = await client.admin.GetStatus(pb.GetStatusRequest())
            assert (status.user_count, status.event_count, status.segment_count) == (3, 2, 1)
            assert (status.revision, status.clock_frozen, status.version) == (3, True, "0.1.0")
            assert status.clock_time.seconds == START // SECOND
            assert status.HasField("start_time")

    run(test())


def test_a_frozen_clock_moves_forward_only(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db") as client:
            moved = await client.advance(to=Micros(START + 5))
            assert (moved.clock_time, moved.transition_count) == (to_timestamp(Micros(START + 5)), 0)
            assert (await client.advance(1)).clock_time == to_timestamp(Micros(START + 6))
            far = timestamp_pb2.Timestamp(seconds=10**12)
            for request, field in (
                (pb.AdvanceClockRequest(), "target"),
                (pb.AdvanceClockRequest(to_time=to_timestamp(START)), "to_time"),
                (pb.AdvanceClockRequest(to_time=far), "to_time"),
                (pb.AdvanceClockRequest(by=duration_pb2.Duration(nanos=999)), "by"),
                (pb.AdvanceClockRequest(by=duration_pb2.Duration(seconds=-1)), "by"),
            ):
                refused = await refusal(client.admin.AdvanceClock(request))
                assert (refused.reason, list(refused.violations)) == ("INVALID_REQUEST", [field])

    run(test())


def test_the_wall_clock_cannot_be_moved(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "db", WallClock()) as client:
            refused = await refusal(client.advance(1))
            assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "CLOCK_NOT_FROZEN")

    run(test())
