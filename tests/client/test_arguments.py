"""Arguments that cannot be sent are refused by their names, before anything is sent."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import pytest
from tests.client.answering import mute_server

from segmentd.client import ArgumentRefused, AsyncClient, Client
from segmentd.client.arguments import named
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
        ("user_id: None is no text", lambda client: client.is_member(None, "rich")),
        ("segment_id: None is no text", lambda client: client.check("u1", segment_id=None)),
        ("user_id: b'u1' is no text", lambda client: client.is_member(b"u1", "rich")),
        ("min_revision: None is no whole number", lambda client: client.is_member("u1", "rich", min_revision=None)),
        ("rule: [1] is no mapping", lambda client: client.count_members([1])),
        ("min_revision: 'new' is no whole number", lambda client: client.check("u1", "rich", "new")),
        ("segment_ids: 17 is no text", lambda client: client.check_several("u1", ["rich", 17])),
        ("segment_ids: 17 is no list", lambda client: client.check_several("u1", 17)),
        ("user_ids: 17 is no text", lambda client: client.check_batch(["u1", 17], ["rich"])),
        ("user_ids: None is no list", lambda client: client.check_batch(None, ["rich"])),
        ("segment_ids: 17 is no text", lambda client: client.local([17])),
        ("segment: 'rich' is no Segment", lambda client: client.create_segment("rich")),
        ("events: 'bought' is no Event", lambda client: client.ingest_events(["bought"])),
        ('events: user_id: "u1"\n is no list', lambda client: client.ingest_events(profile_pb2.Event(user_id="u1"))),
        ("header: 'l' is no UploadUserListHeader", lambda client: client.upload_user_list("l", [])),
        ("assumptions: 17 is no Assumptions", lambda client: client.create_segment(None, assumptions=17)),
        ("max_staleness: '1s' is no number", lambda client: client.local(["rich"], max_staleness="1s")),
        ("checkpoint_seconds: '1s' is no number; write seconds", lambda client: client.watch(checkpoint_seconds="1s")),
        ("reconnect_for: '1m' is no number", lambda client: client.watch(reconnect_for="1m")),
    ],
)
def test_what_a_message_does_not_hold_is_refused_by_name(words: str, call: Call) -> None:
    with Client(NOWHERE) as client, pytest.raises(TypeError) as refused:
        call(client)
    assert str(refused.value) == words


@pytest.mark.parametrize(
    ("words", "call"),
    [
        (r"user_id: '\ud800' is not Unicode text", lambda client: client.check("\ud800", "rich")),
        (r"segment_ids: '\ud800' is not Unicode text", lambda client: client.check_several("u1", ["rich", "\ud800"])),
        (r"user_ids: '\ud800' is not Unicode text", lambda client: client.check_batch(["u1", "\ud800"], ["rich"])),
        (r"segment_ids: '\ud800' is not Unicode text", lambda client: client.local(["\ud800"])),
        ("min_revision: 9223372036854775808 is out of range", lambda client: client.check("u1", "rich", 2**63)),
        ("min_revision: a number of 16610 bits", lambda client: client.check("u1", "rich", 10**5000)),
        ("page_size: 2147483648 is out", lambda client: next(client.membership_history(user_id="u1", page_size=2**31))),
    ],
)
def test_what_a_field_does_not_hold_is_refused_by_name(words: str, call: Call) -> None:
    with Client(NOWHERE) as client, pytest.raises(ArgumentRefused, match=f"^{re.escape(words)}"):
        call(client)


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (lambda client: next(client.stream_events([[17]])), "events: 17 is no Event"),
        (lambda client: client.upload_user_list(HEADER, ["u1", 17]), "user_ids: 17 is no text"),
    ],
)
def test_what_is_made_amid_a_call_is_refused_by_name_too(sent: Call, words: str) -> None:
    with mute_server(threading.Event()) as address, Client(address) as client, pytest.raises(TypeError) as refused:
        sent(client)
    assert str(refused.value) == words


def test_what_the_callers_own_list_raises_stays_as_it_is() -> None:
    error = ValueError("the list is gone")

    class Gone(Sequence[str]):
        def __getitem__(self, _: Any) -> Any:
            raise error from KeyError("why")

        def __len__(self) -> int:
            return 1

    with Client(NOWHERE) as client, pytest.raises(ValueError, match="the list is gone") as raised:
        client.check_several("u1", Gone())
    assert raised.value is error
    assert isinstance(error.__cause__, KeyError)


def test_a_generator_is_not_read_to_find_a_fault() -> None:
    read = []

    def users() -> Iterator[str]:
        read.append("u1")
        yield "u1"

    @named
    def fails(user_ids: Iterable[str], count: int) -> None:
        raise TypeError("for another reason")

    with pytest.raises(TypeError, match=r"^for another reason$"):
        fails(users(), 1)
    assert not read


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


@pytest.mark.parametrize("seconds", [-1, 0, float("nan"), float("inf")])
def test_a_deadline_is_ahead_and_so_is_the_next_checkpoint(seconds: float) -> None:
    with Client(NOWHERE) as client:
        with pytest.raises(ValueError, match=r"^timeout: .* is no time to wait for"):
            client.within(seconds)
        with pytest.raises(ValueError, match=r"^checkpoint_seconds: .* is no time to wait for"):
            client.watch(checkpoint_seconds=seconds)
    with pytest.raises(ValueError, match=r"^timeout: "):
        Client(NOWHERE, timeout=seconds)


def test_a_lost_server_is_looked_for_for_no_less_than_no_time() -> None:
    with Client(NOWHERE) as client:
        for seconds in (-1.0, float("nan")):
            with pytest.raises(ValueError, match=r"^reconnect_for: .*; write seconds, 0 or more$"):
                client.watch(reconnect_for=seconds)
        client.watch(reconnect_for=float("inf")).close()


def test_a_number_of_connections_is_a_number() -> None:
    text: Any = "4"
    with pytest.raises(TypeError, match=r"^connections: '4' is no whole number$"):
        Client(NOWHERE, connections=text)


def test_a_deadline_is_a_number() -> None:
    text: Any = "5s"
    with Client(NOWHERE) as client, pytest.raises(TypeError, match=r"^timeout: '5s' is no number"):
        client.within(text)
