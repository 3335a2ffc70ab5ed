"""Calls that are started and not waited for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from segmentd.client.calls import Blocking
from segmentd.client.pending import Pending
from segmentd.client.profiles import ingesting, upserting
from segmentd.client.user_lists import uploading
from segmentd.v1 import profile_pb2
from segmentd.v1 import profile_service_pb2 as profiles
from segmentd.v1 import user_list_service_pb2 as lists


class Starting(Blocking):
    """Writes of the blocking client that go on while the caller does something else."""

    def start_upsert_profiles(
        self, items: Sequence[profiles.ProfileUpsert]
    ) -> Pending[profiles.UpsertProfilesResponse]:
        """`upsert_profiles` without waiting."""
        return self.caller.start(upserting(items))

    def start_ingest_events(self, events: Sequence[profile_pb2.Event]) -> Pending[profiles.IngestEventsResponse]:
        """`ingest_events` without waiting."""
        return self.caller.start(ingesting(events))

    def start_upload_user_list(
        self, header: lists.UploadUserListHeader, user_ids: Iterable[str]
    ) -> Pending[lists.UploadUserListResponse]:
        """`upload_user_list` without waiting; `user_ids` is read by another thread."""
        return self.caller.start(uploading(header, user_ids))
