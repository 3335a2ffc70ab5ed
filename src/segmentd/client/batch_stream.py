"""Batches under way on a stream, each with what it asked for until its answer is there."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from itertools import islice

from segmentd.client.arguments import whole
from segmentd.client.batch_request import Batch, as_asked, fill_batch
from segmentd.client.member_table import MemberTable
from segmentd.v1 import membership_service_pb2 as questions


class BatchStream:
    """Answers come in the order of the batches."""

    def __init__(self, min_revision: int, at_once: int) -> None:
        """`at_once` batches go in one message. Raises ValueError where that is not positive."""
        if whole(at_once, "at_once", 32) < 1:
            raise ValueError(f"at_once: {at_once} is too few; 1 is the least")
        self._min_revision = min_revision
        self._at_once = at_once
        self._asked: deque[Batch] = deque()

    def messages(self, batches: Iterable[Batch]) -> Iterator[questions.StreamBatchChecksRequest]:
        """The requests for batches, which are under way from then on."""
        coming = map(_as_asked, batches)
        while group := list(islice(coming, self._at_once)):
            yield self._message(group)

    async def messages_async(self, batches: AsyncIterable[Batch]) -> AsyncIterator[questions.StreamBatchChecksRequest]:
        """The same for batches that are waited for."""
        group: list[Batch] = []
        async for batch in batches:
            group.append(_as_asked(batch))
            if len(group) == self._at_once:
                yield self._message(group)
                group = []
        if group:
            yield self._message(group)

    def tables(self, response: questions.StreamBatchChecksResponse) -> list[MemberTable]:
        """The answers to the batches that were longest under way."""
        return [MemberTable(*self._asked.popleft(), answer) for answer in response.answers]

    def _message(self, group: list[Batch]) -> questions.StreamBatchChecksRequest:
        self._asked += group
        request = questions.StreamBatchChecksRequest()
        for batch in group:
            fill_batch(request.batches.add(), *batch, self._min_revision)
        return request


def _as_asked(batch: Batch) -> Batch:
    try:
        user_ids, segment_ids = batch
    except (TypeError, ValueError):
        raise TypeError(f"batches: {batch!r:.200} is no pair of user ids and segment ids") from None
    return as_asked(user_ids, segment_ids)
