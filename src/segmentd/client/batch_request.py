"""A batch as it is asked, and its request: users as one text wherever that says the same as a list of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from segmentd.client.arguments import named
from segmentd.joined_ids import SEPARATOR
from segmentd.v1 import membership_service_pb2 as questions

Batch: TypeAlias = tuple[Sequence[str], Sequence[str]]
"""User ids and segment ids."""


@named
def as_asked(user_ids: Sequence[str], segment_ids: Sequence[str]) -> Batch:
    """The ids as they are now: the answer is read by them, and the caller may change their lists meanwhile."""
    return list(user_ids), list(segment_ids)


@named
def fill_batch(
    request: questions.BatchCheckMembershipsRequest,
    user_ids: Sequence[str],
    segment_ids: Sequence[str],
    min_revision: int,
) -> None:
    """Put a batch into an empty request; raises TypeError with the argument's name where an id is no text."""
    joined = _joined(user_ids)
    if joined:
        request.joined_user_ids = joined
    else:
        request.user_ids.extend(user_ids)
    request.segment_ids.extend(segment_ids)
    request.min_revision = min_revision


def _joined(user_ids: Sequence[str]) -> str:
    """Empty where it would not be read as these ids: one of them has a line feed, or there is but an empty one."""
    try:
        joined = SEPARATOR.join(user_ids)
    except TypeError:
        return ""
    return joined if joined.count(SEPARATOR) == len(user_ids) - 1 else ""
