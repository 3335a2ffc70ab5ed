"""Lists of users."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import grpc

from segmentd.client.calling import Pending
from segmentd.client.part import Part
from segmentd.v1 import user_list_pb2
from segmentd.v1 import user_list_service_pb2 as lists
from segmentd.v1.user_list_service_pb2_grpc import UserListServiceStub

MAX_CHUNK = 10_000
"""The most ids of one message of an upload."""


class UserLists(Part):
    """Calls of UserListService."""

    def _connect(self, channel: grpc.Channel) -> None:
        super()._connect(channel)
        self._user_lists = UserListServiceStub(channel)

    def upload_user_list(
        self, header: lists.UploadUserListHeader, user_ids: Iterable[str]
    ) -> lists.UploadUserListResponse:
        """Upload ids, which are taken as they are sent; nothing is changed where the upload breaks off."""
        return self.start_upload_user_list(header, user_ids).result()

    def start_upload_user_list(
        self, header: lists.UploadUserListHeader, user_ids: Iterable[str]
    ) -> Pending[lists.UploadUserListResponse]:
        """The same without waiting; `user_ids` is read by another thread."""
        return self._caller.start(self._user_lists.UploadUserList, _messages(header, user_ids))

    def update_user_list(
        self,
        list_id: str,
        *,
        add: Sequence[str] = (),
        remove: Sequence[str] = (),
        create_if_missing: bool = False,
        description: str | None = None,
    ) -> lists.UpdateUserListResponse:
        """Add and remove single users."""
        request = lists.UpdateUserListRequest(
            list_id=list_id,
            add_user_ids=add,
            remove_user_ids=remove,
            create_if_missing=create_if_missing,
            description=description,
        )
        return self._caller.call(self._user_lists.UpdateUserList, request)

    def get_user_list(self, list_id: str, min_revision: int = 0) -> lists.GetUserListResponse:
        """One list, with the uploads to it that are under way."""
        request = lists.GetUserListRequest(list_id=list_id, min_revision=min_revision)
        return self._caller.call(self._user_lists.GetUserList, request)

    def list_user_lists(self, min_revision: int = 0) -> Iterator[user_list_pb2.UserList]:
        """The lists, ordered by id; pages are asked for as they are needed."""
        request = lists.ListUserListsRequest(min_revision=min_revision, page_size=1_000)
        for page in self._caller.pages(self._user_lists.ListUserLists, request):
            yield from page.lists

    def list_user_list_members(self, list_id: str, min_revision: int = 0) -> Iterator[str]:
        """The ids of a list's users; pages are asked for as they are needed."""
        request = lists.ListUserListMembersRequest(list_id=list_id, min_revision=min_revision, page_size=10_000)
        for page in self._caller.pages(self._user_lists.ListUserListMembers, request):
            yield from page.user_ids

    def delete_user_list(self, list_id: str) -> lists.DeleteUserListResponse:
        """Delete a list to which no segment refers."""
        return self._caller.call(self._user_lists.DeleteUserList, lists.DeleteUserListRequest(list_id=list_id))


def _messages(header: lists.UploadUserListHeader, user_ids: Iterable[str]) -> Iterator[lists.UploadUserListRequest]:
    yield lists.UploadUserListRequest(header=header)
    chunk: list[str] = []
    count = 0
    for user_id in user_ids:
        chunk.append(user_id)
        count += 1
        if len(chunk) == MAX_CHUNK:
            yield lists.UploadUserListRequest(user_ids=lists.UserListIds(user_ids=chunk))
            chunk = []
    if chunk:
        yield lists.UploadUserListRequest(user_ids=lists.UserListIds(user_ids=chunk))
    yield lists.UploadUserListRequest(end=lists.UserListEnd(id_count=count))
