"""The request for a batch: users as one text wherever that says the same as a list of them."""

from __future__ import annotations

from collections.abc import Sequence

from segmentd.client.arguments import named
from segmentd.joined_ids import SEPARATOR
from segmentd.v1 import membership_service_pb2 as questions


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
