"""What the caller's own iterable raises is what the call raises, and it ends the call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import grpc
import pytest
from tests.cli.running import serving

from segmentd.client import AsyncClient, CallFailed, Client
from segmentd.v1 import profile_pb2, user_list_pb2
from segmentd.v1 import user_list_service_pb2 as lists


class SourceBroke(Exception):
    """The caller's own."""


EVENTS = [profile_pb2.Event(user_id="ada", name="Opened")]
HEADER = lists.UploadUserListHeader(
    list_id="l", mode=user_list_pb2.USER_LIST_UPLOAD_MODE_REPLACE, create_if_missing=True
)
CAUSE = OSError("the disk is gone")


def broken(first: Any, error: BaseException) -> Iterator[Any]:
    yield first
    raise error from CAUSE


async def broken_async(first: Any, error: BaseException) -> AsyncIterator[Any]:
    yield first
    await asyncio.sleep(0)
    raise error from CAUSE


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("server")) as listening:
        yield listening


STREAMS = [
    (lambda client, source: client.stream_events(source), EVENTS),
    (lambda client, source: client.stream_batches(source), (["ada"], ["s"])),
]


@pytest.mark.parametrize("error", [SourceBroke("x"), KeyboardInterrupt()])
@pytest.mark.parametrize(("stream", "first"), STREAMS)
def test_a_source_that_breaks_is_raised_as_it_is_and_only_there(
    address: str,
    stream: Callable[..., Iterator[Any]],
    first: Any,
    error: BaseException,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with Client(address) as client, pytest.raises(type(error)) as raised:
        list(stream(client, broken(first, error)))
    assert raised.value is error
    assert error.__cause__ is CAUSE
    assert caplog.text == ""


def test_an_upload_whose_source_breaks_is_raised_as_it_is_and_stores_nothing(address: str) -> None:
    with Client(address) as client:
        with pytest.raises(SourceBroke):
            client.upload_user_list(HEADER, broken("ada", SourceBroke()))
        with pytest.raises(SourceBroke):
            client.start_upload_user_list(HEADER, broken("ada", SourceBroke())).result()
        with pytest.raises(CallFailed):
            client.get_user_list("l")


@pytest.mark.parametrize("source", [broken, broken_async])
@pytest.mark.parametrize(("stream", "first"), STREAMS)
def test_it_ends_a_group_of_tasks(
    address: str, stream: Callable[..., AsyncIterator[Any]], first: Any, source: Callable[..., Any]
) -> None:
    error = SourceBroke("x")

    async def take() -> None:
        async with AsyncClient(address) as client:
            async for _ in stream(client, source(first, error)):
                pass

    async def life() -> None:
        async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
            tasks.create_task(take())

    with pytest.raises(ExceptionGroup) as raised:
        asyncio.run(life())
    assert raised.value.exceptions == (error,)
    assert error.__cause__ is CAUSE


def test_an_upload_of_asyncio_raises_it_too(address: str) -> None:
    async def life() -> None:
        async with AsyncClient(address) as client:
            await client.upload_user_list(HEADER, broken("ada", SourceBroke()))

    with pytest.raises(SourceBroke):
        asyncio.run(asyncio.wait_for(life(), 30))


def test_a_task_that_is_cancelled_amid_a_stream_is_cancelled_and_so_is_its_source(address: str) -> None:
    ended = []

    async def waiting() -> AsyncIterator[Any]:
        try:
            yield EVENTS
            await asyncio.Event().wait()
        finally:
            ended.append("source")

    async def life() -> None:
        async with AsyncClient(address) as client:
            answers = client.stream_events(waiting())
            await anext(answers)
            task = asyncio.ensure_future(anext(answers))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(asyncio.wait_for(life(), 30))
    assert ended == ["source"]


def test_a_closed_client_fails_the_streams_of_other_tasks_and_cancels_none(address: str) -> None:
    async def waiting() -> AsyncIterator[Any]:
        yield EVENTS
        await asyncio.Event().wait()

    async def life() -> None:
        client = AsyncClient(address)
        answers = client.stream_events(waiting())
        await anext(answers)
        task = asyncio.ensure_future(anext(answers))
        await asyncio.sleep(0)
        await client.close()
        with pytest.raises(CallFailed) as failed:
            await task
        assert failed.value.code is grpc.StatusCode.CANCELLED

    asyncio.run(asyncio.wait_for(life(), 30))


@pytest.mark.parametrize(("stream", "first"), STREAMS)
def test_the_blocking_client_refuses_an_asynchronous_source_at_once(
    stream: Callable[..., Iterator[Any]], first: Any
) -> None:
    with Client("127.0.0.1:1") as client, pytest.raises(TypeError, match=r"^batches: it is asynchronous"):
        stream(client, broken_async(first, SourceBroke()))
