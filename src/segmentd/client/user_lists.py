"""Lists of users."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from segmentd.client.arguments import named
from segmentd.client.calls import Call, asked, paged
from segmentd.client.sending import Sending
from segmentd.v1 import user_list_pb2
from segmentd.v1 import user_list_service_pb2 as lists
from segmentd.v1.user_list_service_pb2_grpc import UserListServiceStub

MAX_CHUNK = 10_000
"""The most ids of one message of an upload."""


class UserLists:
    """Calls of UserListService."""

    @asked
    def upload_user_list(
        self, header: lists.UploadUserListHeader, user_ids: Iterable[str]
    ) -> Call[lists.UploadUserListResponse]:
        """Upload ids, which are taken as they are sent; nothing is changed where the upload breaks off."""
        return uploading(header, user_ids)

    @asked
    def update_user_list(
        self,
        list_id: str,
        *,
        add: Sequence[str] = (),
        remove: Sequence[str] = (),
        create_if_missing: bool = False,
        description: str | None = None,
    ) -> Call[lists.UpdateUserListResponse]:
        """Add and remove single users."""
        request = lists.UpdateUserListRequest(
            list_id=list_id,
            add_user_ids=add,
            remove_user_ids=remove,
            create_if_missing=create_if_missing,
            description=description,
        )
        return Call(UserListServiceStub, "UpdateUserList", request)

    @asked
    def get_user_list(self, list_id: str, min_revision: int = 0) -> Call[lists.GetUserListResponse]:
        """One list, with the uploads to it that are under way."""
        request = lists.GetUserListRequest(list_id=list_id, min_revision=min_revision)
        return Call(UserListServiceStub, "GetUserList", request)

    @paged
    def list_user_lists(self, min_revision: int = 0) -> Call[Iterable[user_list_pb2.UserList]]:
        """The lists, ordered by id; pages are asked for as they are needed."""
        request = lists.ListUserListsRequest(min_revision=min_revision, page_size=1_000)
        return Call(UserListServiceStub, "ListUserLists", request, lambda page: page.lists)

    @paged
    def list_user_list_members(self, list_id: str, min_revision: int = 0) -> Call[Iterable[str]]:
        """The ids of a list's users; pages are asked for as they are needed."""
        request = lists.ListUserListMembersRequest(list_id=list_id, min_revision=min_revision, page_size=10_000)
        return Call(UserListServiceStub, "ListUserListMembers", request, lambda page: page.user_ids)

    @asked
    def delete_user_list(self, list_id: str) -> Call[lists.DeleteUserListResponse]:
        """Delete a list to which no segment refers."""
        return Call(UserListServiceStub, "DeleteUserList", lists.DeleteUserListRequest(list_id=list_id))


@named
def uploading(header: lists.UploadUserListHeader, user_ids: Iterable[str]) -> Call[lists.UploadUserListResponse]:
    """The call that uploads a list; `user_ids` is read while it is under way."""
    first = lists.UploadUserListRequest(header=header)
    return Call(UserListServiceStub, "UploadUserList", Sending(_messages(first, user_ids)))


def _messages(first: lists.UploadUserListRequest, user_ids: Iterable[str]) -> Iterator[lists.UploadUserListRequest]:
    yield first
    chunk: list[str] = []
    count = 0
    for user_id in user_ids:
        chunk.append(user_id)
        count += 1
        if len(chunk) == MAX_CHUNK:
            yield _some(chunk)
            chunk = []
    if chunk:
        yield _some(chunk)
    yield lists.UploadUserListRequest(end=lists.UserListEnd(id_count=count))


@named
def _some(user_ids: Sequence[str]) -> lists.UploadUserListRequest:
    return lists.UploadUserListRequest(user_ids=lists.UserListIds(user_ids=user_ids))
