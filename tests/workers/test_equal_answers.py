"""A worker and the engine give the same answer to the same bytes: message, status, details and metadata."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.workers.conftest import RULES, Served
from tests.workers.fleet_process import FRESH

from segmentd.v1 import (
    admin_service_pb2,
    evaluation_service_pb2,
    history_service_pb2,
    profile_service_pb2,
    segment_service_pb2,
    user_list_service_pb2,
)
from segmentd.v1 import membership_service_pb2 as pb

MEMBERSHIP = "/segmentd.v1.MembershipService/"
HEALTH = "/grpc.health.v1.Health/"
USERS = [f"u{i}" for i in range(20)]
SEGMENTS = [*RULES, "nobody_made_this", ""]
CHECK, CHECKS, BATCH, LIST = (
    MEMBERSHIP + name for name in ("CheckMembership", "CheckMemberships", "BatchCheckMemberships", "ListUserSegments")
)
QUESTIONS: list[tuple[str, Message]] = [
    *((CHECK, pb.CheckMembershipRequest(user_id=u, segment_id=s)) for u in ("u0", "u1", "u3", "nobody") for s in RULES),
    (CHECK, pb.CheckMembershipRequest(user_id="u1", segment_id="nobody_made_this")),
    (CHECK, pb.CheckMembershipRequest(user_id="", segment_id="a\nb")),
    (CHECK, pb.CheckMembershipRequest(user_id="ü" * 200, segment_id="pro")),
    (CHECK, pb.CheckMembershipRequest(user_id="u1", segment_id="pro", min_revision=-1)),
    (CHECK, pb.CheckMembershipRequest(user_id="u1", segment_id="pro", min_revision=1)),
    *((CHECKS, pb.CheckMembershipsRequest(user_id=u, segment_ids=SEGMENTS)) for u in ("u0", "u1", "u6", "nobody")),
    (CHECKS, pb.CheckMembershipsRequest(user_id="u1")),
    (CHECKS, pb.CheckMembershipsRequest(user_id="u1", segment_ids=["pro"] * 10_001)),
    (BATCH, pb.BatchCheckMembershipsRequest(user_ids=[*USERS, "nobody", "", "x\x00"], segment_ids=SEGMENTS)),
    (BATCH, pb.BatchCheckMembershipsRequest(user_ids=USERS * 500, segment_ids=["pro", "recent"])),
    (BATCH, pb.BatchCheckMembershipsRequest(user_ids=USERS * 501, segment_ids=["pro"])),
    (BATCH, pb.BatchCheckMembershipsRequest(segment_ids=["pro"])),
    (BATCH, pb.BatchCheckMembershipsRequest(joined_user_ids="\n".join(USERS * 500), segment_ids=["pro", "recent"])),
    (BATCH, pb.BatchCheckMembershipsRequest(joined_user_ids="\n" * 10_000, segment_ids=["pro"])),
    (BATCH, pb.BatchCheckMembershipsRequest(joined_user_ids="u1", user_ids=["u1"], segment_ids=["pro"])),
    *((LIST, pb.ListUserSegmentsRequest(user_id=u)) for u in ("u0", "u1", "u3", "nobody", "")),
    (LIST, pb.ListUserSegmentsRequest(user_id="u3", page_size=1)),
    (LIST, pb.ListUserSegmentsRequest(user_id="u3", page_size=-1, labels={"": "x"})),
    (LIST, pb.ListUserSegmentsRequest(user_id="u3", labels={"kind": "pro"})),
    (LIST, pb.ListUserSegmentsRequest(user_id="u3", with_leaves_time=True)),
    (LIST, pb.ListUserSegmentsRequest(user_id="u3", page_token="forged")),
    (MEMBERSHIP + "ListSegmentMembers", pb.ListSegmentMembersRequest(segment_id="pro", page_size=3)),
    (MEMBERSHIP + "ListSegmentMembers", pb.ListSegmentMembersRequest(segment_id="nobody_made_this")),
    (MEMBERSHIP + "ExplainMembership", pb.ExplainMembershipRequest(user_id="u3", segment_id="recent_pro")),
    (MEMBERSHIP + "WatchTransitions", pb.WatchTransitionsRequest(position="forged")),
    ("/segmentd.v1.AdminService/GetStatus", admin_service_pb2.GetStatusRequest()),
    ("/segmentd.v1.AdminService/AdvanceClock", admin_service_pb2.AdvanceClockRequest()),
    ("/segmentd.v1.SegmentService/ListSegments", segment_service_pb2.ListSegmentsRequest()),
    ("/segmentd.v1.SegmentService/GetSegment", segment_service_pb2.GetSegmentRequest(segment_id="nobody_made_this")),
    ("/segmentd.v1.ProfileService/GetProfile", profile_service_pb2.GetProfileRequest(user_id="u3")),
    ("/segmentd.v1.ProfileService/ExportProfile", profile_service_pb2.ExportProfileRequest(user_id="u3")),
    ("/segmentd.v1.EvaluationService/EvaluateSegments", evaluation_service_pb2.EvaluateSegmentsRequest()),
    ("/segmentd.v1.HistoryService/ListMembershipHistory", history_service_pb2.ListMembershipHistoryRequest()),
    ("/segmentd.v1.UserListService/UploadUserList", user_list_service_pb2.UploadUserListRequest()),
    ("/segmentd.v1.MembershipService/Nothing", pb.CheckMembershipRequest()),
    ("/elsewhere.Service/Nothing", pb.CheckMembershipRequest()),
    (HEALTH + "Check", health_pb2.HealthCheckRequest(service="segmentd.v1.MembershipService")),
    (HEALTH + "Check", health_pb2.HealthCheckRequest(service="elsewhere")),
    (
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        reflection_pb2.ServerReflectionRequest(list_services="*"),
    ),
]


async def answer(address: str, method: str, data: bytes) -> tuple[Any, ...]:
    """Everything that a caller is told: messages, status, details, metadata of both ends."""
    async with grpc.aio.insecure_channel(address, options=(*FRESH, ("grpc.max_receive_message_length", -1))) as channel:
        ask: Any = channel.unary_stream(method)
        call = ask(data, timeout=20)
        messages = []
        try:
            while (message := await call.read()) is not grpc.aio.EOF:
                messages.append(message)
        except grpc.aio.AioRpcError:
            pass
        trailing = [tuple(each) for each in await call.trailing_metadata()]
        initial = [tuple(each) for each in await call.initial_metadata()]
        return messages, await call.code(), await call.details(), trailing, initial


async def both(served: Served, method: str, data: bytes) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    process = served.process
    asked = await asyncio.gather(*(answer(each, method, data) for each in (process.address, process.engine)))
    return asked[0], asked[1]


@pytest.mark.parametrize(("method", "request_message"), QUESTIONS)
def test_an_answer_is_the_same_at_both_doors(served: Served, method: str, request_message: Message) -> None:
    worker, engine = served.run(both(served, method, request_message.SerializeToString()))
    assert worker == engine
    assert worker[0] or worker[1] is not grpc.StatusCode.OK


@settings(max_examples=60, deadline=None)
@given(method=st.sampled_from([CHECK, CHECKS, BATCH, LIST]), data=st.binary(max_size=30))
def test_garbage_is_refused_in_the_same_words(served: Served, method: str, data: bytes) -> None:
    worker, engine = served.run(both(served, method, data))
    assert worker == engine


@settings(max_examples=60, deadline=None)
@given(
    users=st.lists(st.sampled_from([*USERS, "nobody", "", "é"]), min_size=1, max_size=6),
    segments=st.lists(st.sampled_from(SEGMENTS), min_size=1, max_size=6),
)
def test_batches_are_the_same_at_both_doors(served: Served, users: list[str], segments: list[str]) -> None:
    data = pb.BatchCheckMembershipsRequest(user_ids=users, segment_ids=segments).SerializeToString()
    worker, engine = served.run(both(served, BATCH, data))
    assert worker == engine
    if joined := "\n".join(users):
        data = pb.BatchCheckMembershipsRequest(joined_user_ids=joined, segment_ids=segments).SerializeToString()
        assert worker[:3] == served.run(both(served, BATCH, data))[0][:3]
        assert worker[:3] == served.run(both(served, BATCH, data))[1][:3]


def test_a_request_that_is_too_large_is_refused_by_both_and_one_that_just_fits_is_taken(served: Served) -> None:
    async def test() -> None:
        most = 64 * 1024 * 1024
        padded = pb.CheckMembershipRequest(user_id="u1", segment_id="pro").SerializeToString()
        # A field that nobody knows, which fills the message.
        padded += b"\xa2\x06" + _varint(most - len(padded) - 6) + bytes(most - len(padded) - 6)
        assert len(padded) == most
        for door in (served.process.address, served.process.engine):
            assert (await answer(door, CHECK, padded))[1] is grpc.StatusCode.OK
        worker, engine = await both(served, CHECK, padded + b"\x00")
        assert worker == engine
        assert worker[1] is grpc.StatusCode.RESOURCE_EXHAUSTED

    served.run(test())


def _varint(value: int) -> bytes:
    """Of four bytes."""
    return bytes((value >> 7 * place & 0x7F) | (0x80 if place < 3 else 0) for place in range(4))
