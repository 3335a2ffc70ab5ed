"""Who users are, and how long their events are kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from segmentd.client.calls import Call, asked, paged, streamed
from segmentd.v1 import profile_service_pb2 as profiles
from segmentd.v1.profile_service_pb2_grpc import ProfileServiceStub


class Identities:
    """Calls of ProfileService that merge, erase and export users, and those about the names of events."""

    @asked
    def merge_profiles(self, merges: Sequence[profiles.ProfileMerge]) -> Call[profiles.MergeProfilesResponse]:
        """Let users be absorbed by others; each result says what its merge came to."""
        return Call(ProfileServiceStub, "MergeProfiles", profiles.MergeProfilesRequest(merges=merges))

    @asked
    def delete_profile(self, user_id: str) -> Call[profiles.DeleteProfileResponse]:
        """Erase a user. It cannot be undone."""
        return Call(ProfileServiceStub, "DeleteProfile", profiles.DeleteProfileRequest(user_id=user_id))

    @streamed
    def export_profile(self, user_id: str) -> Call[profiles.ExportProfileResponse]:
        """All that is held about a user, part by part. Raises CallFailed, also in the middle."""
        return Call(ProfileServiceStub, "ExportProfile", profiles.ExportProfileRequest(user_id=user_id))

    @asked
    def declare_events(
        self, events: Sequence[profiles.EventDeclaration], *, validate_only: bool = False
    ) -> Call[profiles.DeclareEventsResponse]:
        """Say for how long events are kept; each result says whether its declaration stands, or with
        `validate_only` whether it would.
        """
        request = profiles.DeclareEventsRequest(events=events, validate_only=validate_only)
        return Call(ProfileServiceStub, "DeclareEvents", request)

    @paged
    def list_events(self, min_revision: int = 0) -> Call[Iterable[profiles.EventName]]:
        """The names of events, ordered, with counts and retention."""
        request = profiles.ListEventsRequest(min_revision=min_revision, page_size=1_000)
        return Call(ProfileServiceStub, "ListEvents", request, lambda page: page.events)
