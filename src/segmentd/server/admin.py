"""AdminService: where the server stands, and the clock of a replay."""

from __future__ import annotations

from importlib.metadata import version
from typing import Final

from segmentd.errors import InvalidInput
from segmentd.server.faults import Faults
from segmentd.server.instants import from_duration, from_timestamp, to_duration, to_timestamp
from segmentd.server.rpc import Context
from segmentd.service.service import Service
from segmentd.v1 import admin_service_pb2 as pb
from segmentd.v1 import admin_service_pb2_grpc

VERSION: Final = version("segmentd")


class AdminHandlers(admin_service_pb2_grpc.AdminServiceServicer):
    """For operators."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def GetStatus(self, request: pb.GetStatusRequest, context: Context) -> pb.GetStatusResponse:
        status = await self._service.status()
        return pb.GetStatusResponse(
            version=VERSION,
            revision=status.revision,
            clock_time=to_timestamp(status.clock),
            clock_frozen=status.frozen,
            user_count=status.users,
            event_count=status.events,
            segment_count=status.segments,
            start_time=to_timestamp(status.started),
            failed_segment_count=status.failed,
            pending_segment_count=status.pending,
            clock_ahead=to_duration(status.ahead) if status.ahead else None,
        )

    async def AdvanceClock(self, request: pb.AdvanceClockRequest, context: Context) -> pb.AdvanceClockResponse:
        faults = Faults()
        target = request.WhichOneof("target")
        to = from_timestamp(request.to_time, "to_time", faults) if target == "to_time" else None
        by = from_duration(request.by, "by", faults) if target == "by" else None
        faults.raise_any()
        if target is None:
            raise InvalidInput.at("target", "neither to_time nor by is set")
        advanced = await self._service.advance_clock(to=to, by=by)
        return pb.AdvanceClockResponse(
            clock_time=to_timestamp(advanced.clock),
            revision=advanced.revision,
            transition_count=advanced.transitions,
        )
