"""Lists: users by name, and a stable percentage."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from segmentd.api import Reads
from segmentd.errors import PluginBroken
from segmentd.testing import GivenUser, check_segment_type, instant, judge, population, user
from segmentd_types.lists import BUCKETS, ListType, buckets

if TYPE_CHECKING:
    from segmentd.api import Micros, Model

NOW = "2026-11-21T10:00:00Z"
IDS = st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=30, unique=True)


def murmur3_32(data: bytes) -> int:
    """MurmurHash3_x86_32 with seed 0, after Austin Appleby's published algorithm; slow and plain."""
    mask, value = 0xFFFFFFFF, 0

    def rotated(number: int, by: int) -> int:
        return (number << by | number >> (32 - by)) & mask

    def mixed(block: bytes) -> int:
        return rotated(int.from_bytes(block, "little") * 0xCC9E2D51 & mask, 15) * 0x1B873593 & mask

    full = len(data) // 4 * 4
    for start in range(0, full, 4):
        value = (rotated(value ^ mixed(data[start : start + 4]), 13) * 5 + 0xE6546B64) & mask
    value ^= mixed(data[full:])
    value ^= len(data)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        value = (value ^ value >> shift) * factor & mask
    return value


def oracle(params: Any, model: Model | None, each: GivenUser, at: Micros) -> bool:
    bucket, share = 0, params.percentage
    if share is not None:
        bucket = murmur3_32(f"{share.salt}:{each.user_id}".encode()) * 10_000 >> 32
    named = params.users is None or each.user_id in params.users
    listed = params.uploaded is None or params.uploaded in each.lists
    return named and listed and (share is None or share.from_ <= bucket < share.to)


def test_lists_keep_the_contract() -> None:
    examples: list[dict[str, Any]] = [
        {"users": ["user-1", "user-7", "nobody"]},
        {"users": [f"user-{number}" for number in range(1, 100, 2)]},
        {"percentage": {"salt": "spring", "to": 5000}},
        {"percentage": {"salt": "Frühling", "from": 2500, "to": 10000}},
        {"users": ["user-1", "user-2", "user-3"], "percentage": {"salt": "s", "from": 1, "to": 9000}},
        {"uploaded": "beta"},
        {"uploaded": "beta", "users": ["user-1", "user-2", "zoë"], "percentage": {"salt": "s", "to": 9000}},
    ]
    users = [user("zoë", lists=["beta"]), user("用户", lists=["gamma"])]
    check_segment_type(ListType(), examples, oracle=oracle, users=users)


def test_an_uploaded_list_is_explained_in_words() -> None:
    params = ListType.Params.model_validate({"uploaded": "beta"})
    for lists, member in ((["beta"], True), (["gamma"], False), ([], False)):
        users = population([user("ada", lists=lists)], NOW)
        (reason,) = ListType().explain(params, None, users, users.at)
        assert (reason.observed, reason.operator, reason.threshold) == ("ada", "in", "the user list beta")
        assert reason.member is member


def test_a_type_reads_the_lists_that_it_declares_and_no_other() -> None:
    class Careless(ListType):
        def reads(self, params: Any) -> Reads:
            return Reads(lists=frozenset(["gamma"]))

    with pytest.raises(PluginBroken, match="read the user list beta, which its reads"):
        judge(Careless(), {"uploaded": "beta"}, population([user("ada")], NOW))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", 0),
        (b"test", 0xBA6BD213),
        (b"Hello, world!", 0xC0363E43),
        (b"The quick brown fox jumps over the lazy dog", 0x2E4FF723),
    ],
)
def test_the_oracle_knows_the_published_vectors_of_murmur3(data: bytes, expected: int) -> None:
    assert murmur3_32(data) == expected


def test_buckets_are_those_of_the_published_vectors() -> None:
    assert buckets("Hello, world!"[:5], [", world!"]).tolist() == [murmur3_32(b"Hello:, world!") * 10_000 >> 32]
    assert buckets("spring", ["u1", "u2", "用户"]).tolist() == [
        murmur3_32(f"spring:{each}".encode()) * 10_000 >> 32 for each in ("u1", "u2", "用户")
    ]


def test_a_share_has_about_its_size() -> None:
    found = buckets("holdout", [f"user-{number}" for number in range(100_000)])
    counts = np.bincount(found // 1000, minlength=10)
    assert counts.sum() == 100_000
    assert (np.abs(counts - 10_000) < 500).all()  # five standard deviations


@pytest.mark.parametrize(("named", "threshold"), [(1, "1 user"), (2, "2 users"), (1000, "1,000 users")])
def test_the_reason_counts_those_who_are_named(named: int, threshold: str) -> None:
    params = ListType.Params.model_validate({"users": [f"u{number}" for number in range(named)]})
    users = population([user("u0")], NOW)
    (reason,) = ListType().explain(params, None, users, np.array([instant(NOW)]))
    assert reason.threshold == threshold


@given(IDS, st.text(min_size=1, max_size=10), st.lists(st.integers(1, BUCKETS - 1), max_size=5, unique=True))
def test_adjoining_ranges_divide_everybody(ids: list[str], salt: str, bounds: list[int]) -> None:
    users = population([user(each) for each in ids], NOW)
    edges = [0, *sorted(bounds), BUCKETS]
    shares = [
        judge(ListType(), {"percentage": {"salt": salt, "from": low, "to": high}}, users).member.astype(int)
        for low, high in pairwise(edges)
    ]
    assert np.sum(shares, axis=0).tolist() == [1] * len(ids)


def test_a_widened_share_keeps_its_users() -> None:
    users = population([user(f"u{number}") for number in range(1000)], NOW)
    narrow, wide = (judge(ListType(), {"percentage": {"salt": "s", "to": to}}, users).member for to in (1000, 3000))
    assert not (narrow & ~wide).any()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "write users, uploaded, percentage"),
        ({"users": []}, "at least 1 item"),
        ({"percentage": {"to": 100}}, "salt"),
        ({"percentage": {"salt": "", "to": 100}}, "at least 1 character"),
        ({"percentage": {"salt": "s", "from": 100, "to": 100}}, "from must be less than to"),
        ({"percentage": {"salt": "s", "to": 10001}}, "less than or equal to 10000"),
        ({"percentage": {"salt": "s", "to": 0.5}}, "valid integer"),
    ],
)
def test_what_makes_no_sense_is_refused(params: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ListType.Params.model_validate(params)


def test_whole_numbers_of_a_struct_are_basis_points() -> None:
    share = ListType.Params.model_validate({"percentage": {"salt": "s", "from": 0.0, "to": 1000.0}}).percentage
    assert share is not None
    assert share.to == 1000


def test_a_share_begins_with_its_first_bucket_and_ends_before_its_last() -> None:
    (bucket,) = buckets("s", ["ada"]).tolist()
    ada = population([user("ada")], NOW)
    for low, high, expected in (
        (bucket, bucket + 1, True),
        (bucket - 1, bucket, False),
        (bucket + 1, bucket + 2, False),
    ):
        share = {"percentage": {"salt": "s", "from": low, "to": high}}
        assert judge(ListType(), share, ada).member.tolist() == [expected]
