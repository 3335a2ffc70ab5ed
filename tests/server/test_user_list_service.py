"""UserListService through a real channel: uploads, pages, refusals, and clients that go away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import grpc
import pytest
from tests.server.live import run
from tests.server.served import Client, refusal, serving

from segmentd.limits import MAX_ITEMS
from segmentd.v1 import user_list_pb2
from segmentd.v1 import user_list_service_pb2 as pb
from segmentd.v1.user_list_service_pb2_grpc import UserListServiceStub

REPLACE = user_list_pb2.USER_LIST_UPLOAD_MODE_REPLACE
ADD = user_list_pb2.USER_LIST_UPLOAD_MODE_ADD
REMOVE = user_list_pb2.USER_LIST_UPLOAD_MODE_REMOVE
RULE = {"list": {"uploaded": "beta"}}


def stub(client: Client) -> Any:
    return UserListServiceStub(client.channel)


def header(mode: Any = REPLACE, list_id: str = "beta", **more: Any) -> pb.UploadUserListRequest:
    fields = {"list_id": list_id, "mode": mode, "create_if_missing": True, **more}
    return pb.UploadUserListRequest(header=pb.UploadUserListHeader(**fields))


def ids(*user_ids: str) -> pb.UploadUserListRequest:
    return pb.UploadUserListRequest(user_ids=pb.UserListIds(user_ids=user_ids))


def end(count: int) -> pb.UploadUserListRequest:
    return pb.UploadUserListRequest(end=pb.UserListEnd(id_count=count))


async def upload(client: Client, *messages: pb.UploadUserListRequest) -> Any:
    """Upload with the end that belongs to the messages."""
    count = sum(len(each.user_ids.user_ids) for each in messages)
    return await stub(client).UploadUserList(iter([*messages, end(count)]))


async def send(client: Client, *messages: pb.UploadUserListRequest) -> Any:
    """Upload just these messages."""
    return await stub(client).UploadUserList(iter(messages))


def test_a_list_is_uploaded_read_and_deleted(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "lists.db") as client:
            done = await upload(client, header(description="testers"), ids("u1", "u2"), ids(), ids("u3", "u1"))
            assert (done.added_count, done.removed_count, done.created_count, done.unchanged_count) == (3, 0, 3, 0)
            assert (done.list.id, done.list.size, done.list.description) == ("beta", 3, "testers")
            await client.define("segment", RULE)
            assert await client.is_member("u1", "segment")
            done = await upload(client, header(REMOVE), ids("u1", "nobody"))
            assert (done.removed_count, done.unchanged_count, list(done.list.uploads)) == (1, 1, [])
            assert not await client.is_member("u1", "segment")
            found = await stub(client).GetUserList(pb.GetUserListRequest(list_id="beta", min_revision=done.revision))
            assert list(found.list.referenced_by_segment_ids) == ["segment"]
            refused = await refusal(stub(client).DeleteUserList(pb.DeleteUserListRequest(list_id="beta")))
            assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "LIST_REFERENCED")
            await upload(client, header(ADD, "other"), ids("u9"))
            gone = await stub(client).DeleteUserList(pb.DeleteUserListRequest(list_id="other"))
            assert gone.revision > done.revision
            missing = await refusal(stub(client).GetUserList(pb.GetUserListRequest(list_id="other")))
            assert (missing.code, missing.reason) == (grpc.StatusCode.NOT_FOUND, "LIST_NOT_FOUND")
            assert missing.metadata == {"list_id": "other"}

    run(test())


def test_pages_of_lists_and_of_their_users(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "lists.db") as client:
            for number in range(3):
                await upload(client, header(list_id=f"list-{number}"), ids(*(f"u{each}" for each in range(5))))
            await stub(client).UpdateUserList(pb.UpdateUserListRequest(list_id="list-1", remove_user_ids=["u2"]))
            request = pb.ListUserListsRequest(page_size=2)
            page = await stub(client).ListUserLists(request)
            assert ([each.id for each in page.lists], page.total_size) == (["list-0", "list-1"], 3)
            rest = await stub(client).ListUserLists(
                pb.ListUserListsRequest(page_size=2, page_token=page.next_page_token)
            )
            assert ([each.id for each in rest.lists], rest.next_page_token) == (["list-2"], "")
            found: list[str] = []
            members = pb.ListUserListMembersRequest(list_id="list-1", page_size=3)
            while True:
                answer = await stub(client).ListUserListMembers(members)
                found += answer.user_ids
                assert answer.total_size == 4
                if not answer.next_page_token:
                    break
                members.page_token = answer.next_page_token
            assert found == ["u0", "u1", "u3", "u4"]
            members.list_id = "list-2"
            members.page_token = page.next_page_token
            mixed = await refusal(stub(client).ListUserListMembers(members))
            assert mixed.reason == "PAGE_TOKEN_MISMATCH"

    run(test())


def test_single_users_are_changed(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "lists.db") as client:
            lists = stub(client)
            request = pb.UpdateUserListRequest(list_id="beta", add_user_ids=["u1", "u2"])
            assert (await refusal(lists.UpdateUserList(request))).reason == "LIST_NOT_FOUND"
            request.create_if_missing = True
            done = await lists.UpdateUserList(request)
            assert (done.added_count, done.created_count, done.list.size) == (2, 2, 2)
            request = pb.UpdateUserListRequest(list_id="beta", remove_user_ids=["u2", "u3"], description="one")
            done = await lists.UpdateUserList(request)
            assert (done.removed_count, done.unchanged_count, done.list.description) == (1, 1, "one")
            for field in ("add_user_ids", "remove_user_ids"):
                many = pb.UpdateUserListRequest(list_id="beta")
                getattr(many, field).extend(["u"] * (MAX_ITEMS + 1))
                assert (await refusal(lists.UpdateUserList(many))).violations.keys() == {field}
            wrong = pb.UpdateUserListRequest(list_id="beta", add_user_ids=["u1"], remove_user_ids=["u1", "\n"])
            assert (await refusal(lists.UpdateUserList(wrong))).violations.keys() == {
                "remove_user_ids",
                "remove_user_ids[1]",
            }

    run(test())


@pytest.mark.parametrize(
    ("messages", "field"),
    [
        ([], "header"),
        ([header()], "end"),
        ([header(), ids("u1")], "end"),
        ([header(), ids("u1"), end(2)], "end.id_count"),
        ([header(), end(0), ids("u1")], "end"),
        ([header(), end(0), end(0)], "end"),
        ([header(), end(0)], "end"),
        ([header(skip_invalid=True), ids(""), end(1)], "end"),
        ([ids("u1")], "header"),
        ([pb.UploadUserListRequest()], "header"),
        ([header(0)], "header.mode"),
        ([header(99)], "header.mode"),
        ([header(list_id="")], "header.list_id"),
        ([header(description="d" * 70_000)], "header.description"),
        ([header(), header()], "user_ids"),
        ([header(), pb.UploadUserListRequest()], "user_ids"),
        ([header(), ids(*["u"] * (MAX_ITEMS + 1))], "user_ids"),
        ([header(), ids("u1"), ids("u2", "a\x00b")], "user_ids[2]"),
    ],
)
def test_an_upload_of_a_wrong_form_changes_nothing(
    tmp_path: Path, messages: Iterable[pb.UploadUserListRequest], field: str
) -> None:
    async def test() -> None:
        async with serving(tmp_path / "lists.db") as client:
            refused = await refusal(send(client, *messages))
            assert (refused.code, set(refused.violations)) == (grpc.StatusCode.INVALID_ARGUMENT, {field})
            assert (await stub(client).ListUserLists(pb.ListUserListsRequest())).total_size == 0

    run(test())


def test_bad_ids_are_reported_where_they_are_to_be_passed_over(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "lists.db") as client:
            done = await upload(client, header(skip_invalid=True), ids("u1", ""), ids("x" * 300, "u2"))
            assert (done.list.size, done.skipped_count) == (2, 2)
            assert [(each.index, each.user_id) for each in done.faults] == [(1, ""), (2, "x" * 80)]
            assert done.faults[0].description == "it is empty"

    run(test())


def test_a_list_is_emptied_by_those_who_mean_it(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "lists.db") as client:
            await upload(client, header(), ids("u1"))
            assert (await refusal(send(client, header(), end(0)))).violations.keys() == {"end"}
            assert (await upload(client, header(allow_empty=True))).removed_count == 1

    run(test())


def test_a_client_that_goes_away_in_the_middle_changes_nothing(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path / "lists.db") as client:
            await upload(client, header(), ids("u1"))
            sent = asyncio.Event()

            async def messages() -> AsyncIterator[pb.UploadUserListRequest]:
                yield header()
                yield ids("u2", "u3")
                sent.set()
                await asyncio.Event().wait()

            call = stub(client).UploadUserList(messages())
            await sent.wait()
            while not (seen := await stub(client).GetUserList(pb.GetUserListRequest(list_id="beta"))).list.uploads:
                pass
            (under_way,) = seen.list.uploads
            assert (under_way.mode, under_way.phase) == (REPLACE, user_list_pb2.USER_LIST_UPLOAD_PHASE_RECEIVING)
            call.cancel()
            while seen.list.uploads:
                seen = await stub(client).GetUserList(pb.GetUserListRequest(list_id="beta"))
            assert seen.list.size == 1
            members = await stub(client).ListUserListMembers(pb.ListUserListMembersRequest(list_id="beta"))
            assert list(members.user_ids) == ["u1"]

    run(test())
