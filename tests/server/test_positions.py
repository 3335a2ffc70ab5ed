"""Positions are opaque, of one database, and nothing else is taken for one."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentd.errors import InvalidInput, Reason
from segmentd.records import END_OFFSET, START, Position
from segmentd.service.positions import Positions

OURS = Positions("00112233445566778899aabbccddeeff")
OTHERS = Positions("ffeeddccbbaa99887766554433221100")


def refusal(text: str) -> str:
    with pytest.raises(InvalidInput) as seen:
        OURS.read(text)
    assert seen.value.reason is Reason.POSITION_INVALID
    assert [each.field for each in seen.value.violations] == ["position"]
    return seen.value.message


@given(st.integers(0, 2**62), st.integers(-1, END_OFFSET))
def test_a_position_is_read_back(revision: int, offset: int) -> None:
    assert OURS.read(OURS.text(Position(revision, offset))) == (revision, offset)


def test_the_ends_are_positions_too() -> None:
    for position in (START, Position(7, END_OFFSET)):
        assert OURS.read(OURS.text(position)) == position


def test_a_position_of_another_database_is_refused_by_name() -> None:
    assert "another database" in refusal(OTHERS.text(Position(3, 0)))


@pytest.mark.parametrize("text", ["x", " ", "position 2", "ü", "AAAA", "\x00", "=" * 40, "A" * 40, "A" * 100_000])
def test_other_text_is_refused(text: str) -> None:
    assert "not a position" in refusal(text)


@given(st.data())
def test_a_damaged_position_is_refused(data: st.DataObject) -> None:
    raw = bytearray(base64.urlsafe_b64decode(OURS.text(Position(12, 34))))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    refusal(base64.urlsafe_b64encode(raw).decode())
