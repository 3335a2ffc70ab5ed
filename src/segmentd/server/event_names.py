"""ProfileService, as far as it is about the names of events and for how long they are kept."""

from __future__ import annotations

from typing import Final

from segmentd.errors import SegmentdError
from segmentd.limits import check_batch
from segmentd.server import pages
from segmentd.server.errors import item_error_of
from segmentd.server.faults import Faults
from segmentd.server.items import converted, merged
from segmentd.server.rpc import Context
from segmentd.service.retention import EventDeclaration
from segmentd.service.service import Service
from segmentd.v1 import profile_service_pb2 as pb
from segmentd.v1 import profile_service_pb2_grpc

_PAGE: Final = (100, 1_000)
"""How many names a page has by default and at most."""


class EventNameHandlers(profile_service_pb2_grpc.ProfileServiceServicer):
    """Declarations of retention, and the names there are."""

    def __init__(self, service: Service) -> None:
        self._retention = service.retention
        self._memberships = service.memberships

    async def DeclareEvents(self, request: pb.DeclareEventsRequest, context: Context) -> pb.DeclareEventsResponse:
        check_batch(len(request.events), "events")
        wanted, refused = converted(request.events, _declaration, _as_it_is)
        done = await self._retention.declare(wanted, validate_only=request.validate_only)
        results = [
            pb.DeclareEventResult(error=None if error is None else item_error_of(error, f"events[{index}]."))
            for index, error in merged(done.results, refused)
        ]
        return pb.DeclareEventsResponse(results=results, revision=done.revision)

    async def ListEvents(self, request: pb.ListEventsRequest, context: Context) -> pb.ListEventsResponse:
        size, after = await pages.asked(request, Faults(), _PAGE, self._memberships, context)
        known, revision = await self._retention.names()
        rest = [each for each in known if each.name > after]
        page, token = pages.cut(request, rest, size, lambda each: each.name)
        return pb.ListEventsResponse(
            events=[pb.EventName(name=each.name, event_count=each.events, keep=each.keep) for each in page],
            revision=revision,
            next_page_token=token,
        )


def _declaration(item: pb.EventDeclaration, faults: Faults) -> EventDeclaration:
    return EventDeclaration(faults.id(item.name, "name"), item.keep)


def _as_it_is(error: SegmentdError) -> SegmentdError | None:
    return error
