"""Writes about users."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence

import grpc

from segmentd.client.calling import Pending
from segmentd.client.part import Part
from segmentd.v1 import profile_pb2
from segmentd.v1 import profile_service_pb2 as profiles
from segmentd.v1.profile_service_pb2_grpc import ProfileServiceStub


class Profiles(Part):
    """Calls of ProfileService. An event without a message id gets a random one, so that a retry stores it once."""

    def _connect(self, channel: grpc.Channel) -> None:
        super()._connect(channel)
        self._profiles = ProfileServiceStub(channel)

    def upsert_profiles(self, items: Sequence[profiles.ProfileUpsert]) -> profiles.UpsertProfilesResponse:
        """Merge attributes into profiles; each result says whether its item was taken."""
        return self.start_upsert_profiles(items).result()

    def start_upsert_profiles(
        self, items: Sequence[profiles.ProfileUpsert]
    ) -> Pending[profiles.UpsertProfilesResponse]:
        """The same without waiting."""
        return self._caller.start(self._profiles.UpsertProfiles, profiles.UpsertProfilesRequest(profiles=items))

    def ingest_events(self, events: Sequence[profile_pb2.Event]) -> profiles.IngestEventsResponse:
        """Store events; each result says what became of its event."""
        return self.start_ingest_events(events).result()

    def start_ingest_events(self, events: Sequence[profile_pb2.Event]) -> Pending[profiles.IngestEventsResponse]:
        """The same without waiting."""
        request = profiles.IngestEventsRequest(events=events)
        for event in request.events:
            event.message_id = event.message_id or uuid.uuid4().hex
        return self._caller.start(self._profiles.IngestEvents, request)

    def get_profile(self, user_id: str, min_revision: int = 0) -> profiles.GetProfileResponse:
        """What is known about a user."""
        request = profiles.GetProfileRequest(user_id=user_id, min_revision=min_revision)
        return self._caller.call(self._profiles.GetProfile, request)

    def list_attributes(self, min_revision: int = 0) -> Iterator[profile_pb2.Attribute]:
        """The attributes that are known, ordered by name."""
        request = profiles.ListAttributesRequest(min_revision=min_revision, page_size=1_000)
        for page in self._caller.pages(self._profiles.ListAttributes, request):
            yield from page.attributes

    def declare_attributes(
        self, attributes: Sequence[profile_pb2.Attribute], *, retype: bool = False, validate_only: bool = False
    ) -> profiles.DeclareAttributesResponse:
        """Fix the kinds of attributes; each result says whether its declaration stands, or with `validate_only`
        whether it would.
        """
        request = profiles.DeclareAttributesRequest(attributes=attributes, retype=retype, validate_only=validate_only)
        return self._caller.call(self._profiles.DeclareAttributes, request)
