"""Who users are, and how long their events are kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import grpc

from segmentd.client.part import Part
from segmentd.v1 import profile_service_pb2 as profiles
from segmentd.v1.profile_service_pb2_grpc import ProfileServiceStub


class Identities(Part):
    """Calls of ProfileService that merge, erase and export users, and those about the names of events."""

    def _connect(self, channel: grpc.Channel) -> None:
        super()._connect(channel)
        self._identities = ProfileServiceStub(channel)

    def merge_profiles(self, merges: Sequence[profiles.ProfileMerge]) -> profiles.MergeProfilesResponse:
        """Let users be absorbed by others; each result says what its merge came to."""
        return self._caller.call(self._identities.MergeProfiles, profiles.MergeProfilesRequest(merges=merges))

    def delete_profile(self, user_id: str) -> profiles.DeleteProfileResponse:
        """Erase a user. It cannot be undone."""
        return self._caller.call(self._identities.DeleteProfile, profiles.DeleteProfileRequest(user_id=user_id))

    def export_profile(self, user_id: str) -> Iterator[profiles.ExportProfileResponse]:
        """All that is held about a user, part by part. Raises CallFailed, also in the middle."""
        return self._caller.stream(self._identities.ExportProfile, profiles.ExportProfileRequest(user_id=user_id))

    def declare_events(
        self, events: Sequence[profiles.EventDeclaration], *, validate_only: bool = False
    ) -> profiles.DeclareEventsResponse:
        """Say for how long events are kept; each result says whether its declaration stands, or with
        `validate_only` whether it would.
        """
        request = profiles.DeclareEventsRequest(events=events, validate_only=validate_only)
        return self._caller.call(self._identities.DeclareEvents, request)

    def list_events(self, min_revision: int = 0) -> Iterator[profiles.EventName]:
        """The names of events, ordered, with counts and retention."""
        request = profiles.ListEventsRequest(min_revision=min_revision, page_size=1_000)
        for page in self._caller.pages(self._identities.ListEvents, request):
            yield from page.events
