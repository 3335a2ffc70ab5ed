"""Calls for operators."""

from __future__ import annotations

import grpc
from google.protobuf import duration_pb2

from segmentd.client.instants import Instant, as_timestamp
from segmentd.client.part import Part
from segmentd.v1 import admin_service_pb2 as admin
from segmentd.v1.admin_service_pb2_grpc import AdminServiceStub


class Admin(Part):
    """Calls of AdminService."""

    def _connect(self, channel: grpc.Channel) -> None:
        super()._connect(channel)
        self._admin = AdminServiceStub(channel)

    def status(self) -> admin.GetStatusResponse:
        """What the server holds and where it stands."""
        return self._caller.call(self._admin.GetStatus, admin.GetStatusRequest())

    def advance_clock_to(self, instant: Instant) -> admin.AdvanceClockResponse:
        """Move a frozen clock to an instant, in microseconds UTC."""
        request = admin.AdvanceClockRequest(to_time=as_timestamp(instant))
        return self._caller.call(self._admin.AdvanceClock, request)

    def advance_clock_by(self, micros: int) -> admin.AdvanceClockResponse:
        """Move a frozen clock forward by a number of microseconds."""
        seconds, rest = divmod(micros, 1_000_000)
        by = duration_pb2.Duration(seconds=seconds, nanos=rest * 1000)
        return self._caller.call(self._admin.AdvanceClock, admin.AdvanceClockRequest(by=by))
