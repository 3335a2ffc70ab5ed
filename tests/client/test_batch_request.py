"""The request for a batch says the same as a list of the ids would, and its answer is read by the very ids."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentd.client.batch_request import fill_batch
from segmentd.client.batch_stream import BatchStream
from segmentd.joined_ids import JoinedIds
from segmentd.v1 import membership_service_pb2 as questions

IDS = st.lists(st.text(st.sampled_from("aé\n\x00 "), max_size=4), max_size=6)


def filled(user_ids: list[str]) -> questions.BatchCheckMembershipsRequest:
    request = questions.BatchCheckMembershipsRequest()
    fill_batch(request, user_ids, ["s"], 7)
    return request


@given(IDS)
def test_it_names_the_very_ids(user_ids: list[str]) -> None:
    request = filled(user_ids)
    assert not (request.user_ids and request.joined_user_ids)
    read = JoinedIds(request.joined_user_ids) if request.joined_user_ids else request.user_ids
    assert list(read) == user_ids
    assert (list(request.segment_ids), request.min_revision) == (["s"], 7)


@given(st.lists(st.text(st.sampled_from("aé\x00 "), max_size=4), min_size=1, max_size=6))
def test_joined_ids_are_a_sequence_of_them(user_ids: list[str]) -> None:
    joined = JoinedIds("\n".join(user_ids))
    assert (len(joined), list(joined), joined[:2], joined[-1]) == (len(user_ids), user_ids, user_ids[:2], user_ids[-1])
    assert joined.encoded() == [each.encode() for each in user_ids]


def test_what_is_no_text_is_refused_as_in_a_list() -> None:
    with pytest.raises(TypeError):
        filled(["u", 7])  # type: ignore[list-item]


@pytest.mark.parametrize("at_once", [1, 2])
def test_a_list_that_is_used_again_for_the_next_batch_changes_none_before(at_once: int) -> None:
    def batches() -> Iterator[tuple[list[str], list[str]]]:
        users, segments = [""], [""]
        for number in range(3):
            users[0], segments[0] = f"u{number}", f"s{number}"
            yield users, segments

    stream = BatchStream(0, at_once)
    sent = [batch for message in stream.messages(batches()) for batch in message.batches]
    assert [(each.joined_user_ids, *each.segment_ids) for each in sent] == [(f"u{n}", f"s{n}") for n in range(3)]
    answer = questions.BatchCheckMembershipsResponse(member_bits=b"\x01", bytes_per_user=1)
    tables = stream.tables(questions.StreamBatchChecksResponse(answers=[answer] * 3))
    assert [table.segments_of(f"u{n}") for n, table in enumerate(tables)] == [[f"s{n}"] for n in range(3)]


def test_what_is_no_batch_is_refused_by_name() -> None:
    wrong: tuple[Any, str] = (17, r"^batches: 17 is no pair of user ids and segment ids$")
    texts: tuple[Any, str] = (("u1", ["s"]), r"^user_ids: 'u1' is one text; write a list")
    for batch, words in (wrong, texts):
        with pytest.raises(TypeError, match=words):
            next(BatchStream(0, 1).messages([batch]))
    with pytest.raises(ValueError, match=r"^at_once: 0 is too few; 1 is the least$"):
        BatchStream(0, 0)
