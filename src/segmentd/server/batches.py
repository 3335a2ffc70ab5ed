"""BatchCheckMemberships: one batch, or several that came together and are looked up at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from itertools import accumulate, chain, pairwise
from typing import Final

from segmentd.errors import FieldViolation, InvalidInput, Reason, SegmentdError
from segmentd.joined_ids import SEPARATOR, JoinedIds
from segmentd.limits import MAX_CELLS, MAX_ITEMS, check_batch
from segmentd.mapping.elsewhere import Elsewhere
from segmentd.server import member_bits
from segmentd.server.errors import item_error_of
from segmentd.server.instants import to_optional_timestamp, to_timestamp
from segmentd.server.subjects import check_list, id_errors, plans_of
from segmentd.service.seen import Seen
from segmentd.v1 import membership_service_pb2 as pb

MAX_TOGETHER: Final = 100
"""The most batches of one message."""
Answer = pb.BatchCheckMembershipsResponse


def users_of(request: pb.BatchCheckMembershipsRequest) -> Sequence[str]:
    """The users of a batch. Raises InvalidInput where it is not to be answered."""
    joined = request.joined_user_ids
    if joined and request.user_ids:
        raise InvalidInput.at("joined_user_ids", "it stands in place of user_ids; give one of them")
    user_ids = JoinedIds(joined) if joined else request.user_ids
    check_list(user_ids, "user_ids")
    check_list(request.segment_ids, "segment_ids")
    _check_cells(len(user_ids), len(request.segment_ids))
    return user_ids


def all_of(users: Sequence[Sequence[str]]) -> Sequence[str]:
    """The users of several batches, one after another."""
    if len(users) == 1:
        return users[0]
    if all(isinstance(each, JoinedIds) for each in users):
        return JoinedIds(SEPARATOR.join(each.text for each in users if isinstance(each, JoinedIds)))
    return list(chain.from_iterable(users))


def answers_to(seen: Seen, users: Sequence[Sequence[str]], segments: Sequence[Sequence[str]]) -> list[Answer]:
    """The answer to each batch; `seen` has the users of all."""
    if len(users) == 1:
        return [_answer(seen, users[0], segments[0])]
    bounds = pairwise(accumulate(map(len, users), initial=0))
    parts = (seen.part(slice(*each)) for each in bounds)
    return [_answer(*each) for each in zip(parts, users, segments, strict=True)]


async def in_order(
    requests: Sequence[pb.BatchCheckMembershipsRequest],
    together: Callable[[Sequence[pb.BatchCheckMembershipsRequest]], Awaitable[list[Answer]]],
    alone: Callable[[pb.BatchCheckMembershipsRequest], Awaitable[Answer]],
) -> AsyncIterator[list[Answer]]:
    """The answers to the batches of one message: `together`; or `alone`, where one has none or is the engine's."""
    if not requests:
        raise InvalidInput.at("batches", "it is empty; at least one is required")
    if len(requests) > 1:
        _check_together(requests)
        try:
            answers = await together(requests)
        except (SegmentdError, Elsewhere):
            pass
        else:
            yield answers
            return
    for request in requests:
        yield [await alone(request)]


def _answer(seen: Seen, user_ids: Sequence[str], segment_ids: Sequence[str]) -> Answer:
    plans = plans_of(seen, segment_ids)
    unknown = (~seen.known).nonzero()[0].tolist()
    refused = id_errors(user_ids, "user_ids", unknown)  # whoever is known has a sound id
    failed = {index: plan for index, plan in enumerate(plans) if isinstance(plan, SegmentdError)}
    return Answer(
        member_bits=member_bits.pack(seen, plans),
        bytes_per_user=-(-len(segment_ids) // 8),
        unknown_user_indexes=[index for index in unknown if index not in refused],
        user_errors=_indexed(refused),
        segment_errors=_indexed(failed),
        revision=seen.revision,
        evaluate_time=to_timestamp(seen.at),
        holds_until_time=to_optional_timestamp(member_bits.holds_until(seen, plans)),
    )


def _check_together(requests: Sequence[pb.BatchCheckMembershipsRequest]) -> None:
    """Together they may keep others waiting for no longer than one batch."""
    check_batch(len(requests), "batches", MAX_TOGETHER)
    users = [len(each.user_ids) or each.joined_user_ids.count(SEPARATOR) + 1 for each in requests]
    cells = sum(size * len(each.segment_ids) for size, each in zip(users, requests, strict=True))
    for given, limit, what in ((sum(users), MAX_ITEMS, "users"), (cells, MAX_CELLS, "users times segments")):
        if given > limit:
            raise _too_large("batches", f"{given} {what} in all; {limit} are the most", limit, given)


def _check_cells(users: int, segments: int) -> None:
    if users * segments > MAX_CELLS:
        told = f"{users} users times {segments} segments; {MAX_CELLS} are the most"
        raise _too_large("user_ids", told, MAX_CELLS, users * segments)


def _too_large(field: str, told: str, limit: int, given: int) -> InvalidInput:
    metadata = {"limit": str(limit), "given": str(given)}
    return InvalidInput([FieldViolation(field, told)], Reason.BATCH_TOO_LARGE, metadata)


def _indexed(errors: dict[int, SegmentdError]) -> list[pb.IndexedError]:
    return [pb.IndexedError(index=index, error=item_error_of(error)) for index, error in sorted(errors.items())]
