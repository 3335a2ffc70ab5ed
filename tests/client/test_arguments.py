"""Arguments of a wrong type are refused by their names, before anything is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from segmentd.client import AsyncClient, Client
from segmentd.v1 import profile_pb2
from segmentd.v1 import user_list_service_pb2 as lists

NOWHERE = "localhost:1"
HEADER = lists.UploadUserListHeader(list_id="l")
Call = Callable[[Any], Any]


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("segment_ids", lambda client: client.local("paying-plan")),
        ("segment_ids", lambda client: client.watch("rich")),
        ("user_ids", lambda client: client.watch(user_ids="u1")),
        ("user_ids", lambda client: client.check_batch("u1", ["rich"])),
        ("segment_ids", lambda client: client.check_batch(["u1"], "rich")),
        ("segment_ids", lambda client: client.check_several("u1", "rich")),
        ("segment_ids", lambda client: client.migration_matrix("rich", 0, 1)),
        ("add", lambda client: client.update_user_list("l", add="u1")),
        ("remove", lambda client: client.update_user_list("l", remove="u1")),
        ("user_ids", lambda client: client.upload_user_list(HEADER, "u1")),
        ("user_ids", lambda client: client.start_upload_user_list(HEADER, "u1")),
    ],
)
def test_one_text_is_no_list_of_texts(name: str, call: Call) -> None:
    with Client(NOWHERE) as client, pytest.raises(TypeError, match=rf"^{name}: '.*' is one text; write a list"):
        call(client)


@pytest.mark.parametrize(
    ("words", "call"),
    [
        ("user_id: 17 is no text", lambda client: client.check(17, "rich")),
        ("segment_id: 17 is no text", lambda client: client.check("u1", segment_id=17)),
        ("min_revision: 'new' is no whole number", lambda client: client.check("u1", "rich", "new")),
        ("segment_ids: 17 is no text", lambda client: client.check_several("u1", ["rich", 17])),
        ("segment_ids: 17 is no list", lambda client: client.check_several("u1", 17)),
        ("user_ids: 17 is no text", lambda client: client.check_batch(["u1", 17], ["rich"])),
        ("segment_ids: 17 is no text", lambda client: client.local([17])),
        ("segment: 'rich' is no Segment", lambda client: client.create_segment("rich")),
        ("events: 'bought' is no Event", lambda client: client.ingest_events(["bought"])),
        ('events: user_id: "u1"\n is no list', lambda client: client.ingest_events(profile_pb2.Event(user_id="u1"))),
    ],
)
def test_what_a_message_does_not_hold_is_refused_by_name(words: str, call: Call) -> None:
    with Client(NOWHERE) as client, pytest.raises(TypeError) as refused:
        call(client)
    assert str(refused.value) == words


def test_asyncio_refuses_the_same() -> None:
    async def life() -> None:
        async with AsyncClient(NOWHERE) as client:
            wrong: Any = 17
            for call, words in (
                (lambda: client.check_several("u1", "rich"), "segment_ids: 'rich' is one text"),
                (lambda: client.watch("rich"), "segment_ids: 'rich' is one text"),
                (lambda: client.local("rich"), "segment_ids: 'rich' is one text"),
                (lambda: client.check(wrong, "rich"), "user_id: 17 is no text"),
            ):
                with pytest.raises(TypeError, match=words):
                    call()

    asyncio.run(life())


@pytest.mark.parametrize("timeout", [-1, 0, float("nan"), float("inf")])
def test_a_deadline_is_ahead(timeout: float) -> None:
    with Client(NOWHERE) as client, pytest.raises(ValueError, match=r"^timeout: .* is no time to wait for"):
        client.within(timeout)
    with pytest.raises(ValueError, match=r"^timeout: "):
        Client(NOWHERE, timeout=timeout)


def test_a_deadline_is_a_number() -> None:
    text: Any = "5s"
    with Client(NOWHERE) as client, pytest.raises(TypeError, match=r"^timeout: '5s' is no number"):
        client.within(text)
