"""The client of asyncio has the calls of the blocking one, and they behave alike."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from importlib import import_module
from pathlib import Path
from typing import Any, get_args, get_type_hints

import grpc
import pytest
from google.protobuf.message import Message
from tests.cli.running import serving
from tests.client.scripted_log import COMPACTED, CUT, DOWN, LOST, MOVES, SLOW, Log, serving_log
from tests.client.test_failures import Failing, Unavailable, served

import segmentd.v1
from segmentd.client import AsyncClient, CallFailed, Client, as_struct
from segmentd.v1 import membership_pb2, profile_pb2, segment_pb2, user_list_pb2
from segmentd.v1 import membership_service_pb2 as questions
from segmentd.v1 import profile_service_pb2 as profiles
from segmentd.v1 import user_list_service_pb2 as lists


def run(life: Awaitable[None]) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(life, 30)

    asyncio.run(bounded())


async def two_batches() -> AsyncIterator[list[profile_pb2.Event]]:
    for size in (1, 2):
        yield [profile_pb2.Event(user_id="eve", name="Y")] * size


async def each_alone(users: list[str]) -> AsyncIterator[tuple[list[str], list[str]]]:
    for user in users:
        yield [user], ["seen"]


def public(kind: type[Any]) -> dict[str, Any]:
    return {name: getattr(kind, name) for name in dir(kind) if not name.startswith("_")}


def test_it_has_every_call_of_the_blocking_client() -> None:
    blocking, awaiting = public(Client), public(AsyncClient)
    assert set(blocking) - set(awaiting) == {"start_upsert_profiles", "start_ingest_events", "start_upload_user_list"}
    assert set(awaiting) <= set(blocking)
    for name, method in awaiting.items():
        mine, theirs = inspect.signature(method), inspect.signature(blocking[name])
        assert list(mine.parameters.values())[1:] == list(theirs.parameters.values())[1:], name


def test_every_call_names_a_method_of_the_contract_and_its_answer() -> None:
    folder = Path(segmentd.v1.__path__[0])
    modules = [import_module(f"segmentd.v1.{file.stem}") for file in folder.glob("*_service_pb2.py")]
    services = {name: kind for module in modules for name, kind in module.DESCRIPTOR.services_by_name.items()}
    called = set()
    for name, method in public(Client).items():
        describe = getattr(method, "__wrapped__", None)
        made = None if describe is None else re.search(r"Call\(\s*(\w+)Stub,\s*\"(\w+)\"", inspect.getsource(describe))
        if describe is None or made is None:
            continue
        found = services[made[1]].methods_by_name[made[2]]
        called.add(found.name)
        [answer] = get_args(get_type_hints(describe)["return"])
        if inspect.isclass(answer) and issubclass(answer, Message) and "lambda" not in inspect.getsource(describe):
            assert answer.DESCRIPTOR.full_name == found.output_type.full_name, name
    indirect = {"UpsertProfiles", "IngestEvents", "UploadUserList", "WatchTransitions"}
    assert called | indirect == {method.name for service in services.values() for method in service.methods}


def test_a_whole_life(tmp_path: Path) -> None:
    async def life(address: str) -> None:
        async with AsyncClient(address) as client:
            rule = as_struct({"behavioral": {"event": "X", "within": "7d"}})
            await client.create_segment(segment_pb2.Segment(id="seen", rule=rule))
            event = profile_pb2.Event(user_id="ada", name="X")
            stored = await client.ingest_events([event, event])
            assert [each.outcome for each in stored.results] == [profiles.INGEST_OUTCOME_STORED] * 2
            answer = await client.check("ada", "seen", stored.revision)
            assert answer.membership == membership_pb2.MEMBERSHIP_MEMBER
            assert await client.is_member("ada", "seen", stored.revision) is True
            assert await client.is_member("bob", "seen") is False
            assert (await client.check_several("ada", ["seen", "none"])).memberships[1].HasField("error")
            assert (await client.check_batch(["ada", "bob"], ["seen"])).members_of("seen") == ["ada"]
            assert (await client.explain("ada", "seen")).explanation.segment_id == "seen"
            assert (await client.count_members({"behavioral": {"event": "X"}})).member_count == 1
            assert [each.user_id async for each in client.members("seen")] == ["ada"]
            assert [each.id async for each in client.list_segments()] == ["seen"]
            assert [part async for part in client.export_profile("ada")]
            assert "behavioral" in [each.name for each in await client.segment_types()]
            header = lists.UploadUserListHeader(
                list_id="l", mode=user_list_pb2.USER_LIST_UPLOAD_MODE_REPLACE, create_if_missing=True
            )
            await client.upload_user_list(header, (f"u{number}" for number in range(3)))
            assert len([each async for each in client.list_user_list_members("l")]) == 3
            tables = [each async for each in client.stream_batches(each_alone(["ada", "bob"]))]
            assert [table.members_of("seen") for table in tables] == [["ada"], []]
            answers = [each async for each in client.stream_events(two_batches())]
            assert [len(each.results) for each in answers] == [1, 2]
            with pytest.raises(CallFailed) as missing:
                await client.check("ada", "none")
            assert (missing.value.code, missing.value.reason) == (grpc.StatusCode.NOT_FOUND, "SEGMENT_NOT_FOUND")
            with pytest.raises(CallFailed):
                [each async for each in client.members("none")]

    with serving(tmp_path) as address:
        run(life(address))


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED])
def test_what_passes_is_tried_again_and_other_codes_are_not(code: grpc.StatusCode) -> None:
    async def life(address: str) -> None:
        async with AsyncClient(address) as client:
            assert (await client.status()).revision == 7

    passing = Failing(code, 2)
    with served(passing) as address:
        run(life(address))
    assert passing.calls == 3
    internal = Failing(grpc.StatusCode.INTERNAL, 1)
    with served(internal) as address, pytest.raises(CallFailed):
        run(life(address))
    assert internal.calls == 1


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.create_segment(segment_pb2.Segment(id="a")),
        lambda client: client.delete_profile("ada"),
        lambda client: client.upload_user_list(lists.UploadUserListHeader(list_id="l"), []),
    ],
)
@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED])
def test_what_must_be_made_once_is_made_once(
    call: Callable[[AsyncClient], Awaitable[Any]], code: grpc.StatusCode
) -> None:
    async def life(address: str) -> None:
        async with AsyncClient(address) as client:
            client.caller.pool.reached = True
            await call(client)

    refusing = Unavailable(code)
    with served(refusing) as address, pytest.raises(CallFailed):
        run(life(address))
    assert refusing.calls == 1


def test_a_watch_goes_on_after_the_last_position_and_tells_each_move_once() -> None:
    async def life(address: str) -> None:
        async with (
            AsyncClient(address) as client,
            client.watch(["s"], ["u"], start=questions.WATCH_START_LOG) as watch,
        ):
            seen = []
            async for move in watch.transitions():
                assert watch.position == move.position
                seen.append(move)
                if len(seen) == 20:
                    break
            assert seen == MOVES

    log = Log(SLOW, DOWN, LOST, CUT)
    with serving_log(log) as address:
        run(life(address))
    assert [request.position for request in log.requests] == ["", "3", "7", "11", "15"]


def test_a_watch_raises_what_does_not_pass_and_ends_when_it_is_closed() -> None:
    async def compacted(address: str) -> None:
        async with AsyncClient(address) as client, client.watch() as watch:
            with pytest.raises(CallFailed) as failed:
                [move async for move in watch.transitions()]
            assert (failed.value.code, failed.value.reason) == COMPACTED

    async def closed(address: str) -> None:
        async with AsyncClient(address) as client:
            watch = client.watch()
            seen = 0
            async for _ in watch:
                seen += 1
                if seen == 4:
                    closing = asyncio.get_running_loop().create_task(watch.close())
            await closing
            assert seen == 4
            assert [message async for message in watch] == []

    with serving_log(Log(COMPACTED)) as address:
        run(compacted(address))
    with serving_log(Log()) as address:
        run(closed(address))
