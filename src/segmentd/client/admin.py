"""Calls for operators."""

from __future__ import annotations

from datetime import timedelta

from google.protobuf import duration_pb2

from segmentd.client.calls import Call, asked
from segmentd.client.instants import AnyInstant, as_micros, as_timestamp
from segmentd.v1 import admin_service_pb2 as admin
from segmentd.v1.admin_service_pb2_grpc import AdminServiceStub


class Admin:
    """Calls of AdminService."""

    @asked
    def status(self) -> Call[admin.GetStatusResponse]:
        """What the server holds and where it stands."""
        return Call(AdminServiceStub, "GetStatus", admin.GetStatusRequest())

    @asked
    def advance_clock_to(self, instant: AnyInstant) -> Call[admin.AdvanceClockResponse]:
        """Move a frozen clock to an instant: microseconds since 1970 or a datetime with a time zone."""
        request = admin.AdvanceClockRequest(to_time=as_timestamp(instant))
        return Call(AdminServiceStub, "AdvanceClock", request)

    @asked
    def advance_clock_by(self, micros: int | timedelta) -> Call[admin.AdvanceClockResponse]:
        """Move a frozen clock forward by a number of microseconds, or a timedelta."""
        seconds, rest = divmod(as_micros(micros), 1_000_000)
        by = duration_pb2.Duration(seconds=seconds, nanos=rest * 1000)
        return Call(AdminServiceStub, "AdvanceClock", admin.AdvanceClockRequest(by=by))
