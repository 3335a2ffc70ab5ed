"""ProfileService: takes in what is known about users."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Final

from segmentd.errors import InvalidInput
from segmentd.limits import check_batch
from segmentd.server import facts, ingesting, pages
from segmentd.server.errors import item_error_of
from segmentd.server.event_names import EventNameHandlers
from segmentd.server.faults import Faults
from segmentd.server.identity import IdentityHandlers
from segmentd.server.instants import to_timestamp
from segmentd.server.items import converted, converted_in_turns, merged
from segmentd.server.rpc import Context
from segmentd.server.structs import to_struct
from segmentd.server.subjects import check_id
from segmentd.server.waiting import reach
from segmentd.service.items import ItemResult
from segmentd.service.service import Service
from segmentd.v1 import profile_pb2
from segmentd.v1 import profile_service_pb2 as pb

_PAGE: Final = (100, 1_000)
"""How many attributes a page has by default and at most."""


class ProfileHandlers(IdentityHandlers, EventNameHandlers):
    """Writes and profiles; each item of a batch is taken or refused by itself."""

    def __init__(self, service: Service) -> None:
        IdentityHandlers.__init__(self, service)
        EventNameHandlers.__init__(self, service)
        self._profiles = service.profiles
        self._memberships = service.memberships

    async def UpsertProfiles(self, request: pb.UpsertProfilesRequest, context: Context) -> pb.UpsertProfilesResponse:
        check_batch(len(request.profiles), "profiles")
        writes, refused = await converted_in_turns(request.profiles, facts.profile_write, _refused)
        outcome = await self._profiles.upsert(writes)
        results = [
            pb.UpsertProfileResult(created=result.created)
            if result.error is None
            else pb.UpsertProfileResult(error=item_error_of(result.error, f"profiles[{index}]."))
            for index, result in merged(outcome.results, refused)
        ]
        return pb.UpsertProfilesResponse(results=results, revision=outcome.revision)

    async def IngestEvents(self, request: pb.IngestEventsRequest, context: Context) -> pb.IngestEventsResponse:
        begun = await ingesting.begin(self._profiles, request.events)
        results, revision = await begun.results()
        return pb.IngestEventsResponse(results=results, revision=revision)

    async def StreamEvents(
        self, requests: AsyncIterator[pb.StreamEventsRequest], context: Context
    ) -> AsyncIterator[pb.StreamEventsResponse]:
        async with aclosing(ingesting.answers(self._profiles, requests)) as answers:
            async for answer in answers:
                yield answer

    async def GetProfile(self, request: pb.GetProfileRequest, context: Context) -> pb.GetProfileResponse:
        check_id(request.user_id, "user_id")
        if request.min_revision:
            await reach(self._memberships, request.min_revision, context)
        profile, revision = await self._profiles.get(request.user_id)
        return pb.GetProfileResponse(
            profile=profile_pb2.Profile(
                user_id=profile.user_id,
                attributes=to_struct(profile.attributes, "attributes"),
                create_time=to_timestamp(profile.create_time),
                update_time=to_timestamp(profile.update_time) if profile.attributes else None,
                merged_user_ids=profile.merged_ids,
            ),
            revision=revision,
        )

    async def ListAttributes(self, request: pb.ListAttributesRequest, context: Context) -> pb.ListAttributesResponse:
        size, after = await pages.asked(request, Faults(), _PAGE, self._memberships, context)
        known, revision = await self._profiles.attributes()
        rest = [each for each in known if each.name > after]
        page, token = pages.cut(request, rest, size, lambda each: each.name)
        return pb.ListAttributesResponse(
            attributes=[facts.attribute(each) for each in page],
            revision=revision,
            next_page_token=token,
        )

    async def DeclareAttributes(
        self, request: pb.DeclareAttributesRequest, context: Context
    ) -> pb.DeclareAttributesResponse:
        check_batch(len(request.attributes), "attributes")
        wanted, refused = converted(request.attributes, facts.declaration, _refused)
        declare = self._profiles.check_kinds if request.validate_only else self._profiles.declare
        errors, revision = await declare(wanted, retype=request.retype)
        results = merged([ItemResult(error=error) for error in errors], refused)
        return pb.DeclareAttributesResponse(
            results=[
                pb.DeclareAttributeResult(
                    error=None if result.error is None else item_error_of(result.error, f"attributes[{index}].")
                )
                for index, result in results
            ],
            revision=revision,
        )


def _refused(error: InvalidInput) -> ItemResult:
    return ItemResult(error=error)
