"""A page token gives its position back to the request it was made for, and to no other."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentd.errors import InvalidInput, Reason
from segmentd.server.page_tokens import make_page_token, read_page_token
from segmentd.v1.membership_service_pb2 import ListSegmentMembersRequest, ListUserSegmentsRequest

REQUEST = ListUserSegmentsRequest(user_id="u17", labels={"team": "crm", "a": "b"}, page_size=10)


def refusal(request: ListUserSegmentsRequest | ListSegmentMembersRequest, token: str) -> InvalidInput:
    with pytest.raises(InvalidInput) as refused:
        read_page_token(request, token)
    assert refused.value.reason is Reason.PAGE_TOKEN_MISMATCH
    assert [found.field for found in refused.value.violations] == ["page_token"]
    return refused.value


@given(st.text(st.characters(codec="utf-8")))
def test_the_position_comes_back(position: str) -> None:
    assert read_page_token(REQUEST, make_page_token(REQUEST, position)) == position


def test_the_first_page_has_no_position() -> None:
    assert read_page_token(REQUEST, "") is None


def test_page_size_and_the_token_itself_may_differ() -> None:
    token = make_page_token(REQUEST, "s5")
    later = ListUserSegmentsRequest(user_id="u17", labels={"a": "b", "team": "crm"}, page_size=99, page_token=token)
    assert read_page_token(later, token) == "s5"


@pytest.mark.parametrize(
    ("other", "field"),
    [
        (ListUserSegmentsRequest(user_id="u18", labels=REQUEST.labels), "user_id"),
        (ListUserSegmentsRequest(user_id="u17", labels={"team": "crm"}), "labels"),
        (ListUserSegmentsRequest(user_id="u17"), "labels"),
        (ListUserSegmentsRequest(user_id="u17", labels=REQUEST.labels, with_leaves_time=True), "with_leaves_time"),
    ],
)
def test_another_request_is_refused_by_the_field_that_differs(other: ListUserSegmentsRequest, field: str) -> None:
    refused = refusal(other, make_page_token(REQUEST, "s5"))
    assert refused.metadata == {"field": field}
    assert field in refused.message


def test_a_token_of_another_method_is_refused() -> None:
    assert "another method" in refusal(ListSegmentMembersRequest(), make_page_token(REQUEST, "s5")).message


@pytest.mark.parametrize("token", ["x", "page 2", "ü", "AAAA", base64.urlsafe_b64encode(b"0" * 40).decode()])
def test_other_text_is_refused(token: str) -> None:
    assert "not a page token" in refusal(REQUEST, token).message


@given(st.data())
def test_a_damaged_token_is_refused(data: st.DataObject) -> None:
    raw = bytearray(base64.urlsafe_b64decode(make_page_token(REQUEST, "s5")))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    refusal(REQUEST, base64.urlsafe_b64encode(raw).decode())
