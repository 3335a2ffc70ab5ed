"""Versions compare as numbers, then as semver.org 2.0 says of pre-releases."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.conditions.slow_conditions import version

from segmentd.conditions.versions import parse_version

IN_ORDER = [
    *("0.9.9", "1.0.0-0", "1.0.0-1", "1.0.0-11", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta"),
    *("1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.0.1", "1.2", "1.10", "2", "10.0"),
]


def test_the_order_of_semver_and_of_numbers() -> None:
    parsed = [parse_version(text) for text in IN_ORDER]
    assert None not in parsed
    assert parsed == sorted(parsed)  # type: ignore[type-var]  # none of them is None
    assert len(set(parsed)) == len(parsed)


@pytest.mark.parametrize(
    ("one", "other"), [("1", "1.0.0"), ("v1.2", "1.2.0"), ("1.2+b1", "1.2+b2"), ("1.02", "1.2"), ("0", "0.0")]
)
def test_versions_that_are_the_same(one: str, other: str) -> None:
    assert parse_version(one) == parse_version(other) is not None


@pytest.mark.parametrize(
    "text", ["", "v", "1.", ".1", "1..2", "a", "1.0 ", "1.0-", "1.0-a..b", "1.0+", "vv1", "1.0\n", "\uff11", "1" * 257]
)
def test_what_is_no_version(text: str) -> None:
    assert parse_version(text) is None


@given(st.from_regex(r"v?[0-9]{1,3}(\.[0-9]{1,2}){0,4}(-[0-9ab]{1,2}(\.[0-9ab-]{1,2}){0,2})?(\+b)?", fullmatch=True))
def test_agrees_with_a_plain_reading(text: str) -> None:
    found, expected = parse_version(text), version(text)
    assert found is not None
    for other in IN_ORDER:
        parsed = parse_version(other)
        assert parsed is not None
        assert (found < parsed) == (expected < version(other))
        assert (found == parsed) == (expected == version(other))
