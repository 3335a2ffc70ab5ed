"""Lists page by page: what each request of a page asks for, and where the page after it begins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias, TypeVar

from google.protobuf.message import Message

from segmentd.server.faults import Faults
from segmentd.server.page_tokens import make_page_token, read_page_token
from segmentd.server.rpc import Context
from segmentd.server.waiting import reach
from segmentd.service.stored_answers import Revision
from segmentd.v1 import exclusive_group_service_pb2 as groups
from segmentd.v1 import membership_service_pb2 as questions
from segmentd.v1 import profile_service_pb2 as profiles
from segmentd.v1 import segment_service_pb2 as segments
from segmentd.v1 import user_list_service_pb2 as lists

Request: TypeAlias = (
    groups.ListExclusiveGroupsRequest
    | lists.ListUserListMembersRequest
    | lists.ListUserListsRequest
    | questions.ListSegmentMembersRequest
    | questions.ListUserSegmentsRequest
    | profiles.ListAttributesRequest
    | profiles.ListEventsRequest
    | segments.ListSegmentModelsRequest
    | segments.ListSegmentVersionsRequest
    | segments.ListSegmentsRequest
)
"""Those that have page_size, page_token and min_revision."""
Item = TypeVar("Item")


async def asked(
    request: Request, faults: Faults, sizes: tuple[int, int], memberships: Revision, context: Context
) -> tuple[int, str]:
    """How many items the page has, and the position after which it begins: "" for the first page.

    `sizes` are the default and the most; `faults` has those of the other fields. Waits for `min_revision`. Raises
    InvalidInput and DeadlineExceeded.
    """
    size = faults.page_size(request.page_size, *sizes)
    faults.raise_any()
    after = read_page_token(request, request.page_token) or ""
    if request.min_revision:
        await reach(memberships, request.min_revision, context)
    return size, after


def cut(
    request: Message, rest: Sequence[Item], size: int, position: Callable[[Item], str]
) -> tuple[Sequence[Item], str]:
    """The first `size` of the items from where the page begins, and the token of the next page: "" for none."""
    page = rest[:size]
    return page, make_page_token(request, position(page[-1])) if len(rest) > size else ""
