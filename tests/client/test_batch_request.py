"""The request for a batch says the same as a list of the ids would."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentd.client.batch_request import fill_batch
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
