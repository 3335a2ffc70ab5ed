"""The whole server on a free port with a database file and a frozen clock, and stubs that call it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import grpc
import grpc.aio
import pytest
from google.protobuf import duration_pb2
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct
from google.rpc import error_details_pb2
from tests.server.live import LISTEN
from tests.server.toys import detail_in, status_in

from segmentd.plugins.host import load_plugins
from segmentd.server.instants import to_timestamp
from segmentd.server.serve import server_of
from segmentd.service.service import Service
from segmentd.service.value_types import Currencies
from segmentd.times import Clock, FrozenClock, Micros, parse_instant
from segmentd.v1 import (
    admin_service_pb2,
    admin_service_pb2_grpc,
    consumer_service_pb2_grpc,
    evaluation_service_pb2_grpc,
    history_service_pb2_grpc,
    item_error_pb2,
    membership_pb2,
    membership_service_pb2,
    membership_service_pb2_grpc,
    profile_pb2,
    profile_service_pb2,
    profile_service_pb2_grpc,
    segment_pb2,
    segment_service_pb2,
    segment_service_pb2_grpc,
)
from segmentd.v1.error_reason_pb2 import ErrorReason

T = TypeVar("T")
START = parse_instant("2026-11-21T10:00:00Z")
MEMBER = membership_pb2.MEMBERSHIP_MEMBER
NOT_MEMBER = membership_pb2.MEMBERSHIP_NOT_MEMBER


@dataclass
class Client:
    """The stubs of all services, and the calls that most tests make."""

    channel: grpc.aio.Channel

    def __post_init__(self) -> None:
        # Any, because the published types know only blocking stubs.
        self.admin: Any = admin_service_pb2_grpc.AdminServiceStub(self.channel)
        self.consumers: Any = consumer_service_pb2_grpc.ConsumerServiceStub(self.channel)
        self.evaluations: Any = evaluation_service_pb2_grpc.EvaluationServiceStub(self.channel)
        self.history: Any = history_service_pb2_grpc.HistoryServiceStub(self.channel)
        self.memberships: Any = membership_service_pb2_grpc.MembershipServiceStub(self.channel)
        self.profiles: Any = profile_service_pb2_grpc.ProfileServiceStub(self.channel)
        self.segments: Any = segment_service_pb2_grpc.SegmentServiceStub(self.channel)

    async def define(self, segment_id: str, rule: Mapping[str, Any] | None, **fields: Any) -> Any:
        segment = segment_pb2.Segment(id=segment_id, rule=None if rule is None else struct(rule), **fields)
        return await self.segments.CreateSegment(segment_service_pb2.CreateSegmentRequest(segment=segment))

    async def upsert(self, profiles: Mapping[str, Mapping[str, Any]]) -> Any:
        request = profile_service_pb2.UpsertProfilesRequest(
            profiles=[
                profile_service_pb2.ProfileUpsert(user_id=user_id, attributes=struct(attributes))
                for user_id, attributes in profiles.items()
            ]
        )
        return await self.profiles.UpsertProfiles(request)

    async def ingest(self, *events: profile_pb2.Event) -> Any:
        return await self.profiles.IngestEvents(profile_service_pb2.IngestEventsRequest(events=events))

    async def check(self, user_id: str, segment_id: str, **more: Any) -> Any:
        request = membership_service_pb2.CheckMembershipRequest(user_id=user_id, segment_id=segment_id, **more)
        return await self.memberships.CheckMembership(request)

    async def is_member(self, user_id: str, segment_id: str) -> bool:
        answer = await self.check(user_id, segment_id)
        assert answer.membership in (MEMBER, NOT_MEMBER)
        return bool(answer.membership == MEMBER)

    async def advance(self, by: int = 0, *, to: Micros | None = None) -> Any:
        if to is not None:
            request = admin_service_pb2.AdvanceClockRequest(to_time=to_timestamp(to))
        else:
            seconds, micros = divmod(by, 1_000_000)
            length = duration_pb2.Duration(seconds=seconds, nanos=micros * 1000)
            request = admin_service_pb2.AdvanceClockRequest(by=length)
        return await self.admin.AdvanceClock(request)


@asynccontextmanager
async def serving(
    path: Path, clock: Clock | None = None, currencies: Currencies | None = None
) -> AsyncIterator[Client]:
    """A server of the database at `path`, from the start to the end of the block; by default at START."""
    service = Service.open(path, load_plugins(), clock or FrozenClock(START), currencies or Currencies())
    try:
        server = server_of(service)
        bound = await server.start(LISTEN)
        async with grpc.aio.insecure_channel(bound, options=[("grpc.max_send_message_length", -1)]) as channel:
            yield Client(channel)
        await server.drain(0)
    finally:
        service.close()


def struct(values: Mapping[str, Any]) -> Struct:
    """A Struct of plain JSON."""
    return ParseDict(dict(values), Struct())


def event(
    user_id: str, name: str, message_id: str = "", at: Micros | None = None, **properties: Any
) -> profile_pb2.Event:
    """An event with these properties; without `at`, of now."""
    return profile_pb2.Event(
        user_id=user_id,
        name=name,
        message_id=message_id,
        event_time=None if at is None else to_timestamp(at),
        properties=struct(properties),
    )


@dataclass
class Refusal:
    """What a refused call, or a refused item, says."""

    code: grpc.StatusCode | None
    reason: str
    metadata: dict[str, str]
    violations: dict[str, str]


async def refusal(call: Awaitable[Any]) -> Refusal:
    """The refusal of a call that must be refused."""
    with pytest.raises(grpc.aio.AioRpcError) as seen:
        await call
    info = detail_in(seen.value, error_details_pb2.ErrorInfo)
    violations = {}
    for packed in status_in(seen.value).details:
        bad = error_details_pb2.BadRequest()
        if packed.Unpack(bad):
            violations = {found.field: found.description for found in bad.field_violations}
    return Refusal(seen.value.code(), info.reason, dict(info.metadata), violations)


def item_refusal(error: item_error_pb2.ItemError) -> Refusal:
    """The refusal of one item."""
    reason = ErrorReason.Name(error.reason).removeprefix("ERROR_REASON_")
    violations = {found.field: found.description for found in error.field_violations}
    assert error.message
    return Refusal(None, reason, dict(error.metadata), violations)
