"""UserListService: lists of users, uploaded as a whole or changed one by one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

from segmentd.errors import InvalidInput
from segmentd.limits import check_batch
from segmentd.server import pages
from segmentd.server.faults import Faults
from segmentd.server.instants import to_timestamp
from segmentd.server.page_tokens import make_page_token
from segmentd.server.rpc import Context
from segmentd.server.subjects import check_id
from segmentd.server.waiting import reach
from segmentd.service.service import Service
from segmentd.service.upload import Mode, Phase, Upload, UploadSpec
from segmentd.service.user_lists import Applied, UserListView, check_spec
from segmentd.v1 import user_list_pb2, user_list_service_pb2_grpc
from segmentd.v1 import user_list_service_pb2 as pb

_PAGE: Final = (100, 1_000)
"""How many lists a page has by default and at most."""
_MEMBERS_PAGE: Final = (1_000, 10_000)
"""How many users a page has by default and at most."""
_MODES: Final = {
    user_list_pb2.USER_LIST_UPLOAD_MODE_REPLACE: Mode.REPLACE,
    user_list_pb2.USER_LIST_UPLOAD_MODE_ADD: Mode.ADD,
    user_list_pb2.USER_LIST_UPLOAD_MODE_REMOVE: Mode.REMOVE,
}
_MODE_NUMBERS: Final = {mode: number for number, mode in _MODES.items()}
_PHASES: Final = {
    Phase.RECEIVING: user_list_pb2.USER_LIST_UPLOAD_PHASE_RECEIVING,
    Phase.APPLYING: user_list_pb2.USER_LIST_UPLOAD_PHASE_APPLYING,
}


class UserListHandlers(user_list_service_pb2_grpc.UserListServiceServicer):
    """Lists, their users, and uploads."""

    def __init__(self, service: Service) -> None:
        self._lists = service.user_lists
        self._memberships = service.memberships

    async def UploadUserList(
        self, request_iterator: AsyncIterator[pb.UploadUserListRequest], context: Context
    ) -> pb.UploadUserListResponse:
        first = await anext(aiter(request_iterator), None)
        with self._lists.receiving(_header(first)) as upload:
            async for message in request_iterator:
                if message.WhichOneof("part") == "end":
                    break
                await self._lists.take(upload, _ids(message))
            else:
                # A client that goes away looks like one that has sent everything; only its word tells them apart.
                raise InvalidInput.at("end", "the upload broke off: its last message is the end")
            _check_end(message.end.id_count, upload)
            await _nothing_more(request_iterator)
            applied = await self._lists.apply(upload)
        return pb.UploadUserListResponse(**_outcome(applied), skipped_count=applied.skipped, faults=_faults(applied))

    async def UpdateUserList(self, request: pb.UpdateUserListRequest, context: Context) -> pb.UpdateUserListResponse:
        check_batch(len(request.add_user_ids), "add_user_ids")
        check_batch(len(request.remove_user_ids), "remove_user_ids")
        description = request.description if request.HasField("description") else None
        spec = UploadSpec(request.list_id, Mode.ADD, description, create=request.create_if_missing)
        applied = await self._lists.update(spec, request.add_user_ids, request.remove_user_ids)
        return pb.UpdateUserListResponse(**_outcome(applied))

    async def GetUserList(self, request: pb.GetUserListRequest, context: Context) -> pb.GetUserListResponse:
        check_id(request.list_id, "list_id")
        if request.min_revision:
            await reach(self._memberships, request.min_revision, context)
        view = await self._lists.get(request.list_id)
        return pb.GetUserListResponse(list=_user_list(view), revision=view.revision)

    async def ListUserLists(self, request: pb.ListUserListsRequest, context: Context) -> pb.ListUserListsResponse:
        size, after = await pages.asked(request, Faults(), _PAGE, self._memberships, context)
        views, total, revision = await self._lists.select(after, size + 1)
        page, token = pages.cut(request, views, size, lambda view: view.record.list_id)
        return pb.ListUserListsResponse(
            lists=[_user_list(view) for view in page],
            total_size=total,
            revision=revision,
            next_page_token=token,
        )

    async def ListUserListMembers(
        self, request: pb.ListUserListMembersRequest, context: Context
    ) -> pb.ListUserListMembersResponse:
        faults = Faults()
        faults.id(request.list_id, "list_id")
        size, after = await pages.asked(request, faults, _MEMBERS_PAGE, self._memberships, context)
        page = await self._lists.members(request.list_id, int(after or 0), size)
        return pb.ListUserListMembersResponse(
            user_ids=page.user_ids,
            total_size=page.total,
            revision=page.revision,
            next_page_token=make_page_token(request, str(page.after)) if page.after is not None else "",
        )

    async def DeleteUserList(self, request: pb.DeleteUserListRequest, context: Context) -> pb.DeleteUserListResponse:
        check_id(request.list_id, "list_id")
        return pb.DeleteUserListResponse(revision=await self._lists.delete(request.list_id))


def _header(message: pb.UploadUserListRequest | None) -> UploadSpec:
    """What an upload is to do. Raises InvalidInput where its first message is no sound header."""
    if message is None or message.WhichOneof("part") != "header":
        raise InvalidInput.at("header", "the first message of an upload is its header")
    header = message.header
    if header.mode not in _MODES:
        raise InvalidInput.at("header.mode", "say what to do with the ids: REPLACE, ADD or REMOVE")
    description = header.description if header.HasField("description") else None
    spec = UploadSpec(
        header.list_id,
        _MODES[header.mode],
        description,
        create=header.create_if_missing,
        skip_invalid=header.skip_invalid,
        allow_empty=header.allow_empty,
    )
    try:
        check_spec(spec)
    except InvalidInput as error:
        raise error.below("header.") from None
    return spec


def _check_end(sent: int, upload: Upload) -> None:
    if sent != upload.received:
        raise InvalidInput.at("end.id_count", f"{sent:,} ids were sent, {upload.received:,} have arrived")


async def _nothing_more(messages: AsyncIterator[pb.UploadUserListRequest]) -> None:
    async for _ in messages:
        raise InvalidInput.at("end", "the end is the last message of an upload")


def _ids(message: pb.UploadUserListRequest) -> list[str]:
    """The ids of one message. Raises InvalidInput where it brings none or too many of them."""
    if message.WhichOneof("part") != "user_ids":
        raise InvalidInput.at("user_ids", "every message of an upload between the first and the last one brings ids")
    check_batch(len(message.user_ids.user_ids), "user_ids")
    return list(message.user_ids.user_ids)


def _user_list(view: UserListView) -> user_list_pb2.UserList:
    record = view.record
    return user_list_pb2.UserList(
        id=record.list_id,
        description=record.description,
        size=view.size,
        create_time=to_timestamp(record.create_time),
        update_time=to_timestamp(record.update_time),
        referenced_by_segment_ids=view.referenced_by,
        uploads=[_upload(each) for each in view.uploads],
    )


def _upload(upload: Upload) -> user_list_pb2.UserListUpload:
    return user_list_pb2.UserListUpload(
        mode=_MODE_NUMBERS[upload.spec.mode],
        phase=_PHASES[upload.phase],
        received_count=upload.received,
        applied_count=upload.applied,
        total_count=upload.total,
        start_time=to_timestamp(upload.start_time),
    )


def _outcome(applied: Applied) -> dict[str, Any]:
    """What both ways of changing a list answer, by the names of the fields."""
    return {
        "list": _user_list(applied.view),
        "revision": applied.view.revision,
        "added_count": applied.added,
        "removed_count": applied.removed,
        "created_count": applied.created,
        "unchanged_count": applied.unchanged,
    }


def _faults(applied: Applied) -> list[pb.UserListIdFault]:
    return [
        pb.UserListIdFault(index=each.index, user_id=each.user_id, description=each.description)
        for each in applied.faults
    ]
