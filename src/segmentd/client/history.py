"""Questions about the past."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from segmentd.client.calls import Call, asked, paged
from segmentd.client.instants import AnyInstant, as_timestamp
from segmentd.v1 import history_service_pb2 as history
from segmentd.v1.history_service_pb2_grpc import HistoryServiceStub


class History:
    """Calls of HistoryService. Instants are microseconds since 1970, or datetimes with a time zone.

    None of them may be ahead of the server's clock.
    """

    @paged
    def membership_history(
        self,
        *,
        user_id: str = "",
        segment_id: str = "",
        start: AnyInstant | None = None,
        end: AnyInstant | None = None,
        newest_first: bool = False,
        page_size: int = 1_000,
    ) -> Call[Iterable[history.ListMembershipHistoryResponse]]:
        """The transitions of a user, a segment or both with effective times in [start, end), page by page."""
        request = history.ListMembershipHistoryRequest(
            user_id=user_id,
            segment_id=segment_id,
            start_time=None if start is None else as_timestamp(start, "start"),
            end_time=None if end is None else as_timestamp(end, "end"),
            order=history.HISTORY_ORDER_NEWEST_FIRST if newest_first else history.HISTORY_ORDER_OLDEST_FIRST,
            page_size=page_size,
        )
        return Call(HistoryServiceStub, "ListMembershipHistory", request, lambda page: (page,))

    @asked
    def check_at(self, user_id: str, segment_id: str, at: AnyInstant) -> Call[history.CheckMembershipAtResponse]:
        """Whether a user was in a segment at an instant, and since and until when."""
        at_time = as_timestamp(at, "at")
        request = history.CheckMembershipAtRequest(user_id=user_id, segment_id=segment_id, at_time=at_time)
        return Call(HistoryServiceStub, "CheckMembershipAt", request)

    @asked
    def migration_matrix(
        self, segment_ids: Sequence[str], start: AnyInstant, end: AnyInstant
    ) -> Call[history.GetMigrationMatrixResponse]:
        """How many users were in which of the segments at `start`, and in which at `end`."""
        request = history.GetMigrationMatrixRequest(
            segment_ids=segment_ids, from_time=as_timestamp(start, "start"), to_time=as_timestamp(end, "end")
        )
        return Call(HistoryServiceStub, "GetMigrationMatrix", request)
