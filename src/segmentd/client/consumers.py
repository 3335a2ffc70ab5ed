"""Consumers of changes, and what could not be delivered to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import grpc

from segmentd.client.arguments import whole
from segmentd.client.part import Part
from segmentd.v1 import consumer_service_pb2 as consumers
from segmentd.v1.consumer_service_pb2_grpc import ConsumerServiceStub


class Consumers(Part):
    """Calls of ConsumerService."""

    def _connect(self, channel: grpc.Channel) -> None:
        super()._connect(channel)
        self._consumers = ConsumerServiceStub(channel)

    def list_consumers(self) -> Sequence[consumers.Consumer]:
        """All consumers, webhook endpoints among them, ordered by name."""
        return self._caller.call(self._consumers.ListConsumers, consumers.ListConsumersRequest()).consumers

    def resume_consumer(self, name: str) -> consumers.Consumer:
        """Deliver again where it was disabled, and try at once what waits."""
        request = consumers.ResumeConsumerRequest(consumer=name)
        return self._caller.call(self._consumers.ResumeConsumer, request).consumer

    def list_dead_letters(self, consumer: str) -> Iterator[consumers.DeadLetter]:
        """The dead letters of a consumer, oldest first; pages are asked for as they are needed."""
        request = consumers.ListDeadLettersRequest(consumer=consumer)
        for page in self._caller.pages(self._consumers.ListDeadLetters, request):
            yield from page.dead_letters

    def replay_dead_letters(
        self, consumer: str, dead_letter_ids: Sequence[int] | None = None
    ) -> consumers.ReplayDeadLettersResponse:
        """Deliver these dead letters, or (None) all, once more."""
        request = consumers.ReplayDeadLettersRequest(
            consumer=consumer, dead_letter_ids=_keys(dead_letter_ids), all=dead_letter_ids is None
        )
        return self._caller.call(self._consumers.ReplayDeadLetters, request)

    def discard_dead_letters(
        self, consumer: str, dead_letter_ids: Sequence[int] | None = None
    ) -> consumers.DiscardDeadLettersResponse:
        """Forget these dead letters, or (None) all."""
        request = consumers.DiscardDeadLettersRequest(
            consumer=consumer, dead_letter_ids=_keys(dead_letter_ids), all=dead_letter_ids is None
        )
        return self._caller.call(self._consumers.DiscardDeadLetters, request)


def _keys(dead_letter_ids: Sequence[int] | None) -> Sequence[int]:
    return [whole(each, "dead_letter_ids") for each in dead_letter_ids or ()]
