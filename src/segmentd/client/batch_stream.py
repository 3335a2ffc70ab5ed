"""Batches under way on a stream, each with what it asked for until its answer is there."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from typing import TypeAlias

from segmentd.client.batch_request import fill_batch
from segmentd.client.member_table import MemberTable
from segmentd.v1 import membership_service_pb2 as questions

Batch: TypeAlias = tuple[Sequence[str], Sequence[str]]
"""User ids and segment ids."""


class BatchStream:
    """Answers come in the order of the batches."""

    def __init__(self, min_revision: int) -> None:
        self._min_revision = min_revision
        self._asked: deque[Batch] = deque()

    def message(self, batch: Batch) -> questions.StreamBatchChecksRequest:
        """The request for a batch, which is now under way."""
        self._asked.append(batch)
        request = questions.StreamBatchChecksRequest()
        fill_batch(request.batch, *batch, self._min_revision)
        return request

    async def each_async(self, batches: AsyncIterable[Batch]) -> AsyncIterator[questions.StreamBatchChecksRequest]:
        """The requests for batches that come one by one."""
        async for batch in batches:
            yield self.message(batch)

    def table(self, response: questions.StreamBatchChecksResponse) -> MemberTable:
        """The answer to the batch that was longest under way."""
        return MemberTable(*self._asked.popleft(), response.answer)
