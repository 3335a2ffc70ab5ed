"""Writes about users."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Sequence
from typing import Any

from segmentd.client.arguments import named
from segmentd.client.calls import Call, asked, paged, streamed
from segmentd.client.sending import AsyncSending, Sending
from segmentd.v1 import profile_pb2
from segmentd.v1 import profile_service_pb2 as profiles
from segmentd.v1.profile_service_pb2_grpc import ProfileServiceStub


class Profiles:
    """Calls of ProfileService. An event without a message id gets a random one, so that a retry stores it once."""

    @asked
    def upsert_profiles(self, items: Sequence[profiles.ProfileUpsert]) -> Call[profiles.UpsertProfilesResponse]:
        """Merge attributes into profiles; each result says whether its item was taken."""
        return upserting(items)

    @asked
    def ingest_events(self, events: Sequence[profile_pb2.Event]) -> Call[profiles.IngestEventsResponse]:
        """Store events; each result says what became of its event."""
        return ingesting(events)

    @streamed
    def stream_events(
        self, batches: Iterable[Sequence[profile_pb2.Event]] | AsyncIterable[Sequence[profile_pb2.Event]]
    ) -> Call[profiles.StreamEventsResponse]:
        """Store batches of events for as long as there are any; each has an answer, in order. It has no deadline.

        `batches` is read while the answers are taken, and what it raises is raised there. Only asyncio takes an
        asynchronous one.
        """
        messages: Any
        if isinstance(batches, AsyncIterable):
            messages = AsyncSending(_each_async(batches))
        else:
            messages = Sending(map(_batch, batches))
        return Call(ProfileServiceStub, "StreamEvents", messages, bounded=False)

    @asked
    def get_profile(self, user_id: str, min_revision: int = 0) -> Call[profiles.GetProfileResponse]:
        """What is known about a user."""
        request = profiles.GetProfileRequest(user_id=user_id, min_revision=min_revision)
        return Call(ProfileServiceStub, "GetProfile", request)

    @paged
    def list_attributes(self, min_revision: int = 0) -> Call[Iterable[profile_pb2.Attribute]]:
        """The attributes that are known, ordered by name."""
        request = profiles.ListAttributesRequest(min_revision=min_revision, page_size=1_000)
        return Call(ProfileServiceStub, "ListAttributes", request, lambda page: page.attributes)

    @asked
    def declare_attributes(
        self, attributes: Sequence[profile_pb2.Attribute], *, retype: bool = False, validate_only: bool = False
    ) -> Call[profiles.DeclareAttributesResponse]:
        """Fix the kinds of attributes; each result says whether its declaration stands, or with `validate_only`
        whether it would.
        """
        request = profiles.DeclareAttributesRequest(attributes=attributes, retype=retype, validate_only=validate_only)
        return Call(ProfileServiceStub, "DeclareAttributes", request)


@named
def upserting(items: Sequence[profiles.ProfileUpsert]) -> Call[profiles.UpsertProfilesResponse]:
    """The call that merges attributes into profiles."""
    return Call(ProfileServiceStub, "UpsertProfiles", profiles.UpsertProfilesRequest(profiles=items))


@named
def ingesting(events: Sequence[profile_pb2.Event]) -> Call[profiles.IngestEventsResponse]:
    """The call that stores events; those of the caller stay as they are."""
    request = profiles.IngestEventsRequest(events=events)
    _name(request.events)
    return Call(ProfileServiceStub, "IngestEvents", request)


async def _each_async(
    batches: AsyncIterable[Sequence[profile_pb2.Event]],
) -> AsyncIterator[profiles.StreamEventsRequest]:
    async for events in batches:
        yield _batch(events)


@named
def _batch(events: Sequence[profile_pb2.Event]) -> profiles.StreamEventsRequest:
    request = profiles.StreamEventsRequest(events=events)
    _name(request.events)
    return request


def _name(events: Iterable[profile_pb2.Event]) -> None:
    for event in events:
        event.message_id = event.message_id or uuid.uuid4().hex
