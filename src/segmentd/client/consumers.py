"""Consumers of changes, and what could not be delivered to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from segmentd.client.arguments import whole
from segmentd.client.calls import Call, asked, paged
from segmentd.v1 import consumer_service_pb2 as consumers
from segmentd.v1.consumer_service_pb2_grpc import ConsumerServiceStub


class Consumers:
    """Calls of ConsumerService."""

    @asked
    def list_consumers(self) -> Call[Sequence[consumers.Consumer]]:
        """All consumers, webhook endpoints among them, ordered by name."""
        return Call(
            ConsumerServiceStub, "ListConsumers", consumers.ListConsumersRequest(), lambda answer: answer.consumers
        )

    @asked
    def resume_consumer(self, name: str) -> Call[consumers.Consumer]:
        """Deliver again where it was disabled, and try at once what waits."""
        request = consumers.ResumeConsumerRequest(consumer=name)
        return Call(ConsumerServiceStub, "ResumeConsumer", request, lambda answer: answer.consumer)

    @paged
    def list_dead_letters(self, consumer: str) -> Call[Iterable[consumers.DeadLetter]]:
        """The dead letters of a consumer, oldest first; pages are asked for as they are needed."""
        request = consumers.ListDeadLettersRequest(consumer=consumer)
        return Call(ConsumerServiceStub, "ListDeadLetters", request, lambda page: page.dead_letters)

    @asked
    def replay_dead_letters(
        self, consumer: str, dead_letter_ids: Sequence[int] | None = None
    ) -> Call[consumers.ReplayDeadLettersResponse]:
        """Deliver these dead letters, or (None) all, once more."""
        request = consumers.ReplayDeadLettersRequest(
            consumer=consumer, dead_letter_ids=_keys(dead_letter_ids), all=dead_letter_ids is None
        )
        return Call(ConsumerServiceStub, "ReplayDeadLetters", request)

    @asked
    def discard_dead_letters(
        self, consumer: str, dead_letter_ids: Sequence[int] | None = None
    ) -> Call[consumers.DiscardDeadLettersResponse]:
        """Forget these dead letters, or (None) all."""
        request = consumers.DiscardDeadLettersRequest(
            consumer=consumer, dead_letter_ids=_keys(dead_letter_ids), all=dead_letter_ids is None
        )
        return Call(ConsumerServiceStub, "DiscardDeadLetters", request)


def _keys(dead_letter_ids: Sequence[int] | None) -> Sequence[int]:
    return [whole(each, "dead_letter_ids") for each in dead_letter_ids or ()]
