"""HistoryService: which segments a user was in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from google.protobuf import timestamp_pb2

from segmentd.limits import check_batch
from segmentd.records import Position
from segmentd.server import answers
from segmentd.server.faults import Faults
from segmentd.server.instants import from_timestamp, to_timestamp
from segmentd.server.page_tokens import make_page_token, read_page_token
from segmentd.server.rpc import Context
from segmentd.server.transitions import transition
from segmentd.service.history import Wanted
from segmentd.service.migration import MigrationMatrix
from segmentd.service.positions import Positions
from segmentd.service.service import Service
from segmentd.times import MIN_INSTANT, Micros
from segmentd.v1 import history_service_pb2 as pb
from segmentd.v1 import history_service_pb2_grpc

MAX_MATRIX_SEGMENTS: Final = 100
_HISTORY_PAGE: Final = (100, 1_000)
_NEWEST_FIRST: Final = {
    pb.HISTORY_ORDER_UNSPECIFIED: False,
    pb.HISTORY_ORDER_OLDEST_FIRST: False,
    pb.HISTORY_ORDER_NEWEST_FIRST: True,
}


class HistoryHandlers(history_service_pb2_grpc.HistoryServiceServicer):
    """Answers from the transitions log."""

    def __init__(self, service: Service) -> None:
        self._history = service.history
        self._positions = Positions(service.database_id)

    async def ListMembershipHistory(
        self, request: pb.ListMembershipHistoryRequest, context: Context
    ) -> pb.ListMembershipHistoryResponse:
        faults = Faults()
        wanted = _wanted(request, faults)
        size = faults.page_size(request.page_size, *_HISTORY_PAGE)
        faults.raise_any()
        token = read_page_token(request, request.page_token)
        page = await self._history.moves(wanted, None if token is None else _place(token), size)
        return pb.ListMembershipHistoryResponse(
            transitions=[transition(move, self._positions) for move in page.moves],
            user_id=page.user_id,
            oldest_time=_optional(page.oldest),
            revision=page.revision,
            next_page_token="" if page.after is None else make_page_token(request, ":".join(map(str, page.after))),
        )

    async def CheckMembershipAt(
        self, request: pb.CheckMembershipAtRequest, context: Context
    ) -> pb.CheckMembershipAtResponse:
        faults = Faults()
        faults.id(request.user_id, "user_id")
        faults.id(request.segment_id, "segment_id")
        at = _required(request, "at_time", faults)
        faults.raise_any()
        was = await self._history.check_at(request.user_id, request.segment_id, at)
        return pb.CheckMembershipAtResponse(
            membership=answers.membership(was.member),
            segment_version=was.version,
            since_time=_optional(was.since),
            until_time=_optional(was.until),
            user_id=was.user_id,
            user_known=was.user_known,
            revision=was.revision,
        )

    async def GetMigrationMatrix(
        self, request: pb.GetMigrationMatrixRequest, context: Context
    ) -> pb.GetMigrationMatrixResponse:
        faults = Faults()
        segments = _segments(request, faults)
        start, end = _required(request, "from_time", faults), _required(request, "to_time", faults)
        if not faults.found and end <= start:
            faults.add("to_time", "it is not later than from_time")
        faults.raise_any()
        matrix, revision = await self._history.migration(segments, start, end)
        return _matrix(matrix, segments, revision)


def _wanted(request: pb.ListMembershipHistoryRequest, faults: Faults) -> Wanted:
    if not request.user_id and not request.segment_id:
        faults.add("user_id", "neither user_id nor segment_id is set")
    for field in ("user_id", "segment_id"):
        if getattr(request, field):
            faults.id(getattr(request, field), field)
    start, end = (_given(request, field, faults) for field in ("start_time", "end_time"))
    if start is not None and end is not None and end <= start and not faults.found:
        faults.add("end_time", "it is not later than start_time")
    if request.order not in _NEWEST_FIRST:
        faults.add("order", f"{request.order} is none of the values there are")
    newest_first = _NEWEST_FIRST.get(request.order, False)
    return Wanted(request.user_id, request.segment_id, start, end, newest_first)


def _segments(request: pb.GetMigrationMatrixRequest, faults: Faults) -> list[str]:
    check_batch(len(request.segment_ids), "segment_ids", MAX_MATRIX_SEGMENTS)
    if not request.segment_ids:
        faults.add("segment_ids", "it is empty; at least one is required")
    segments = faults.ids(request.segment_ids, "segment_ids")
    for index, name in enumerate(segments):
        if name in segments[:index]:
            faults.add(f"segment_ids[{index}]", f"{name} is named before")
    return segments


def _given(
    request: pb.ListMembershipHistoryRequest | pb.CheckMembershipAtRequest | pb.GetMigrationMatrixRequest,
    field: str,
    faults: Faults,
) -> Micros | None:
    timestamp: timestamp_pb2.Timestamp = getattr(request, field)
    return from_timestamp(timestamp, field, faults) if request.HasField(field) else None  # type: ignore[arg-type]


def _required(
    request: pb.CheckMembershipAtRequest | pb.GetMigrationMatrixRequest, field: str, faults: Faults
) -> Micros:
    instant = _given(request, field, faults)
    if instant is None:
        faults.add(field, "it is required")
    return MIN_INSTANT if instant is None else instant


def _place(token: str) -> Position:
    revision, offset = token.split(":")
    return Position(int(revision), int(offset))


def _optional(instant: Micros | None) -> timestamp_pb2.Timestamp | None:
    return None if instant is None else to_timestamp(instant)


def _matrix(matrix: MigrationMatrix, segments: Sequence[str], revision: int) -> pb.GetMigrationMatrixResponse:
    names = [*segments, ""]
    rows = zip(names, matrix.before.tolist(), matrix.counts.tolist(), strict=True)
    columns = zip(names, matrix.after.tolist(), matrix.created.tolist(), strict=True)
    return pb.GetMigrationMatrixResponse(
        rows=[pb.MigrationRow(segment_id=name, user_count=users, counts=counts) for name, users, counts in rows],
        columns=[
            pb.MigrationColumn(segment_id=name, user_count=users, created_count=created)
            for name, users, created in columns
        ],
        user_count=matrix.users,
        stayed_count=matrix.stayed,
        moved_count=matrix.moved,
        created_count=matrix.created_users,
        revision=revision,
    )
