"""ConsumerService: how far consumers of changes are, and what could not be delivered."""

from __future__ import annotations

from typing import Final, TypeAlias

from google.protobuf import duration_pb2

from segmentd.errors import InvalidInput
from segmentd.limits import check_batch
from segmentd.server import pages
from segmentd.server.faults import Faults
from segmentd.server.instants import to_timestamp
from segmentd.server.page_tokens import read_page_token
from segmentd.server.rpc import Context
from segmentd.server.subjects import check_id
from segmentd.server.transitions import transition
from segmentd.service.consumers.views import ConsumerView, DeadLetterView
from segmentd.service.positions import Positions
from segmentd.service.service import Service
from segmentd.times import SECOND
from segmentd.v1 import consumer_service_pb2 as pb
from segmentd.v1 import consumer_service_pb2_grpc

_PAGE: Final = (20, 100)
"""How many dead letters a page has by default and at most."""
_Choice: TypeAlias = pb.ReplayDeadLettersRequest | pb.DiscardDeadLettersRequest


class ConsumerHandlers(consumer_service_pb2_grpc.ConsumerServiceServicer):
    """For operators."""

    def __init__(self, service: Service) -> None:
        self._consumers = service.consumers
        self._positions = Positions(service.database_id)

    async def ListConsumers(self, request: pb.ListConsumersRequest, context: Context) -> pb.ListConsumersResponse:
        views = await self._consumers.list_all()
        return pb.ListConsumersResponse(consumers=[self._consumer(view) for view in views])

    async def ResumeConsumer(self, request: pb.ResumeConsumerRequest, context: Context) -> pb.ResumeConsumerResponse:
        check_id(request.consumer, "consumer")
        return pb.ResumeConsumerResponse(consumer=self._consumer(await self._consumers.resume(request.consumer)))

    async def ListDeadLetters(self, request: pb.ListDeadLettersRequest, context: Context) -> pb.ListDeadLettersResponse:
        faults = Faults()
        faults.id(request.consumer, "consumer")
        size = faults.page_size(request.page_size, *_PAGE)
        faults.raise_any()
        after = int(read_page_token(request, request.page_token) or 0)
        letters, total = await self._consumers.dead_letters(request.consumer, after, size + 1)
        page, token = pages.cut(request, letters, size, lambda each: str(each.record.key))
        return pb.ListDeadLettersResponse(
            dead_letters=[self._dead_letter(each) for each in page],
            total_size=total,
            next_page_token=token,
        )

    async def ReplayDeadLetters(
        self, request: pb.ReplayDeadLettersRequest, context: Context
    ) -> pb.ReplayDeadLettersResponse:
        replayed, left = await self._consumers.replay(request.consumer, _chosen(request))
        return pb.ReplayDeadLettersResponse(
            delivered_count=replayed.delivered,
            left_count=left,
            failures=[
                pb.DeadLetterFailure(dead_letter_id=key, error=error) for key, error in replayed.failures.items()
            ],
        )

    async def DiscardDeadLetters(
        self, request: pb.DiscardDeadLettersRequest, context: Context
    ) -> pb.DiscardDeadLettersResponse:
        discarded, left = await self._consumers.discard(request.consumer, _chosen(request))
        return pb.DiscardDeadLettersResponse(discarded_count=discarded, left_count=left)

    def _consumer(self, view: ConsumerView) -> pb.Consumer:
        record = view.record
        seconds, micros = divmod(view.lag_time, SECOND)
        return pb.Consumer(
            name=record.name,
            plugin=view.plugin,
            state=pb.ConsumerState.Value(f"CONSUMER_STATE_{view.state}"),
            segment_ids=sorted(view.segments or ()),
            position=self._positions.text(record.position),
            lag_transition_count=view.lag,
            lag=duration_pb2.Duration(seconds=seconds, nanos=micros * 1000),
            delivered_count=record.delivered,
            failed_attempt_count=record.failed,
            dead_letter_count=view.dead_letters,
            attempt_count=record.attempts,
            error=record.error,
            next_attempt_time=None if view.next_time is None else to_timestamp(view.next_time),
            loss_time=to_timestamp(record.loss_time) if record.loss_time else None,
            lost_after_revision=record.lost_after,
            lost_until_revision=record.lost_until,
        )

    def _dead_letter(self, view: DeadLetterView) -> pb.DeadLetter:
        letter = view.record
        return pb.DeadLetter(
            id=letter.key,
            create_time=to_timestamp(letter.create_time),
            attempt_count=letter.attempts,
            error=letter.error,
            change_count=len(letter.changes),
            changes=[transition(each, self._positions) for each in view.changes],
        )


def _chosen(request: _Choice) -> list[int] | None:
    """The ids of dead letters, ascending; None for all. Raises InvalidInput."""
    check_id(request.consumer, "consumer")
    if bool(request.dead_letter_ids) == request.all:
        raise InvalidInput.at("dead_letter_ids", "give either dead_letter_ids or all")
    check_batch(len(request.dead_letter_ids), "dead_letter_ids")
    return None if request.all else sorted(set(request.dead_letter_ids))
