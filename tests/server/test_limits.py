"""What is too long, too many or not allowed is refused at its field."""

from __future__ import annotations

import pytest

from segmentd import limits
from segmentd.errors import InvalidInput, Reason
from segmentd.server.faults import Faults


@pytest.mark.parametrize("text", ["u", "ü" * 128, "user 17", "a\u00a0b", "💥"])
def test_ids_may_be_any_text_of_256_bytes(text: str) -> None:
    assert limits.id_fault(text) is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [("", "empty"), ("ü" * 129, "258 bytes"), ("a\nb", "U+000A at position 1"), ("\x7f", "U+007F"), ("\x85", "U+0085")],
)
def test_other_ids_are_refused_with_the_reason(text: str, fault: str) -> None:
    assert fault in (limits.id_fault(text) or "")


def test_text_may_have_64_kib_and_no_more() -> None:
    assert limits.text_fault("x" * 65_536) is None
    assert "65536 are the most" in (limits.text_fault("x" * 65_537) or "")
    assert "65537" in (limits.text_fault("ü" * 32_768 + "x") or "")
    assert "10000000" in (limits.text_fault("x" * 10_000_000) or "")


def test_message_ids_have_at_most_100_characters() -> None:
    assert limits.message_id_fault("ü" * 100) is None
    assert limits.message_id_fault("") is None
    assert "101" in (limits.message_id_fault("x" * 101) or "")


def test_a_batch_of_a_million_is_refused_with_the_limit() -> None:
    limits.check_batch(10_000, "events")
    with pytest.raises(InvalidInput) as refused:
        limits.check_batch(1_000_000, "events")
    assert (refused.value.reason, refused.value.metadata) == (
        Reason.BATCH_TOO_LARGE,
        {"limit": "10000", "given": "1000000"},
    )


def test_all_faults_of_a_request_are_told_at_once() -> None:
    faults = Faults("events[3].")
    faults.id("", "user_id")
    faults.ids(["ok", "\x00"], "segment_ids")
    faults.min_revision(-1)
    faults.page_size(-1, 100, 1000)
    faults.labels({"": "x", "team": "y" * 257})
    with pytest.raises(InvalidInput) as refused:
        faults.raise_any()
    assert [found.field.removeprefix("events[3].") for found in refused.value.violations] == [
        "user_id",
        "segment_ids[1]",
        "min_revision",
        "page_size",
        "labels.",
        "labels.team",
    ]


@pytest.mark.parametrize(("asked", "given"), [(0, 100), (7, 7), (5000, 1000)])
def test_page_sizes_have_a_default_and_a_bound(asked: int, given: int) -> None:
    faults = Faults()
    assert faults.page_size(asked, 100, 1000) == given
    faults.raise_any()
